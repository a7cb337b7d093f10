"""The queries of invitations."""

from gateway.db.engine import Database
from gateway.db.rows import Rows
from gateway.db.tables.users import InvitationLink

__all__ = ["InvitationRecords"]

# Whoever has a link chooses the password: who administers an organization must not get hold of the account of
# somebody with more rights, or of one that is somebody's already.
_MAY_INVITE = """
SELECT EXISTS (
    SELECT FROM "LiteLLM_OrganizationMembership" a
    JOIN "LiteLLM_OrganizationMembership" m ON m.organization_id = a.organization_id
    JOIN "LiteLLM_UserTable" u ON u.user_id = m.user_id
    WHERE a.user_id = $1 AND a.user_role = 'org_admin' AND m.user_id = $2
        AND m.user_role IS DISTINCT FROM 'org_admin' AND u.password IS NULL
        AND COALESCE(u.user_role, 'internal_user') NOT IN ('proxy_admin', 'proxy_admin_viewer'))
"""


class InvitationRecords(Rows):
    """Reads and writes invitations. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        super().__init__(InvitationLink)
        self._database = database

    async def may_invite(self, administrator: str | None, user_id: str) -> bool:
        """Whether an organization's administrator may invite a member."""
        return bool(await self._database.fetch_value(_MAY_INVITE, administrator, user_id))
