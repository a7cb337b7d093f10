"""The SQL of the spend package: what a batch of charges changes, and what reports read."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from datetime import datetime, time, timedelta
from uuid import UUID

import asyncpg
import msgspec

from gateway.clock import datetime_from_nanos
from gateway.db.connection import Connection, Record
from gateway.db.engine import Database
from gateway.errors import TransactionConflict
from gateway.spend.booking.store import (
    BOOK_CHARGES,
    BOOK_CHARGES_WITHOUT_ROWS,
    INSERT_GOOD_LOGS,
    INSERT_LOGS,
    INSERT_MISSED_GOOD_LOGS,
    INSERT_MISSED_LOGS,
    PREPARE,
)
from gateway.spend.booking.traces_store import COUNT_GUARDRAILS, COUNT_POLICIES, INDEX_ROWS, INSERT_ERRORS
from gateway.spend.reporting.reader_store import ReportReader
from gateway.spend.segments import Lines

__all__ = ["LinesRefusedError", "LogFilter", "PositionMovedError", "SpendStore"]

_POISON = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
)
_ATTEMPTS = 3
_MOST_ROWS = 10_000
_UUID_WITH_TIME = 7
_MOST_NAMES = 100
_SUM = "sum(nanos)::bigint AS nanos"
_CHOSEN = """
($1::text IS NULL OR api_key = $1) AND ($2::text IS NULL OR "user" = $2)
AND ($3::timestamp IS NULL OR "startTime" >= $3) AND ($4::timestamp IS NULL OR "startTime" <= $4)
"""


class LogFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which spend rows: `api_key` is a hash; `start` and `end` are naive UTC, both included."""

    api_key: str | None = None
    user_id: str | None = None
    request_id: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    limit: int = _MOST_ROWS

    @property
    def is_of_whole_days(self) -> bool:
        """Whether rows of the daily table say the same: whole days, whatever the request."""
        return (
            self.request_id is None
            and self.start is not None
            and self.end is not None
            and self.start.time() == time.min
            and self.end.time() == time.max
        )


class LinesRefusedError(Exception):
    """PostgreSQL cannot take one of the lines; which one is for the caller to find out."""


class PositionMovedError(Exception):
    """The database's position of the journal is another one: `position` has been drained already."""

    def __init__(self, position: int) -> None:
        super().__init__(f"the journal has been drained up to {position}")
        self.position = position


class _UndoneError(Exception):
    """Everything went well in a transaction that was only a trial."""


