"""Who uses what is tagged, in the contract's shapes: users per day, week and month, totals, programs."""

from datetime import timedelta

from gateway.db.connection import Record
from gateway.money import usd_from_nanos
from gateway.spend.reporting.dates import Period
from gateway.spend.reporting.reader_store import ReportReader
from gateway.spend.reporting.tag_users_store import AGENT_TAG, TagChoice, TagUsersStore

__all__ = ["TagUsers"]

_MOST_GROUPS = 5_000
_Content = dict[str, object]


class TagUsers:
    """A key that is nobody's counts as one user. Amounts are USD. Raises what `ReportReader` does."""

    def __init__(self, reader: ReportReader) -> None:
        self._store = TagUsersStore(reader)

    async def active(self, period: Period, choice: TagChoice, days: int) -> _Content:
        """Users per tag and step of `days` days, counted back from the last day of the period."""
        rows = await self._store.count_users(period, choice, days, _MOST_GROUPS)
        return {"results": [_step(row, period, days) for row in rows]}

    async def summary(self, period: Period, choice: TagChoice) -> _Content:
        """Users, requests, tokens and cost per tag."""
        rows = await self._store.total_of_tags(period, choice, _MOST_GROUPS)
        return {
            "results": [
                {"tag": row["tag"], "unique_users": row["users"], **_totals(row, "total_")} for row in rows
            ]
        }

    async def by_user(self, period: Period, choice: TagChoice, page: int, size: int) -> _Content:
        """One page of users and the programs with which they make requests."""
        rows, total = await self._store.list_users(period, choice, size, (page - 1) * size)
        return {
            "results": [
                {
                    "user_id": row["user_id"],
                    "user_email": row["user_email"],
                    "user_agent": row["tag"].removeprefix(AGENT_TAG),
                    **_totals(row, ""),
                }
                for row in rows
            ],
            "total_count": total,
            "page": page,
            "page_size": size,
            "total_pages": -(-total // size),
        }


def _step(row: Record, period: Period, days: int) -> _Content:
    last = period.end - timedelta(days=days * row["back"])
    first = last - timedelta(days=days - 1)
    return {
        "tag": row["tag"],
        "active_users": row["users"],
        "date": last.isoformat(),
        "period_start": first.isoformat(),
        "period_end": last.isoformat(),
    }


def _totals(row: Record, prefix: str) -> _Content:
    return {
        "total_requests": row["requests"],
        "successful_requests": row["successful"],
        "failed_requests": row["failed"],
        "total_tokens": row["tokens"],
        f"{prefix}spend": usd_from_nanos(row["nanos"]),
    }
