"""The queries of projects."""

from collections.abc import Sequence

from gateway.db.engine import Database
from gateway.db.rows import Rows
from gateway.db.tables.organizations import ProjectTable

__all__ = ["ProjectRecords"]

_WITH_KEYS = """
SELECT DISTINCT project_id FROM "LiteLLM_VerificationToken" WHERE project_id = ANY ($1) ORDER BY project_id
"""
_OF_USER = """
SELECT p.project_id FROM "LiteLLM_ProjectTable" p JOIN "LiteLLM_TeamTable" t ON t.team_id = p.team_id
WHERE p.project_id > $2 AND (
    t.members_with_roles @> jsonb_build_array(jsonb_build_object('user_id', $1::text))
    OR t.organization_id IN (SELECT m.organization_id FROM "LiteLLM_OrganizationMembership" m
        WHERE m.user_id = $1 AND m.user_role = 'org_admin'))
ORDER BY p.project_id LIMIT $3
"""


class ProjectRecords(Rows):
    """Reads and writes projects. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        super().__init__(ProjectTable)
        self._database = database

    async def list_with_keys(self, project_ids: Sequence[str]) -> list[str]:
        """Those of the projects that keys belong to."""
        rows = await self._database.fetch(_WITH_KEYS, list(project_ids))
        return [row["project_id"] for row in rows]

    async def list_of_user(self, user_id: str, after: str, most: int) -> list[str]:
        """At most so many projects of teams that a user is in or administers the organization of."""
        return [row["project_id"] for row in await self._database.fetch(_OF_USER, user_id, after, most)]
