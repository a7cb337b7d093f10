"""How much of what a provider has charged was recorded here."""

from collections.abc import Mapping
from datetime import date

from gateway.money import usd_from_nanos
from gateway.spend.reporting.dates import Period
from gateway.spend.reporting.reader_store import ReportReader
from gateway.spend.reporting.totals_store import TotalsStore

__all__ = ["CaptureRates"]

_Content = dict[str, object]


class CaptureRates:
    """Amounts are USD. Raises what `ReportReader` does."""

    def __init__(self, reader: ReportReader) -> None:
        self._store = TotalsStore(reader)

    async def report(
        self, period: Period, provider: str, charged: Mapping[date, int], threshold: float
    ) -> _Content:
        """Compare days; `charged` is what the provider says, in nano-dollars.

        A rate is None where the provider has charged nothing. What the provider charged and nobody recorded
        went around the gateway, or has a wrong price.
        """
        rows = await self._store.total_of_provider(period, provider)
        captured = {date.fromisoformat(row["date"]): int(row["nanos"]) for row in rows}
        days = [
            {"date": day.isoformat(), **_compare(captured.get(day, 0), charged.get(day, 0))}
            for day in period.dates()
        ]
        total = _compare(sum(captured.values()), sum(charged.get(day, 0) for day in period.dates()))
        rate = total["capture_rate"]
        return {
            "provider": provider,
            "start_date": period.start.isoformat(),
            "end_date": period.end.isoformat(),
            **total,
            "threshold": threshold,
            "below_threshold": rate is not None and rate < threshold,
            "days": days,
        }


def _compare(captured: int, charged: int) -> dict[str, float | None]:
    return {
        "captured_spend": usd_from_nanos(captured),
        "provider_spend": usd_from_nanos(charged),
        "capture_rate": captured / charged if charged > 0 else None,
    }
