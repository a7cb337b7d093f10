"""The queries of who is in an organization."""

from collections.abc import Sequence

from gateway.db.engine import Database
from gateway.db.rows import Columns, Rows
from gateway.db.tables.teams import TeamTable
from gateway.identity.teams.listing_store import IS_MEMBER

__all__ = ["MemberRecords"]

_COLUMNS = "user_id, organization_id, user_role, spend, budget_id, created_at, updated_at"
# Of organizations that the caller does not administer ($2), only what is the caller's own ($3).
_LIST = f"""
SELECT {_COLUMNS} FROM unnest($2::text[]) AS o (seen) CROSS JOIN LATERAL (
    SELECT * FROM "LiteLLM_OrganizationMembership"
    WHERE organization_id = o.seen ORDER BY user_id LIMIT $4
) m
UNION ALL
SELECT {_COLUMNS} FROM "LiteLLM_OrganizationMembership"
WHERE user_id = $3 AND organization_id = ANY ($1::text[]) AND NOT organization_id = ANY ($2)
ORDER BY organization_id, user_id
"""  # noqa: S608  only constants of this module are put in
_TEAMS = f"""
SELECT t.* FROM unnest($2::text[]) AS o (seen) CROSS JOIN LATERAL (
    SELECT * FROM "LiteLLM_TeamTable" t WHERE t.organization_id = o.seen ORDER BY t.team_id LIMIT $4
) t
UNION ALL
SELECT t.* FROM unnest($1::text[]) AS o (listed) CROSS JOIN LATERAL (
    SELECT * FROM "LiteLLM_TeamTable" t WHERE t.organization_id = o.listed
        AND {IS_MEMBER.format("$3", "$3", "$3")}
    ORDER BY t.team_id LIMIT $4
) t WHERE $3::text IS NOT NULL AND NOT o.listed = ANY ($2)
ORDER BY organization_id, team_id
"""  # noqa: S608  only constants are put in
_SOME = f"""
SELECT {_COLUMNS} FROM "LiteLLM_OrganizationMembership"
WHERE organization_id = $1 AND user_id = ANY ($2::text[]) ORDER BY user_id
"""  # noqa: S608  only constants of this module are put in
_LOCK = f"""
SELECT {_COLUMNS} FROM "LiteLLM_OrganizationMembership"
WHERE organization_id = $1 AND user_id = $2 FOR NO KEY UPDATE
"""  # noqa: S608  only constants of this module are put in
_CHANGE = f"""
UPDATE "LiteLLM_OrganizationMembership"
SET user_role = $3, budget_id = $4, updated_at = now() AT TIME ZONE 'UTC'
WHERE organization_id = $1 AND user_id = $2 RETURNING {_COLUMNS}
"""  # noqa: S608  only constants of this module are put in
_DROP = 'DELETE FROM "LiteLLM_OrganizationMembership" WHERE organization_id = $1 AND user_id = $2'


class MemberRecords:
    """Reads and writes memberships of organizations. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._teams = Rows(TeamTable)

    async def list_members(
        self, organization_ids: Sequence[str], administered: Sequence[str], user_id: str | None, most: int
    ) -> list[Columns]:
        """At most so many members of each organization; where it is not administered, the user only."""
        rows = await self._database.fetch(_LIST, list(organization_ids), list(administered), user_id, most)
        return [dict(row) for row in rows]

    async def list_teams(
        self, organization_ids: Sequence[str], administered: Sequence[str], user_id: str | None, most: int
    ) -> list[Columns]:
        """At most so many teams of each organization; where it is not administered, the user's only."""
        rows = await self._database.fetch(_TEAMS, list(organization_ids), list(administered), user_id, most)
        return [self._teams.read(dict(row)) for row in rows]

    async def list_some(self, organization_id: str, user_ids: Sequence[str]) -> list[Columns]:
        """The memberships of these users in an organization."""
        return [dict(row) for row in await self._database.fetch(_SOME, organization_id, list(user_ids))]

    async def lock(self, organization_id: str, user_id: str) -> Columns | None:
        """A membership, held for change until the transaction ends."""
        row = await self._database.fetch_row(_LOCK, organization_id, user_id)
        return None if row is None else dict(row)

    async def change(
        self, organization_id: str, user_id: str, role: str | None, budget_id: str | None
    ) -> Columns:
        """Say what a member is, and which budget it has; returns the row."""
        row = await self._database.fetch_row(_CHANGE, organization_id, user_id, role, budget_id)
        return dict(row or {})

    async def drop(self, organization_id: str, user_id: str) -> None:
        """End a membership."""
        await self._database.execute(_DROP, organization_id, user_id)
