"""Where reports read: few at a time, in transactions that only read, each statement bounded in time."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import asyncpg

from gateway.db.connection import Connection, Record
from gateway.db.engine import Database
from gateway.errors import BadRequest, ServiceUnavailable

__all__ = ["ReportReader"]

# One process of PostgreSQL per report leaves the other cores to requests; compiling a plan costs more than
# a bounded report saves by it. Totals by several columns are expected to have far more groups than they have:
# sorting all rows for fear of that takes three times as long as counting in a table.
_BOUNDS = """
SELECT set_config('statement_timeout', $1, true), set_config('max_parallel_workers_per_gather', '0', true),
    set_config('jit', 'off', true), set_config('work_mem', '32MB', true),
    set_config('hash_mem_multiplier', '4', true), set_config('transaction_read_only', 'on', true)
"""


class ReportReader:
    """Runs the statements of reports; requests find the rest of the connection pool free.

    At most `at_once` reports read at a time, `waiting` more wait for at most `seconds`, and a statement ends
    after `seconds`. Raises ServiceUnavailable for what that does not suffice for, BadRequest for a value that
    PostgreSQL cannot take, DatabaseUnavailable when the server is away.
    """

    def __init__(
        self, database: Database, *, seconds: float = 15.0, at_once: int = 2, waiting: int = 50
    ) -> None:
        self._database = database
        self._seconds = seconds
        self._slots = asyncio.Semaphore(at_once)
        self._limit = at_once + waiting
        self._inside = 0

    async def fetch(self, sql: str, *args: object) -> list[Record]:
        """All rows of one statement, which bounds their number itself."""
        async with self.reading() as connection:
            return await connection.fetch(sql, *args)

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[Connection]:
        """A transaction for several statements, each bounded by itself."""
        async with self._slot(), self._database.transaction() as connection:
            await connection.fetchrow(_BOUNDS, str(int(self._seconds * 1000)))
            try:
                yield connection
            except asyncpg.QueryCanceledError as error:
                raise ServiceUnavailable(
                    f"The report took longer than {self._seconds:g} seconds. "
                    "Ask for a shorter period, or name a key, a team or a model."
                ) from error
            except asyncpg.DataError as error:
                # A text with U+0000, or a number that no column can hold: only a parameter can bring it.
                raise BadRequest(
                    "A parameter has a value that nothing can be compared with.", type="bad_request"
                ) from error

    @asynccontextmanager
    async def _slot(self) -> AsyncGenerator[None]:
        if self._inside >= self._limit:
            raise _busy()
        self._inside += 1
        try:
            try:
                async with asyncio.timeout(self._seconds):
                    await self._slots.acquire()
            except TimeoutError:
                raise _busy() from None
            try:
                yield
            finally:
                self._slots.release()
        finally:
            self._inside -= 1


def _busy() -> ServiceUnavailable:
    return ServiceUnavailable("Too many reports are being made. Try again.", headers={"retry-after": "5"})
