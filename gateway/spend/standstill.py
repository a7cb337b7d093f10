"""A journal that is in the database and stays as far as it is, while everybody begins to count anew."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from gateway.domain import Scope
from gateway.spend.drain import Drain
from gateway.spend.journal import Journal
from gateway.spend.recovery import Recovery

__all__ = ["Standstill", "StillJournal"]


class StillJournal:
    """What was charged behind the position up to which the journal is in the database."""

    def __init__(self, journal: Journal, position: int) -> None:
        self._journal = journal
        self._position = position

    def charged_since(self) -> dict[Scope, int]:
        """Nano-dollars per scope."""
        return self._journal.undrained.charged_after(self._position)


class Standstill:
    """Brings what dead workers left here and the own journal into the database, and keeps the drain still."""

    def __init__(self, recovery: Recovery, drain: Drain, journal: Journal) -> None:
        self._recovery = recovery
        self._drain = drain
        self._journal = journal

    @asynccontextmanager
    async def __call__(self) -> AsyncGenerator[StillJournal]:
        """Stand still until the block ends. Raises DatabaseUnavailable and OSError."""
        await self._recovery.recover()
        async with self._drain.stand_still() as position:
            yield StillJournal(self._journal, position)
