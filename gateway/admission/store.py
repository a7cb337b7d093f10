"""What has been spent through the gateway as a whole, at providers and deployments, and on access groups."""

from datetime import datetime

import msgspec

from gateway.db.engine import Database
from gateway.db.entities import GATEWAY_USER_ID
from gateway.domain import Meter, Scope, ScopeKind

__all__ = ["GATEWAY_SCOPE", "StandingStore", "StandingTotals"]

GATEWAY_SCOPE = Scope(ScopeKind.GATEWAY, "gateway")

_READ = f"""
SELECT
    (SELECT round(COALESCE(spend, 0) * 1e9::float8)::bigint FROM "LiteLLM_UserTable"
     WHERE user_id = '{GATEWAY_USER_ID}') AS gateway_nanos,
    (SELECT json_agg(json_build_array(kind, id, model, period, ends_ms, nanos)) FROM gatewright.meter
     WHERE kind IN ('provider', 'deployment', 'access_group', 'mcp_server')
        AND (ends_ms = 0 OR ends_ms > EXTRACT(EPOCH FROM now()) * 1000)) AS meters,
    COALESCE((SELECT position FROM gatewright.journal_position WHERE journal = $1), 0) AS position
"""  # noqa: S608  only constants of this module are put in
_ENSURE = f"""
INSERT INTO "LiteLLM_UserTable" AS u (user_id, max_budget, budget_duration, budget_reset_at, spend)
VALUES ('{GATEWAY_USER_ID}', $1, $2, $3, 0)
ON CONFLICT (user_id) DO UPDATE SET max_budget = $1, budget_duration = $2,
    budget_reset_at = CASE WHEN u.budget_duration IS NOT DISTINCT FROM $2 AND u.budget_reset_at IS NOT NULL
        THEN u.budget_reset_at ELSE $3 END
WHERE (u.max_budget, u.budget_duration) IS DISTINCT FROM ($1::float8, $2)
    OR (u.budget_reset_at IS NULL AND $3 IS NOT NULL)
"""  # noqa: S608  only constants of this module are put in


class _MeterRow(msgspec.Struct, frozen=True, array_like=True):
    kind: ScopeKind
    id: str
    model: str
    period: str
    ends_ms: int
    nanos: int


class StandingTotals(msgspec.Struct, frozen=True):
    """Nano-dollars per scope and meter of one moment, and the journal's position in them."""

    totals: tuple[tuple[Scope, int], ...]
    position: int


_decode = msgspec.json.Decoder(list[_MeterRow]).decode


class StandingStore:
    """Reads and prepares what the budgets of the gateway itself go by. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, journal: str) -> StandingTotals:
        """Read all totals and the position of a journal in one statement."""
        row = await self._database.fetch_row(_READ, journal)
        if row is None:
            return StandingTotals((), 0)
        meters = _decode(row["meters"]) if row["meters"] else []
        found: list[tuple[Scope, int]] = [
            (Meter(one.kind, one.id, one.model, one.period, one.ends_ms), one.nanos) for one in meters
        ]
        if row["gateway_nanos"] is not None:
            found.append((GATEWAY_SCOPE, row["gateway_nanos"]))
        return StandingTotals(tuple(found), row["position"])

    async def ensure_gateway_row(
        self, max_budget_usd: float, duration: str | None, reset_at: datetime | None
    ) -> None:
        """Make the row in which the gateway's spend stands say its budget; `reset_at` is naive UTC."""
        await self._database.execute(_ENSURE, max_budget_usd, duration, reset_at)
