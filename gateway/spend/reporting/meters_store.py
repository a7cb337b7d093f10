"""The SQL of what was spent at places in the present periods of their budgets."""

from gateway.domain import ScopeKind
from gateway.spend.reporting.reader_store import ReportReader

__all__ = ["load_place_spend"]

_METERS = """
SELECT id, period, ends_ms, nanos FROM gatewright.meter WHERE kind = $2 AND model = ''
    AND (ends_ms = 0 OR ends_ms > $1)
"""


async def load_place_spend(
    reader: ReportReader, kind: ScopeKind, now_ms: int
) -> dict[tuple[str, str, int], int]:
    """Nano-dollars by place, period and when it ends (milliseconds since 1970; 0 for never)."""
    rows = await reader.fetch(_METERS, now_ms, kind.value)
    return {(row["id"], row["period"], row["ends_ms"]): row["nanos"] for row in rows}
