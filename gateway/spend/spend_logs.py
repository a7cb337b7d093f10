"""Reads spend rows back: the rows of `GET /spend/logs`, and its totals per day."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

import msgspec

from gateway.db.connection import Record
from gateway.errors import BadRequest
from gateway.ids import hash_token
from gateway.money import usd_from_nanos
from gateway.spend.store import LogFilter, SpendStore

__all__ = ["MOST_ROWS", "SpendLogQuery", "build_row", "list_spend_logs"]

_JSON_COLUMNS = frozenset(
    {
        *("metadata", "request_tags", "messages", "response", "proxy_server_request"),
        *("aliases", "permissions", "model_spend", "model_max_budget"),
    }
)
_DATE_FORMATS = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")
_MOST_DAYS = 3_660
_BATCH = 500


MOST_ROWS = 10_000
"""Rows of an answer, unless fewer are asked for: the contract's bound."""


class SpendLogQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The query of `GET /spend/logs`: every member narrows it down.

    `api_key` is a key or its hash. `request_id` also finds rows by call id and by charge id. Dates are
    `YYYY-MM-DD` or `YYYY-MM-DD HH:MM:SS` in UTC; a bare end date means the whole of that day.
    """

    api_key: str | None = None
    user_id: str | None = None
    request_id: str | None = None
    start_date: str | None = None
    end_date: str | None = None
    summarize: bool = True
    limit: int = MOST_ROWS


async def list_spend_logs(store: SpendStore, query: SpendLogQuery) -> list[dict[str, object]]:
    """Rows, newest first and at most `limit`; with both dates and `summarize`, one summary per day.

    Rows have LiteLLM's columns with JSON ready for msgspec. A summary has `startTime`, `spend`, `users`,
    `models`, and the spend of each key under its hash; amounts are USD. Rows are drained asynchronously:
    flush the drain first. Raises BadRequest for a date that is none, DatabaseUnavailable.
    """
    start = _parse_date(query.start_date, "start_date", time.min)
    end = _parse_date(query.end_date, "end_date", time.max)
    chosen = LogFilter(
        api_key=_hash_of(query.api_key),
        user_id=query.user_id,
        request_id=query.request_id,
        start=start,
        end=end,
        limit=query.limit,
    )
    if query.summarize and start is not None and end is not None:
        if not timedelta() <= end - start <= timedelta(days=_MOST_DAYS):
            raise BadRequest("'end_date' must be at most ten years after 'start_date'.", param="end_date")
        return _summarize(await store.total_by_day(chosen), start.date(), end.date())
    return await _build_rows(await store.list_logs(chosen))


def _hash_of(api_key: str | None) -> str | None:
    return hash_token(api_key) if api_key is not None and api_key.startswith("sk-") else api_key


def _parse_date(text: str | None, name: str, default_time: time) -> datetime | None:
    """A naive UTC time, as the column has it."""
    if text is None:
        return None
    for form in _DATE_FORMATS:
        try:
            # The columns of the contract are TIMESTAMP without time zone and hold UTC.
            parsed = datetime.strptime(text, form)  # noqa: DTZ007  see above
        except ValueError:
            continue
        is_bare = form == _DATE_FORMATS[0]
        return datetime.combine(parsed.date(), default_time) if is_bare else parsed
    raise BadRequest(f"'{name}' must be a date such as 2026-01-31 or 2026-01-31 12:00:00.", param=name)


def build_row(row: Record) -> dict[str, object]:
    """A row with aware times and JSON that msgspec writes as it is."""
    shown: dict[str, object] = dict(row.items())
    for name, value in shown.items():
        if isinstance(value, datetime):
            shown[name] = value.replace(tzinfo=UTC)
        elif name in _JSON_COLUMNS and isinstance(value, str):
            shown[name] = msgspec.Raw(value.encode())
    return shown


async def _build_rows(rows: Iterable[Record]) -> list[dict[str, object]]:
    """Requests need not wait for all rows."""
    built: list[dict[str, object]] = []
    for number, row in enumerate(rows, 1):
        built.append(build_row(row))
        if number % _BATCH == 0:
            await asyncio.sleep(0)
    return built


class _Day:
    """Nano-dollars of one day, by user, model and key."""

    def __init__(self) -> None:
        self.total = 0
        self.users: dict[str, int] = {}
        self.models: dict[str, int] = {}
        self.keys: dict[str, int] = {}

    def add(self, row: Record) -> None:
        parts = {"user": self.users, "model": self.models, "api_key": self.keys}
        if row["part"]:
            parts[row["part"]][row["name"]] = row["nanos"]
        else:
            self.total = row["nanos"]

    def build(self, day: date) -> dict[str, object]:
        return {
            **_in_usd(self.keys),
            "startTime": day.isoformat(),
            "spend": usd_from_nanos(self.total),
            "users": _in_usd(self.users),
            "models": _in_usd(self.models),
        }


def _summarize(rows: Iterable[Record], start: date, end: date) -> list[dict[str, object]]:
    """One summary per day with charges, and one for every day after the last of them up to the end."""
    days: dict[date, _Day] = {}
    for row in rows:
        days.setdefault(row["day"], _Day()).add(row)
    day = max(days, default=start - timedelta(days=1)) + timedelta(days=1)
    while day <= end:
        days[day] = _Day()
        day += timedelta(days=1)
    return [days[day].build(day) for day in sorted(days)]


def _in_usd(amounts: dict[str, int]) -> dict[str, float]:
    return {name: usd_from_nanos(nanos) for name, nanos in amounts.items()}
