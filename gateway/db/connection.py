"""What Gatewright uses of asyncpg, as protocols with types: asyncpg ships none."""

# ruff: noqa: ASYNC109  the parameter `timeout` is asyncpg's

from collections.abc import AsyncIterable, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, cast

import asyncpg

__all__ = ["Connection", "LoggedQuery", "Pool", "Record", "connect", "create_pool"]


class Record(Protocol):
    """One row: by column name or position."""

    def __getitem__(self, key: str | int, /) -> Any:
        """The value of a column; KeyError or IndexError if there is none."""
        ...

    def __iter__(self) -> Iterator[Any]:
        """The values in the order of the columns."""
        ...

    def __len__(self) -> int:
        """The number of columns."""
        ...

    def get(self, key: str, default: Any = None, /) -> Any:
        """The value of a column, or `default`."""
        ...

    def keys(self) -> Iterator[str]:
        """The names of the columns."""
        ...

    def values(self) -> Iterator[Any]:
        """The values of the columns."""
        ...

    def items(self) -> Iterator[tuple[str, Any]]:
        """Names and values."""
        ...


class LoggedQuery(Protocol):
    """What a query logger is given."""

    @property
    def query(self) -> str:
        """The SQL text."""
        ...


class Connection(Protocol):
    """One session with PostgreSQL; `timeout` is in seconds and replaces the connection's own."""

    async def fetch(self, query: str, *args: object, timeout: float | None = None) -> list[Record]:
        """All rows of a query."""
        ...

    async def fetchrow(self, query: str, *args: object, timeout: float | None = None) -> Record | None:
        """The first row, or None."""
        ...

    async def fetchval(self, query: str, *args: object, column: int = 0, timeout: float | None = None) -> Any:
        """One column of the first row, or None."""
        ...

    async def execute(self, query: str, *args: object, timeout: float | None = None) -> str:
        """Run a statement, or a script without arguments; the status of the last one (`UPDATE 3`)."""
        ...

    async def copy_to_table(
        self,
        table_name: str,
        *,
        source: AsyncIterable[bytes],
        format: str,  # noqa: A002  asyncpg's name
        escape: str,
        null: str,
    ) -> str:
        """Append rows by COPY of text that is ready for it; bytes would be taken for the name of a file."""
        ...

    def transaction(
        self, *, isolation: str | None = None, readonly: bool = False, deferrable: bool = False
    ) -> AbstractAsyncContextManager[None]:
        """A transaction, or a savepoint inside one."""
        ...

    async def add_listener(self, channel: str, callback: Callable[..., None]) -> None:
        """LISTEN; the callback gets connection, process id, channel and payload."""
        ...

    def add_termination_listener(self, callback: Callable[..., None]) -> None:
        """Call back when the connection is closed, by whomever."""
        ...

    def add_query_logger(self, callback: Callable[[LoggedQuery], None]) -> None:
        """Call back soon after each statement."""
        ...

    def remove_query_logger(self, callback: Callable[[LoggedQuery], None]) -> None:
        """Undo `add_query_logger`."""
        ...

    def is_closed(self) -> bool:
        """Whether the session is over."""
        ...

    async def close(self, *, timeout: float | None = None) -> None:
        """End the session politely."""
        ...

    def terminate(self) -> None:
        """Drop the session."""
        ...


class Pool(Protocol):
    """Connections that are lent."""

    async def acquire(self, *, timeout: float | None = None) -> Connection:
        """A connection, at the latest after `timeout` seconds; else TimeoutError."""
        ...

    async def release(self, connection: Connection, *, timeout: float | None = None) -> None:
        """Take a connection back; a closed one is replaced later."""
        ...

    async def close(self) -> None:
        """Wait for every lent connection, then close all."""
        ...

    def terminate(self) -> None:
        """Drop all connections at once."""
        ...

    def get_size(self) -> int:
        """The number of open connections."""
        ...

    def get_idle_size(self) -> int:
        """The number of open connections that are not lent."""
        ...


class _CreatePool(Protocol):
    def __call__(
        self,
        *,
        min_size: int,
        max_size: int,
        reset: Callable[[Connection], Awaitable[None]],
        **connect_arguments: object,
    ) -> Awaitable[Pool]: ...


_connect = cast(Callable[..., Awaitable[Connection]], asyncpg.connect)  # pyright: ignore[reportUnknownMemberType] no hints
create_pool = cast(_CreatePool, asyncpg.create_pool)  # pyright: ignore[reportUnknownMemberType] no hints


async def connect(arguments: Mapping[str, object]) -> Connection:
    """A connection outside any pool; `arguments` come from `ConnectionOptions.connect_arguments`.

    Raises OSError, TimeoutError and errors of asyncpg; `failures.connecting` turns them into ours.
    """
    return await _connect(**arguments)
