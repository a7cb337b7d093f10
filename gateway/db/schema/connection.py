"""Opens the one connection that schema work uses, and says what it must be able to do."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol, cast

import asyncpg

from gateway.db.failures import connecting

__all__ = ["ConnectTarget", "SchemaConnection", "connect_options", "open_connection"]

# A libpq URL (`postgresql://...`, without Prisma's own options), or keyword arguments of asyncpg.connect().
ConnectTarget = str | Mapping[str, Any]


class SchemaConnection(Protocol):
    """The part of an asyncpg connection that this package uses; a pool's proxy has it too."""

    async def fetch(self, query: str, *args: object) -> Sequence[Mapping[str, Any]]:
        """The rows that a query gives."""
        ...

    async def fetchval(self, query: str, *args: object) -> Any:
        """The first column of the first row, None without one."""
        ...

    async def execute(self, query: str, *args: object) -> str:
        """Runs a statement, or several without arguments, and returns PostgreSQL's tag."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[object]:
        """A transaction, or within one a savepoint."""
        ...


class _OwnedConnection(SchemaConnection, Protocol):
    async def close(self) -> None: ...


# asyncpg ships no type hints; the protocols name the methods that are used.
_connect = cast(Callable[..., Awaitable[_OwnedConnection]], asyncpg.connect)  # pyright: ignore[reportUnknownMemberType] no hints


def connect_options(target: ConnectTarget) -> dict[str, Any]:
    """The keyword arguments of asyncpg.connect() for a target, for a session in UTC."""
    options: dict[str, Any] = {"dsn": target} if isinstance(target, str) else dict(target)
    given: Mapping[str, str] = options.get("server_settings") or {}
    server = {"timezone": "UTC", "application_name": "gatewright-schema", **given}
    return {**options, "server_settings": server, "command_timeout": None}


@asynccontextmanager
async def open_connection(target: ConnectTarget) -> AsyncGenerator[SchemaConnection]:
    """A connection of its own, closed at the end of the block; raises DatabaseUnavailable."""
    with connecting():
        connection = await _connect(**connect_options(target))
    try:
        yield connection
    finally:
        await connection.close()
