"""The queries of single memberships."""

from gateway.db.engine import Database
from gateway.db.rows import Columns

__all__ = ["MembershipRecords"]

_FIND = """
SELECT user_id, team_id, spend, total_spend, budget_id FROM "LiteLLM_TeamMembership"
WHERE user_id = $1 AND team_id = $2
"""
_LOCK = f"{_FIND} FOR UPDATE"
_SET_BUDGET = 'UPDATE "LiteLLM_TeamMembership" SET budget_id = $3 WHERE user_id = $1 AND team_id = $2'


class MembershipRecords:
    """Reads and writes memberships by user and team. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, user_id: str, team_id: str) -> Columns | None:
        """The row; `spend` is USD."""
        row = await self._database.fetch_row(_FIND, user_id, team_id)
        return None if row is None else dict(row)

    async def lock(self, user_id: str, team_id: str) -> Columns | None:
        """The row, held for change until the transaction ends; the team is to be held before."""
        row = await self._database.fetch_row(_LOCK, user_id, team_id)
        return None if row is None else dict(row)

    async def set_budget(self, user_id: str, team_id: str, budget_id: str | None) -> None:
        """Say which budget row limits the member."""
        await self._database.execute(_SET_BUDGET, user_id, team_id, budget_id)
