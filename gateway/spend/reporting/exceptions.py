"""How often model groups and their deployments answered that a rate limit was reached."""

from collections.abc import Sequence

from gateway.db.connection import Record
from gateway.spend.reporting.dates import Period
from gateway.spend.reporting.exceptions_store import ExceptionsStore
from gateway.spend.reporting.reader_store import ReportReader

__all__ = ["ExceptionReports"]

_MOST_DEPLOYMENTS = 200
_Content = dict[str, object]


class ExceptionReports:
    """Raises what `ReportReader` does."""

    def __init__(self, reader: ReportReader) -> None:
        self._store = ExceptionsStore(reader)

    async def of_group(self, model_group: str, period: Period) -> _Content:
        """Per day."""
        return _counted(await self._store.count_by_day(model_group, period))

    async def of_deployments(self, model_group: str, period: Period) -> list[_Content]:
        """Per deployment and day."""
        found: dict[str, list[Record]] = {}
        for row in await self._store.count_by_deployment(model_group, period, _MOST_DEPLOYMENTS):
            found.setdefault(row["api_base"], []).append(row)
        return [{"api_base": api_base, **_counted(rows)} for api_base, rows in found.items()]


def _counted(rows: Sequence[Record]) -> _Content:
    return {
        "daily_data": [
            {"date": row["date"].strftime("%b %d"), "num_rate_limit_exceptions": row["count"]} for row in rows
        ],
        "sum_num_rate_limit_exceptions": sum(row["count"] for row in rows),
    }
