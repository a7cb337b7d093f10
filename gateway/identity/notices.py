"""Telling every worker, in the transaction of a change, what to forget."""

from collections.abc import Iterable

from gateway.db.engine import Database
from gateway.db.notify import notify_all
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
        payloads = list(encode_scopes(scopes))
        if payloads:
            await notify_all(self._database, CHANNEL, payloads)

    async def announce_everything(self) -> None:
        """Tell every worker to forget all: more objects changed than can be named."""
        await notify_all(self._database, CHANNEL, [_EVERYTHING])

    async def announce_many(self, scopes: Iterable[Scope]) -> None:
        """Do what `announce` does, with one notice for all where there would be very many."""
        listed = list(scopes)
        if len(listed) > _MOST_NAMED:
            await self.announce_everything()
        else:
            await self.announce(listed)
