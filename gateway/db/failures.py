"""Which errors mean that the database is away or that a transaction lost, and what the gateway says then."""

import re
from collections.abc import Generator
from contextlib import contextmanager

import asyncpg

from gateway.db.connection import Connection
from gateway.errors import DatabaseUnavailable, TransactionConflict

__all__ = ["connecting", "holding", "is_lost", "is_over", "is_repeatable", "using"]

_LOST = (
    asyncpg.PostgresConnectionError,  # SQLSTATE class 08
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.InternalClientError,  # What a query meets whose backend was killed a moment ago.
    ConnectionError,
)
_CANNOT_CONNECT = (
    *_LOST,
    OSError,  # Includes TimeoutError, ssl.SSLError and failures to resolve the name.
    asyncpg.TooManyConnectionsError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InterfaceError,
)
_READS = re.compile(r"\s*(?:SELECT|VALUES|SHOW|WITH)\b", re.IGNORECASE)
_CHANGES = re.compile(r"\b(?:INSERT|UPDATE|DELETE|MERGE)\b", re.IGNORECASE)

_CONFLICTS = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)

_CONFLICT = "The change met another one of the same objects. Try again."
_AWAY = "The database cannot be reached. Try again later."
_SLOW = "The database took too long to answer. Try again later."


def is_lost(error: BaseException, connection: Connection) -> bool:
    """Whether `error` says that the session of `connection` is over, rather than that the query is wrong.

    InterfaceError and ConnectionError may have other causes; the state of the connection tells.
    """
    if isinstance(error, (asyncpg.InterfaceError, ConnectionError)):
        return is_over(connection)
    return isinstance(error, _LOST)


def is_over(connection: Connection) -> bool:
    """Whether the session has ended. A pool takes lent connections away whose backend died."""
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        return True


def is_repeatable(sql: str) -> bool:
    """Whether `sql` only reads, so that sending it again after a lost connection changes nothing.

    Errs on the side of no: a data-modifying word anywhere counts, `FOR UPDATE` too.
    """
    return _READS.match(sql) is not None and _CHANGES.search(sql) is None


@contextmanager
def connecting() -> Generator[None]:
    """Turn what goes wrong while a connection is opened or waited for into DatabaseUnavailable."""
    try:
        yield
    except _CANNOT_CONNECT as error:
        raise DatabaseUnavailable(_AWAY) from error


@contextmanager
def using(connection: Connection) -> Generator[None]:
    """Turn the loss of `connection`, and a timeout of the one statement inside, into DatabaseUnavailable."""
    try:
        with holding(connection):
            yield
    except TimeoutError as error:
        raise DatabaseUnavailable(_SLOW) from error


@contextmanager
def holding(connection: Connection) -> Generator[None]:
    """The same around a block of the caller's, whose own TimeoutError passes, as every other error does."""
    try:
        yield
    except asyncpg.QueryCanceledError as error:
        raise DatabaseUnavailable(_SLOW) from error
    except _CONFLICTS as error:
        raise TransactionConflict(_CONFLICT, headers={"retry-after": "1"}) from error
    except (*_LOST, asyncpg.InterfaceError) as error:
        if not is_lost(error, connection):
            raise
        raise DatabaseUnavailable(_AWAY) from error
