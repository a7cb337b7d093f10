"""A Piccolo engine on the gateway's pool, whose transactions always give their connection back."""

import asyncio
from collections.abc import Sequence
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Self, cast

from piccolo.engine.postgres import PostgresEngine, PostgresTransaction

from gateway.db.connection import Connection, connect
from gateway.db.failures import connecting, is_lost, is_over, using
from gateway.db.pool import ConnectionPool
from gateway.db.url import ConnectionOptions
from gateway.errors import DatabaseUnavailable

__all__ = ["GatewayEngine", "GatewayTransaction"]

_Entry = tuple["asyncio.Task[Any] | None", "GatewayTransaction"]


class CurrentTransaction:
    """The open transaction of the current task, in place of Piccolo's ContextVar.

    A ContextVar is inherited by tasks that are started inside a transaction: they would use its connection
    at the same time, or after it was released. Here they see none and use the pool.
    """

    def __init__(self) -> None:
        self._entry: ContextVar[_Entry | None] = ContextVar("gatewright_transaction", default=None)

    def get(self) -> "GatewayTransaction | None":
        """The transaction that this very task has opened, or None."""
        entry = self._entry.get()
        return entry[1] if entry is not None and entry[0] is asyncio.current_task() else None

    def set(self, transaction: "GatewayTransaction") -> Token[_Entry | None]:
        """Remember it for this task; the token is for `reset`."""
        return self._entry.set((asyncio.current_task(), transaction))

    def reset(self, token: Token[_Entry | None]) -> None:
        """Forget what `set` remembered."""
        self._entry.reset(token)


class GatewayTransaction(PostgresTransaction):
    """Piccolo's transaction, cleaned up in every case; Piccolo leaks the connection when COMMIT fails."""

    engine: "GatewayEngine"
    connection: Connection

    async def __aenter__(self) -> Self:
        if self._parent is not None:
            return cast(Self, self._parent)  # Piccolo types the parent as None.
        self.connection = await self.engine.connections.take()
        try:
            self.transaction = cast(
                Any, self.connection
            ).transaction()  # start/commit are not in our protocol
            with using(self.connection):
                await self.begin()
        except BaseException:
            await self.engine.connections.give_back(self.connection)
            raise
        self.context = self.engine.current_transaction.set(self)
        return self

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if self._parent is not None:
            return exception is None
        try:
            await self._end(exception)
        finally:
            self.engine.current_transaction.reset(self.context)
            await self.engine.connections.give_back(self.connection)
        return exception is None

    async def _end(self, exception: BaseException | None) -> None:
        if self._committed or self._rolled_back:
            return
        if exception is None:
            with using(self.connection):
                await self.commit()
        elif not is_over(self.connection) and not is_lost(exception, self.connection):
            with using(self.connection):
                await self.rollback()


class GatewayEngine(PostgresEngine):
    """Piccolo's engine, on a pool that it does not own; waits end with DatabaseUnavailable."""

    def __init__(self, options: ConnectionOptions, connections: ConnectionPool) -> None:
        super().__init__(config={"database": options.database})
        self.connections = connections
        self._options = options
        self.current_transaction: Any = CurrentTransaction()

    async def check_version(self) -> None:
        """Piccolo would connect while the gateway is being built."""

    async def prep_database(self) -> None:
        """No extensions are wanted; the same reason."""

    async def get_new_connection(self) -> Any:
        """A connection outside the pool, for Piccolo's batches; raises DatabaseUnavailable."""
        with connecting():
            return await connect(self._options.connect_arguments())

    async def _run_in_pool(self, query: str, args: Sequence[Any] | None = None) -> Any:
        return await self.connections.run(query, lambda connection: connection.fetch(query, *(args or ())))

    async def _run_in_new_connection(self, query: str, args: Sequence[Any] | None = None) -> Any:
        """Where Piccolo goes without a pool of its own: to ours."""
        return await self._run_in_pool(query, args)

    async def start_connection_pool(self, **_: object) -> None:
        """Refuse: the pool has an owner."""
        raise DatabaseUnavailable("Open the Database, which owns the pool.")

    async def close_connection_pool(self) -> None:
        """Refuse: the pool has an owner."""
        raise DatabaseUnavailable("Close the Database, which owns the pool.")

    def transaction(self, allow_nested: bool = True) -> GatewayTransaction:  # noqa: FBT001, FBT002  Piccolo's signature
        """A transaction for Piccolo queries; inside another one it joins that."""
        return GatewayTransaction(engine=self, allow_nested=allow_nested)
