"""The queries of budget rows."""

from collections.abc import Mapping, Sequence

from gateway.db.engine import Database
from gateway.db.rows import Rows
from gateway.db.tables.budgets import BudgetTable
from gateway.domain import Scope, ScopeKind

__all__ = ["BudgetRecords"]

# Everything that reads this row on the request path; a member is `<user>:<team>`.
_OWNERS = """
SELECT 'key' AS kind, token AS id FROM "LiteLLM_VerificationToken" WHERE budget_id = $1
UNION ALL SELECT 'team_member', user_id || ':' || team_id FROM "LiteLLM_TeamMembership" WHERE budget_id = $1
UNION ALL SELECT 'organization', organization_id FROM "LiteLLM_OrganizationTable" WHERE budget_id = $1
UNION ALL SELECT 'organization_member', user_id || ':' || organization_id
    FROM "LiteLLM_OrganizationMembership" WHERE budget_id = $1
UNION ALL SELECT 'project', project_id FROM "LiteLLM_ProjectTable" WHERE budget_id = $1
UNION ALL SELECT 'end_user', user_id FROM "LiteLLM_EndUserTable" WHERE budget_id = $1
UNION ALL SELECT 'tag', tag_name FROM "LiteLLM_TagTable" WHERE budget_id = $1
UNION ALL SELECT 'team', team_id FROM "LiteLLM_TeamTable" WHERE metadata ->> 'team_member_budget_id' = $1
UNION ALL SELECT 'key', token FROM "LiteLLM_VerificationToken" WHERE metadata ->> 'end_user_budget_id' = $1
LIMIT $2
"""
_COUNT = 'SELECT count(*) FROM "LiteLLM_BudgetTable"'
_IDS = 'SELECT budget_id FROM "LiteLLM_BudgetTable" ORDER BY budget_id OFFSET $1 LIMIT $2'
_LINKED = (
    *("LiteLLM_VerificationToken", "LiteLLM_TeamMembership", "LiteLLM_OrganizationTable"),
    *("LiteLLM_OrganizationMembership", "LiteLLM_ProjectTable", "LiteLLM_EndUserTable", "LiteLLM_TagTable"),
)
_IS_LINKED = " OR ".join(
    f'EXISTS (SELECT FROM "{name}" t WHERE t.budget_id = b.budget_id)' for name in _LINKED
)
_DROP = f"""
DELETE FROM "LiteLLM_BudgetTable" b WHERE budget_id = ANY ($1::text[]) AND NOT ({_IS_LINKED} OR EXISTS (
    SELECT FROM "LiteLLM_TeamTable" t WHERE t.metadata ->> 'team_member_budget_id' = b.budget_id
) OR EXISTS (
    SELECT FROM "LiteLLM_VerificationToken" t WHERE t.metadata ->> 'end_user_budget_id' = b.budget_id))
"""  # noqa: S608  only constants of this module are put in


class BudgetRecords(Rows):
    """Reads and writes budget rows. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        super().__init__(BudgetTable)
        self._database = database

    async def insert_same(self, values: Mapping[str, object], count: int) -> list[str]:
        """Make so many rows of these values; returns their ids."""
        rows = [BudgetTable(**self._written(values)) for _ in range(count)]
        made = await BudgetTable.insert(*rows).returning(BudgetTable.budget_id)
        return [row["budget_id"] for row in made]

    async def count(self) -> int:
        """How many budget rows there are."""
        return await self._database.fetch_value(_COUNT)

    async def list_ids(self, skipped: int, most: int) -> list[str]:
        """At most so many ids after the first ones, in their order."""
        return [row["budget_id"] for row in await self._database.fetch(_IDS, skipped, most)]

    async def list_owners(self, budget_id: str, most: int) -> list[Scope]:
        """At most so many of the objects whose requests this row limits."""
        rows = await self._database.fetch(_OWNERS, budget_id, most)
        return [Scope(ScopeKind(row["kind"]), row["id"]) for row in rows]

    async def drop_unused(self, budget_ids: Sequence[str | None]) -> None:
        """Remove rows that were one owner's and that nothing refers to any more."""
        known = [budget_id for budget_id in budget_ids if budget_id]
        if known:
            await self._database.execute(_DROP, known)
