"""The gateway's database: raw SQL for what runs per request, Piccolo for the rest, one pool for both."""

import asyncio
import contextvars
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar

from piccolo.table import Table

from gateway.db.connection import Connection, Record
from gateway.db.failures import holding, using
from gateway.db.piccolo_engine import GatewayEngine
from gateway.db.pool import ConnectionPool, StatementCounter
from gateway.db.url import ConnectionOptions
from gateway.errors import DatabaseUnavailable, TransactionConflict

__all__ = ["Database"]

_Result = TypeVar("_Result")
_CLOSE_SECONDS = 5.0
_PROBE_SECONDS = 3.0


class Database:
    """One PostgreSQL database with its pool. Statements are parametrised: `$1`, `$2`, ...

    Every method raises DatabaseUnavailable when the server is away, when no connection comes free within
    `pool_timeout_seconds`, and when a statement takes longer than its timeout, and TransactionConflict, which
    is one, after a deadlock; other errors of the statement itself are asyncpg's. The pool heals by itself
    when the server is back. `attempts` tells whether what lost may be done again.

    Inside `transaction()` all methods, and Piccolo queries of bound tables, run in that transaction, as
    long as they are called in the task that opened it; tasks started inside use connections of their own.
    """

    def __init__(self, options: ConnectionOptions) -> None:
        self.options = options
        self.pool = ConnectionPool(options)
        self.engine = GatewayEngine(options, self.pool)
        self.attempts = self.pool.attempts
        self._probe: asyncio.Task[bool] | None = None

    async def open(self, *, require: bool = True) -> None:
        """Connect. With `require=False` a server that is away is no error: it is reached when it is back.

        Raises DatabaseUnavailable, and ConfigError for TLS files that cannot be used.
        """
        try:
            await self.pool.open()
        except DatabaseUnavailable:
            if require:
                raise
            await self.pool.open_later()

    async def close(self, timeout_seconds: float = _CLOSE_SECONDS) -> None:
        """Give borrowers that long to finish, then drop their connections. Safe to call twice."""
        if self._probe is not None:
            self._probe.cancel()
        await self.pool.close(timeout_seconds)

    def bind(self, tables: Iterable[type[Table]]) -> None:
        """Make Piccolo send the queries of these tables here. Piccolo keeps one database per table class."""
        for table in tables:
            table._meta.db = self.engine  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  Piccolo's documented name

    async def fetch(self, sql: str, *args: object) -> list[Record]:
        """All rows. A read is sent again once if its connection turns out to be lost."""
        return await self._run(sql, lambda connection: connection.fetch(sql, *args))

    async def fetch_row(self, sql: str, *args: object) -> Record | None:
        """The first row, or None; repeated as `fetch`."""
        return await self._run(sql, lambda connection: connection.fetchrow(sql, *args))

    async def fetch_value(self, sql: str, *args: object) -> Any:
        """The first column of the first row, or None; repeated as `fetch`."""
        return await self._run(sql, lambda connection: connection.fetchval(sql, *args))

    async def execute(self, sql: str, *args: object) -> str:
        """Run a statement and return PostgreSQL's status, such as `UPDATE 3`. Never sent twice."""
        async with self.acquire() as connection:
            with using(connection):
                status = await connection.execute(sql, *args)
        if self.engine.current_transaction.get() is None:
            self.attempts.note_change()
        return status

    @asynccontextmanager
    async def acquire(self) -> AsyncGenerator[Connection]:
        """A connection for the block: the one of this task's transaction, or one from the pool.

        Whoever sets session state on it harms the next borrower; see ConnectionPool.
        """
        current = self.engine.current_transaction.get()
        if current is not None:
            yield current.connection
            return
        async with self.pool.lend() as connection:
            with holding(connection):
                yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Connection]:
        """All or nothing for the block; inside another transaction of the same task, a savepoint."""
        current = self.engine.current_transaction.get()
        if current is not None:
            async with current.connection.transaction():
                yield current.connection
            return
        try:
            async with self.engine.transaction() as transaction:
                with holding(transaction.connection):
                    yield transaction.connection
        except TransactionConflict:
            self.attempts.note_conflict()
            raise
        self.attempts.note_change()

    async def is_reachable(self) -> bool:
        """Whether a query is answered within seconds; for readiness. Who asks meanwhile shares the query.

        A server that hangs keeps what was asked of it for as long as other statements may take: it is not
        waited for, and a probe that comes every few seconds does not take one connection after the other.
        """
        if self._probe is None or self._probe.done():
            # An empty context: the query is no part of a transaction of who asks.
            self._probe = asyncio.create_task(self._probe_server(), context=contextvars.Context())
        probe = self._probe
        await asyncio.wait({probe}, timeout=_PROBE_SECONDS)
        return probe.done() and not probe.cancelled() and probe.result()

    async def _probe_server(self) -> bool:
        try:
            return await self._run("SELECT 1", _ask) == 1
        except DatabaseUnavailable:
            return False

    def count_statements(self) -> AbstractAsyncContextManager[StatementCounter]:
        """Count the SQL that is really sent inside the block, Piccolo's included; for tests.

        BEGIN, COMMIT and savepoints do not count, nor does COPY, which asyncpg does not report.
        """
        return self.pool.count()

    async def _run(self, sql: str, call: Callable[[Connection], Awaitable[_Result]]) -> _Result:
        """One statement, in this task's transaction if there is one."""
        current = self.engine.current_transaction.get()
        if current is None:
            return await self.pool.run(sql, call)
        with using(current.connection):
            return await call(current.connection)


async def _ask(connection: Connection) -> Any:
    return await connection.fetchval("SELECT 1", timeout=_PROBE_SECONDS)
