"""Telling every worker, in the transaction of a change, what to forget."""

from collections.abc import Iterable

from gateway.db.engine import Database
from gateway.db.notify import notify
from gateway.domain import Scope
from gateway.identity.invalidation import CHANNEL, encode_scopes

__all__ = ["Notices"]

_EVERYTHING = "*"
_MOST_NAMED = 200


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

    async def announce_many(self, scopes: Iterable[Scope]) -> None:
        """Do what `announce` does, with one notice for all where there would be very many."""
        listed = list(scopes)
        if len(listed) > _MOST_NAMED:
            await self.announce_everything()
        else:
            await self.announce(listed)
