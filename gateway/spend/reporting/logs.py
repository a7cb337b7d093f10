"""Pages of spend rows: `/spend/logs/v2`, sessions, and one request with what was said."""

from datetime import UTC

import msgspec

from gateway.db.connection import Connection, Record
from gateway.db.cursors import Cursor
from gateway.spend.reporting.dates import refuse
from gateway.spend.reporting.logs_store import MOST_COUNTED, LogChoice, LogsStore, Order
from gateway.spend.reporting.reader_store import ReportReader
from gateway.spend.spend_logs import build_row

__all__ = ["LogPage", "LogPages", "read_cursor"]

_Content = dict[str, object]


class LogPage(msgspec.Struct, frozen=True, kw_only=True):
    """Which page of which rows; `after` begins behind a row in the place of `number`."""

    choice: LogChoice
    order: Order = Order()
    number: int = 1
    size: int = 50
    after: Cursor | None = None

    @property
    def offset(self) -> int:
        """The rows before it."""
        return 0 if self.after else (self.number - 1) * self.size


class LogPages:
    """Raises what `ReportReader` does."""

    def __init__(self, reader: ReportReader) -> None:
        self._reader = reader

    async def page(self, asked: LogPage) -> _Content:
        """Rows with how many there are, at most `MOST_COUNTED`; raises BadRequest for a page beyond that.

        `next_cursor` leads on where pages do not.
        """
        _check_depth(asked)
        async with self._reader.reading() as connection:
            store = LogsStore(connection)
            rows = await store.list_page(asked.choice, asked.order, asked.size + 1, asked.offset, asked.after)
            total = await _total(connection, asked, len(rows))
            cursor = await _next_cursor(store, asked, rows)
        return {**_paged(rows[: asked.size], total, asked), "next_cursor": cursor}

    async def sessions(self, asked: LogPage) -> _Content:
        """The latest row of each session, of the newest `MOST_COUNTED` rows."""
        _check_depth(asked)
        async with self._reader.reading() as connection:
            store = LogsStore(connection)
            rows = await store.list_sessions(asked.choice, asked.size + 1, asked.offset, asked.after)
        shown = _paged(rows[: asked.size], rows[0]["sessions"] if rows else 0, asked)
        has_more = len(rows) > asked.size
        return {**shown, "next_cursor": _write_cursor(rows[asked.size - 1]) if has_more else None}

    async def find(self, request_id: str) -> Record | None:
        """The row of a request, with whose it is."""
        async with self._reader.reading() as connection:
            return await LogsStore(connection).find(request_id)


def read_cursor(text: str | None) -> Cursor | None:
    """What `next_cursor` said; raises BadRequest for a text that it did not say."""
    if not text:
        return None
    try:
        return Cursor.read(text)
    except ValueError:
        raise refuse("cursor", "'cursor' must be the 'next_cursor' of an earlier answer.") from None


async def _next_cursor(store: LogsStore, asked: LogPage, rows: list[Record]) -> str | None:
    """Behind the page, or behind all that was looked at when that was not enough for a page."""
    if asked.order.name != "startTime":
        return None
    if len(rows) > asked.size:
        return _write_cursor(rows[asked.size - 1])
    last = await store.find_last_looked_at(asked.choice, asked.order, asked.after)
    return None if last is None else _write_cursor(last)


def _write_cursor(row: Record) -> str:
    return Cursor(row["startTime"].replace(tzinfo=UTC), row["request_id"]).text


def _check_depth(asked: LogPage) -> None:
    if asked.offset + asked.size > MOST_COUNTED + asked.size:
        raise refuse(
            "page", f"Only the first {MOST_COUNTED} rows have pages; go on with 'cursor' or shorter dates."
        )


async def _total(connection: Connection, asked: LogPage, found: int) -> int:
    """Counted only where the page itself does not tell."""
    if asked.after is None and found <= asked.size and (found or asked.number == 1):
        return asked.offset + found
    return await LogsStore(connection).count(asked.choice)


def _paged(rows: list[Record], total: int, asked: LogPage) -> _Content:
    counted = min(total, MOST_COUNTED)
    return {
        "data": [
            {name: value for name, value in build_row(row).items() if name != "sessions"} for row in rows
        ],
        "total": counted,
        "page": asked.number,
        "page_size": asked.size,
        "total_pages": -(-counted // asked.size),
    }
