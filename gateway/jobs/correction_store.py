"""The queries of corrections by hand."""

from datetime import UTC, datetime

import msgspec

from gateway.db.connection import Connection
from gateway.db.engine import Database
from gateway.db.entities import Entity

__all__ = ["AdjustmentRow", "CorrectionStore"]

_ADJUSTMENTS = """
SELECT id, entity_type, entity_id, nanos, reason, actor, at FROM gatewright.adjustment
WHERE ($1::text IS NULL OR entity_type = $1) AND ($2::text IS NULL OR entity_id = $2)
ORDER BY at DESC, id LIMIT $3
"""
_KEY_LIMITS = 'SELECT max_budget, budget_reset_at FROM "LiteLLM_VerificationToken" WHERE token = $1'
_MEMBER_BUDGET = """
SELECT b.max_budget FROM "LiteLLM_TeamMembership" m JOIN "LiteLLM_BudgetTable" b ON b.budget_id = m.budget_id
WHERE m.team_id = $1 AND m.user_id = $2
"""


class AdjustmentRow(msgspec.Struct, frozen=True, kw_only=True):
    """One adjustment; `nanos` is nano-dollars."""

    id: str
    entity_type: str
    entity_id: str
    nanos: int
    reason: str
    actor: str
    at: datetime


class CorrectionStore:
    """Reads what corrections need to know. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read_key_limits(self, token: str) -> dict[str, object]:
        """The `max_budget` (USD) and `budget_reset_at` (aware) of a key that exists."""
        row = await self._database.fetch_row(_KEY_LIMITS, token)
        reset_at: datetime | None = row["budget_reset_at"] if row else None
        return {
            "max_budget": row["max_budget"] if row else None,
            "budget_reset_at": reset_at.replace(tzinfo=UTC) if reset_at else None,
        }

    async def read_member_budget(self, team_id: str, user_id: str) -> float | None:
        """The `max_budget` (USD) of a member of a team."""
        return await self._database.fetch_value(_MEMBER_BUDGET, team_id, user_id)

    async def list_spent(self, connection: Connection, entity: Entity, after: str, limit: int) -> list[str]:
        """Ids behind another one of rows that have spent something."""
        sql = f"""
            SELECT t.{entity.key} AS id FROM "{entity.table}" t
            WHERE t.{entity.key} COLLATE "C" > $1 AND t.spend <> 0 ORDER BY {entity.order_sql} LIMIT $2
            """  # noqa: S608  names are constants
        return [row["id"] for row in await connection.fetch(sql, after, limit)]

    async def list_adjustments(
        self, entity_type: str | None, entity_id: str | None, limit: int
    ) -> list[AdjustmentRow]:
        """The newest adjustments first."""
        rows = await self._database.fetch(_ADJUSTMENTS, entity_type, entity_id, limit)
        return [AdjustmentRow(**dict(row.items())) for row in rows]
