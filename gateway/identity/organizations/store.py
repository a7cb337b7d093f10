"""The queries of organizations."""

from gateway.db.engine import Database
from gateway.db.rows import Rows
from gateway.db.tables.organizations import OrganizationTable

__all__ = ["OrganizationRecords"]

_ROLE = """
SELECT user_role FROM "LiteLLM_OrganizationMembership" WHERE user_id = $1 AND organization_id = $2
"""
_ADMINISTERED = """
SELECT organization_id FROM "LiteLLM_OrganizationMembership"
WHERE user_id = $1 AND user_role = 'org_admin' ORDER BY organization_id
"""
_JOIN = """
INSERT INTO "LiteLLM_OrganizationMembership" (user_id, organization_id, user_role)
VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""


class OrganizationRecords(Rows):
    """Reads and writes organizations. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        super().__init__(OrganizationTable)
        self._database = database

    async def is_administered_by(self, organization_id: str | None, user_id: str | None) -> bool:
        """Whether the user is an administrator of the organization."""
        if organization_id is None or user_id is None:
            return False
        return await self._database.fetch_value(_ROLE, user_id, organization_id) == "org_admin"

    async def list_administered(self, user_id: str | None) -> list[str]:
        """The organizations that a user administers."""
        rows = await self._database.fetch(_ADMINISTERED, user_id)
        return [row["organization_id"] for row in rows]

    async def join(self, user_id: str, organization_id: str, role: str) -> None:
        """Make a user a member; one who is keeps the role."""
        await self._database.execute(_JOIN, user_id, organization_id, role)
