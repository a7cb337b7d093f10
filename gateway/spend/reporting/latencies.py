"""How long deployments took and what they failed with, in the contract's shapes."""

from collections.abc import Sequence

from gateway.db.connection import Record
from gateway.spend.reporting.dates import Period
from gateway.spend.reporting.latencies_store import LatenciesStore, MeasuredChoice
from gateway.spend.reporting.reader_store import ReportReader

__all__ = ["Latencies"]

_Content = dict[str, object]


class Latencies:
    """Of the newest 20,000 requests in a period. Raises what `ReportReader` does."""

    def __init__(self, reader: ReportReader) -> None:
        self._store = LatenciesStore(reader)

    async def per_token(self, choice: MeasuredChoice) -> _Content:
        """Seconds per generated token, per day and deployment."""
        return _by_day(await self._store.seconds_per_token(choice))

    async def to_first_token(self, choice: MeasuredChoice) -> _Content:
        """Seconds until a stream began, per day and deployment."""
        return _by_day(await self._store.seconds_to_first_token(choice))

    async def slow(self, choice: MeasuredChoice, seconds: float) -> list[_Content]:
        """How many answers of each deployment took longer than so many seconds."""
        return [
            {"api_base": row["name"], "total_count": row["total"], "slow_count": row["slow"]}
            for row in await self._store.count_slow(choice, seconds)
        ]

    async def exceptions(self, period: Period, model_group: str | None) -> _Content:
        """How often each deployment failed, per type of failure: those that failed most first."""
        deployments: dict[str, _Content] = {}
        types: set[str] = set()
        for row in await self._store.count_exceptions(period, model_group):
            deployments.setdefault(row["name"], {"api_base": row["name"]})[row["exception_type"]] = row[
                "count"
            ]
            types.add(row["exception_type"])
        return {"data": list(deployments.values()), "exception_types": sorted(types)}


def _by_day(rows: Sequence[Record]) -> _Content:
    days: dict[str, _Content] = {}
    for row in rows:
        day = row["date"].isoformat()
        days.setdefault(day, {"date": day})[row["name"]] = row["seconds"]
    return {"data": list(days.values()), "all_api_bases": sorted({row["name"] for row in rows})}