class SpendStore:
    """Writes batches of charges and reads them back. `writes_logs` False books totals without rows.

    `writes_errors` False leaves no trace of requests that failed and cost nothing but counts of the day.
    """

    def __init__(self, database: Database, *, writes_logs: bool = True, writes_errors: bool = True) -> None:
        self._database = database
        self._reader = ReportReader(database)
        self._writes_logs = writes_logs
        self._insert = INSERT_LOGS if writes_errors else INSERT_GOOD_LOGS
        self._insert_missed = INSERT_MISSED_LOGS if writes_errors else INSERT_MISSED_GOOD_LOGS
        book = BOOK_CHARGES + INDEX_ROWS if writes_logs else BOOK_CHARGES_WITHOUT_ROWS
        book += COUNT_GUARDRAILS + COUNT_POLICIES
        self._rest = book + INSERT_ERRORS if writes_errors else book

    async def read_position(self, journal: str) -> int:
        """Up to where a journal is in the database; 0 for one that the database does not know."""
        sql = "SELECT position FROM gatewright.journal_position WHERE journal = $1"
        return await self._database.fetch_value(sql, journal) or 0

    async def forget_journal(self, journal: str) -> None:
        """Drop the position of a journal whose files are gone."""
        await self._database.execute("DELETE FROM gatewright.journal_position WHERE journal = $1", journal)

    async def write_batch(
        self, journal: str, start: int, end: int, charges: Callable[[], Iterator[Lines]]
    ) -> int:
        """Book `charged` lines and move the journal's position from `start` to `end`, in one transaction.

        `charges` is called once per attempt. Returns how many lines there were.

        Raises PositionMovedError when the position is not `start`, LinesRefusedError when a line cannot be
        stored, DatabaseUnavailable when the server is away: then nothing was changed, or everything, which
        the position tells.
        """
        attempt = 1
        while True:
            try:
                async with self._database.transaction() as connection:
                    await _move_position(connection, journal, start, end)
                    return await self._book(connection, charges())
            except TransactionConflict:
                if attempt == _ATTEMPTS:
                    raise
                attempt += 1
            except _POISON as error:
                raise LinesRefusedError(str(error)) from error

    async def accepts(self, lines: Lines) -> bool:
        """Whether PostgreSQL would take these lines; changes nothing. Raises DatabaseUnavailable."""
        try:
            async with self._database.transaction() as connection:
                await self._book(connection, iter((lines,)))
                raise _UndoneError  # noqa: TRY301  leaving the block by an error is what rolls back
        except _UndoneError:
            return True
        except (*_POISON, LinesRefusedError):
            return False

    async def list_logs(self, chosen: LogFilter) -> list[Record]:
        """Rows of LiteLLM_SpendLogs, newest first, at most `limit`.

        A request id is looked up in its two indexed columns. A charge id is the suffix of a request id that
        collided, else it stands in the metadata only; being a UUID version 7 it tells when to look.
        """
        where, arguments = _where(chosen)
        sql = f"""
            SELECT * FROM "LiteLLM_SpendLogs" WHERE {where}
            ORDER BY "startTime" DESC LIMIT {_MOST_ROWS if chosen.request_id else chosen.limit}
            """  # noqa: S608  constants of this module, and a number
        rows = await self._reader.fetch(sql, *arguments)
        if rows or chosen.request_id is None:
            return rows
        return await self._find_charge(
            chosen.request_id, (chosen.api_key, chosen.user_id, chosen.start, chosen.end)
        )

    async def total_by_day(self, chosen: LogFilter) -> list[Record]:
        """Nano-dollars per `day` (`part` is empty), and of it per `api_key`, `user` and `model`, as `nanos`.

        Totals of days and models are whole; of keys and users the hundred that spent most are told. Days
        of the daily table are read where that is possible, else spend rows.
        """
        where, arguments = _where(chosen)
        source = f"""
            SELECT "startTime"::date AS day, api_key, COALESCE("user", '') AS "user", model,
                round(spend * 1e9::float8)::bigint AS nanos
            FROM "LiteLLM_SpendLogs" WHERE {where}"""  # noqa: S608  constants of this module
        if chosen.is_of_whole_days:
            source, arguments = _daily(chosen)
        sql = f"""
            WITH found AS MATERIALIZED ({source}), top_key AS (
                SELECT api_key FROM found GROUP BY 1 ORDER BY sum(nanos) DESC, 1 LIMIT {_MOST_NAMES}
            ), top_user AS (
                SELECT "user" FROM found GROUP BY 1 ORDER BY sum(nanos) DESC, 1 LIMIT {_MOST_NAMES}
            )
            SELECT day, CASE GROUPING(model) WHEN 0 THEN 'model' ELSE '' END AS part, model AS name, {_SUM}
            FROM found GROUP BY GROUPING SETS ((day), (day, model))
            UNION ALL
            SELECT day, 'api_key', api_key, {_SUM} FROM found JOIN top_key USING (api_key) GROUP BY 1, 3
            UNION ALL
            SELECT day, 'user', "user", {_SUM} FROM found JOIN top_user USING ("user") GROUP BY 1, 3
            """  # noqa: S608  constants of this module
        return await self._reader.fetch(sql, *arguments)

    async def _find_charge(self, charge_id: str, arguments: Sequence[object]) -> list[Record]:
        at = _time_of(charge_id)
        if at is None:
            return []
        sql = f"""
            SELECT * FROM "LiteLLM_SpendLogs"
            WHERE "startTime" BETWEEN $5 AND $6 AND metadata -> 'gatewright' ->> 'charge_id' = $7
                AND {_CHOSEN}"""  # noqa: S608  constants of this module
        window = timedelta(minutes=1)
        return await self._database.fetch(sql, *arguments, at - window, at + window, charge_id)

    async def _book(self, connection: Connection, charges: Iterator[Lines]) -> int:
        await connection.execute(PREPARE)
        count = await _copy(connection, charges)
        if self._writes_logs and _count(await connection.execute(self._insert)) < count:
            await connection.execute(self._insert_missed)
        await connection.execute(self._rest)
        return count


