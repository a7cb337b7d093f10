"""Telling every worker, in the transaction of a change, what to forget."""

from collections.abc import Iterable

from gateway.db.engine import Database
from gateway.db.notify import notify
from gateway.domain import Scope
from gateway.identity.invalidation import CHANNEL, encode_scopes

__all__ = ["Notices"]

_EVERYTHING = "*"


class Notices:
    """Sends what changed when the open transaction commits. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def announce(self, scopes: Iterable[Scope]) -> None:
        """Tell every worker to forget what was made from these objects."""
        async with self._database.acquire() as connection:
            for payload in encode_scopes(scopes):
                await notify(connection, CHANNEL, payload)

    async def announce_everything(self) -> None:
        """Tell every worker to forget all: more objects changed than can be named."""
        async with self._database.acquire() as connection:
            await notify(connection, CHANNEL, _EVERYTHING)
