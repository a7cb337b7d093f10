"""The queries of organizations."""

from collections.abc import Sequence

import msgspec

from gateway.db.engine import Database
from gateway.db.rows import Columns, Rows
from gateway.db.tables.organizations import OrganizationTable

__all__ = ["OrganizationQuery", "OrganizationRecords"]

_ROLE = """
SELECT user_role FROM "LiteLLM_OrganizationMembership" WHERE user_id = $1 AND organization_id = $2
"""
_ADMINISTERED = """
SELECT organization_id FROM "LiteLLM_OrganizationMembership"
WHERE user_id = $1 AND user_role = 'org_admin' ORDER BY organization_id
"""
# Who comes back begins with an account of its own, as `spend` begins with 0. Members enter in the order in
# which the drain locks them.
_ENTER = """
WITH entered AS (
    INSERT INTO "LiteLLM_OrganizationMembership" (organization_id, user_id, user_role, budget_id)
    SELECT $1, user_id, user_role, budget_id
    FROM unnest($2::text[], $3::text[], $4::text[]) AS new (user_id, user_role, budget_id)
    ORDER BY user_id COLLATE "C"
    ON CONFLICT DO NOTHING RETURNING user_id
), closed AS (
    DELETE FROM gatewright.opening_balance o USING entered
    WHERE o.entity_type = 'organization_member' AND o.entity_id = entered.user_id || ':' || $1
)
SELECT user_id FROM entered
"""
# A user enters organizations in the order in which the drain locks memberships.
_JOIN = """
WITH entered AS (
    INSERT INTO "LiteLLM_OrganizationMembership" (organization_id, user_id, user_role)
    SELECT organization_id, $1, $3 FROM unnest($2::text[]) AS joined (organization_id)
    ORDER BY organization_id COLLATE "C"
    ON CONFLICT DO NOTHING RETURNING organization_id
)
DELETE FROM gatewright.opening_balance o USING entered
WHERE o.entity_type = 'organization_member' AND o.entity_id = $1 || ':' || entered.organization_id
"""
_LIST = """
SELECT o.organization_id, COALESCE(m.user_role = 'org_admin', FALSE) AS is_administered
FROM "LiteLLM_OrganizationTable" o
LEFT JOIN "LiteLLM_OrganizationMembership" m ON m.organization_id = o.organization_id AND m.user_id = $4
WHERE o.organization_id > $1 AND ($2::text IS NULL OR o.organization_id = $2)
    AND ($3::text IS NULL OR strpos(lower(o.organization_alias), lower($3)) > 0)
    AND ($5 OR m.user_id IS NOT NULL)
ORDER BY o.organization_id LIMIT $6
"""


class OrganizationQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which organizations a list has: of one id, with a part of an alias, of a member or of everybody."""

    organization_id: str | None = None
    alias: str | None = None
    user_id: str | None = None
    is_of_everybody: bool = False


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

    async def list_found(self, query: OrganizationQuery, after: str, most: int) -> list[Columns]:
        """Organizations as `organization_id` and `is_administered`, by whom the query names."""
        rows = await self._database.fetch(
            _LIST,
            *(after, query.organization_id, query.alias, query.user_id, query.is_of_everybody, most),
        )
        return [dict(row) for row in rows]

    async def join(self, user_id: str, organization_ids: Sequence[str], role: str) -> None:
        """Make a user a member of organizations that are there; where it is one it keeps the role."""
        if organization_ids:
            await self._database.execute(_JOIN, user_id, list(organization_ids), role)

    async def enter(
        self, organization_id: str, members: Sequence[tuple[str, str, str | None]]
    ) -> frozenset[str]:
        """Make users members, each with a role and the id of a budget row; returns who was none before."""
        columns = [list(column) for column in zip(*members, strict=True)] or [[], [], []]
        rows = await self._database.fetch(_ENTER, organization_id, *columns)
        return frozenset(row["user_id"] for row in rows)