def _where(chosen: LogFilter) -> tuple[str, list[object]]:
    """Only the conditions that are asked for, so that a plan kept for later uses the index on them."""
    conditions = {
        "(request_id = {0} OR litellm_call_id = {0})": chosen.request_id,
        "api_key = {0}": chosen.api_key,
        '"user" = {0}': chosen.user_id,
        '"startTime" >= {0}': chosen.start,
        '"startTime" <= {0}': chosen.end,
    }
    given = [(text, value) for text, value in conditions.items() if value is not None]
    parts = [text.format(f"${place}") for place, (text, _) in enumerate(given, 1)]
    return " AND ".join(parts) or "true", [value for _, value in given]


def _daily(chosen: LogFilter) -> tuple[str, list[object]]:
    """The same totals from the days of users."""
    conditions = {
        "date >= {0}": chosen.start.date().isoformat() if chosen.start else None,
        "date <= {0}": chosen.end.date().isoformat() if chosen.end else None,
        "api_key = {0}": chosen.api_key,
        "user_id = {0}": chosen.user_id,
    }
    given = [(text, value) for text, value in conditions.items() if value is not None]
    parts = [text.format(f"${place}") for place, (text, _) in enumerate(given, 1)]
    sql = f"""
        SELECT date::date AS day, api_key, COALESCE(user_id, '') AS "user", COALESCE(model, '') AS model,
            round(spend * 1e9::float8)::bigint AS nanos
        FROM "LiteLLM_DailyUserSpend" WHERE {" AND ".join(parts)}"""  # noqa: S608  constants of this module
    return sql, [value for _, value in given]


def _time_of(text: str) -> datetime | None:
    """The naive UTC time in a UUID version 7, or None for any other text."""
    try:
        value = UUID(text)
    except ValueError:
        return None
    if value.version != _UUID_WITH_TIME:
        return None
    return datetime_from_nanos((value.int >> 80) * 1_000_000).replace(tzinfo=None)


async def _move_position(connection: Connection, journal: str, start: int, end: int) -> None:
    """Take the journal's row, so that a second drain of it waits here and then finds the position moved."""
    if start == 0:
        sql = """
            INSERT INTO gatewright.journal_position (journal, position) VALUES ($1, 0)
            ON CONFLICT (journal) DO NOTHING"""
        await connection.execute(sql, journal)
    sql = """
        UPDATE gatewright.journal_position SET position = $3, updated_at = now()
        WHERE journal = $1 AND position = $2"""
    if await connection.execute(sql, journal, start, end) != "UPDATE 1":
        sql = "SELECT position FROM gatewright.journal_position WHERE journal = $1"
        raise PositionMovedError(await connection.fetchval(sql, journal) or 0)


def _count(status: str) -> int:
    """The number of rows in a status such as `INSERT 0 3`."""
    return int(status.rpartition(" ")[2])


async def _copy(connection: Connection, charges: Iterator[Lines]) -> int:
    """Send lines as they are; as CSV they mean the same as in JSON, see `gateway.spend.records`."""
    count = 0

    async def send() -> AsyncGenerator[bytes]:
        nonlocal count
        for lines in charges:
            count += lines.count
            yield lines.data
            # Requests need not wait for the whole batch.
            await asyncio.sleep(0)

    async with aclosing(send()) as source:
        status = await connection.copy_to_table(
            "charge", source=source, format="csv", escape="\\", null="null"
        )
    if _count(status) != count:
        raise LinesRefusedError("two lines were read as one")
    return count
