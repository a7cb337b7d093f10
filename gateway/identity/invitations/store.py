"""The queries of invitations."""

from gateway.db.engine import Database
from gateway.db.rows import Rows
from gateway.db.tables.users import InvitationLink

__all__ = ["InvitationRecords"]

# Whoever has a link chooses the password: who administers an organization must not get hold of the account of
# somebody with more rights, of one that is somebody's already, or of one that is in anything of others.
_MAY_INVITE = """
WITH administered AS (
    SELECT organization_id FROM "LiteLLM_OrganizationMembership"
    WHERE user_id = $1 AND user_role = 'org_admin'
), teams AS (
    SELECT team_id FROM "LiteLLM_TeamMembership" WHERE user_id = $2
    UNION SELECT unnest(teams) FROM "LiteLLM_UserTable" WHERE user_id = $2
)
SELECT EXISTS (SELECT FROM "LiteLLM_OrganizationMembership" WHERE user_id = $2)
    AND NOT EXISTS (SELECT FROM "LiteLLM_OrganizationMembership" m WHERE m.user_id = $2
        AND (m.user_role = 'org_admin'
            OR m.organization_id NOT IN (SELECT organization_id FROM administered)))
    AND NOT EXISTS (SELECT FROM "LiteLLM_TeamTable" t WHERE t.team_id IN (SELECT team_id FROM teams)
        AND (t.organization_id IN (SELECT organization_id FROM administered)) IS NOT TRUE)
    AND EXISTS (SELECT FROM "LiteLLM_UserTable" u WHERE u.user_id = $2
        AND u.password IS NULL AND u.sso_user_id IS NULL
        AND COALESCE(u.user_role, 'internal_user') NOT IN ('proxy_admin', 'proxy_admin_viewer'))
"""
_IS_OPERATOR = """
SELECT EXISTS (SELECT FROM "LiteLLM_UserTable" WHERE user_id = $1 AND user_role = 'proxy_admin')
"""


class InvitationRecords(Rows):
    """Reads and writes invitations. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        super().__init__(InvitationLink)
        self._database = database

    async def is_operator(self, user_id: str) -> bool:
        """Whether the user's row says that it is a proxy_admin."""
        return bool(await self._database.fetch_value(_IS_OPERATOR, user_id))

    async def may_invite(self, administrator: str | None, user_id: str) -> bool:
        """Whether an organization's administrator may invite a member, who is in nothing of others."""
        return bool(await self._database.fetch_value(_MAY_INVITE, administrator, user_id))
