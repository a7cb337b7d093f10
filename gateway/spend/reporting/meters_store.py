"""The SQL of what was spent at providers in the present periods of their budgets."""

from gateway.spend.reporting.reader_store import ReportReader

__all__ = ["load_provider_spend"]

_METERS = """
SELECT id, period, ends_ms, nanos FROM gatewright.meter WHERE kind = 'provider' AND model = ''
    AND (ends_ms = 0 OR ends_ms > $1)
"""


async def load_provider_spend(reader: ReportReader, now_ms: int) -> dict[tuple[str, str, int], int]:
    """Nano-dollars by provider, period and when it ends (milliseconds since 1970; 0 for never)."""
    rows = await reader.fetch(_METERS, now_ms)
    return {(row["id"], row["period"], row["ends_ms"]): row["nanos"] for row in rows}
