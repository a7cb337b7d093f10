"""The connections that the gateway keeps open, lent with a deadline."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import asyncpg

from gateway.db.attempts import Attempts
from gateway.db.connection import Connection, LoggedQuery, Pool, create_pool
from gateway.db.failures import connecting, is_lost, is_over, is_repeatable, using
from gateway.db.url import ConnectionOptions
from gateway.errors import DatabaseUnavailable

__all__ = ["ConnectionPool", "StatementCounter"]

_Result = TypeVar("_Result")
_CONTROL = frozenset({"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"})


class StatementCounter:
    """The SQL statements that were really sent while it was active; transaction control is left out."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self.is_active = True

    def __len__(self) -> int:
        return len(self.statements)

    def record(self, logged: LoggedQuery) -> None:
        """The query logger that connections call."""
        words = logged.query.split(maxsplit=1)
        if self.is_active and words and words[0].rstrip(";").upper() not in _CONTROL:
            self.statements.append(logged.query)


class ConnectionPool:
    """An asyncpg pool that may be opened while the server is away, and whose waits end.

    Connections come back without a reset, which would cost a round trip each time: whoever borrows one
    leaves no session state. No plain SET, no LISTEN, no session-level advisory lock; SET LOCAL and
    transaction-level locks are fine. An open transaction is rolled back by asyncpg.
    """

    def __init__(self, options: ConnectionOptions) -> None:
        self.attempts = Attempts()
        self._options = options
        self._pool: Pool | None = None
        self._counters: list[StatementCounter] = []

    @property
    def is_open(self) -> bool:
        """Whether `open` has succeeded and `close` was not called."""
        return self._pool is not None

    @property
    def size(self) -> int:
        """Connections that exist."""
        return 0 if self._pool is None else self._pool.get_size()

    @property
    def busy(self) -> int:
        """Connections that are lent."""
        return 0 if self._pool is None else self._pool.get_size() - self._pool.get_idle_size()

    async def open(self) -> None:
        """Connect the least number of connections. Raises DatabaseUnavailable, and nothing stays open."""
        with connecting():
            self._pool = await self._create(self._options.pool_min)

    async def open_later(self) -> None:
        """Open without connecting: the first borrower connects, and none is kept when all are idle."""
        self._pool = await self._create(0)

    async def close(self, timeout_seconds: float) -> None:
        """Wait that long for borrowers, then drop what they hold. Safe to call twice."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            async with asyncio.timeout(timeout_seconds):
                await pool.close()
        except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            pool.terminate()

    async def take(self) -> Connection:
        """Borrow a connection, to be given back. Raises DatabaseUnavailable if none comes free in time."""
        if self._pool is None:
            raise DatabaseUnavailable("The database is not open.")
        with connecting():
            connection = await self._pool.acquire(timeout=self._options.pool_timeout_seconds)
        for counter in self._counters:
            connection.add_query_logger(counter.record)
        return connection

    async def give_back(self, connection: Connection) -> None:
        """Return what `take` gave. A connection that broke is replaced; after `close` it is dropped."""
        # Cleaning up a broken session fails in many ways, all of which end with its removal.
        try:
            for counter in self._counters:
                connection.remove_query_logger(counter.record)
            if self._pool is not None:
                await self._pool.release(connection)
                return
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            pass
        if not is_over(connection):
            connection.terminate()

    @asynccontextmanager
    async def lend(self) -> AsyncGenerator[Connection]:
        """A borrowed connection for the block."""
        connection = await self.take()
        try:
            yield connection
        finally:
            await self.give_back(connection)

    async def run(self, sql: str, call: Callable[[Connection], Awaitable[_Result]]) -> _Result:
        """Run one statement by `call`; a read again, on another connection, if it was lost with the first.

        When the server restarts, every connection in the pool is lost, and each shows it only when used:
        there are as many further attempts as connections, and the last is on a fresh one.
        """
        for _ in range(self.size if is_repeatable(sql) else 0):
            async with self.lend() as connection:
                try:
                    with using(connection):
                        return await call(connection)
                except DatabaseUnavailable as error:
                    if error.__cause__ is None or not is_lost(error.__cause__, connection):
                        raise
        async with self.lend() as connection:
            with using(connection):
                result = await call(connection)
        if not is_repeatable(sql):
            self.attempts.note_change()
        return result

    @asynccontextmanager
    async def count(self) -> AsyncGenerator[StatementCounter]:
        """Count what is sent on connections borrowed inside the block; asyncpg does not log COPY."""
        counter = StatementCounter()
        self._counters.append(counter)
        try:
            yield counter
        finally:
            # asyncpg schedules its loggers with call_soon: let them run.
            await asyncio.sleep(0)
            counter.is_active = False
            self._counters.remove(counter)

    async def _create(self, min_size: int) -> Pool:
        return await create_pool(
            min_size=min_size,
            max_size=self._options.pool_max,
            reset=_leave_as_is,
            **self._options.connect_arguments(),
        )


async def _leave_as_is(connection: Connection) -> None:
    """Replace asyncpg's reset; see ConnectionPool."""
