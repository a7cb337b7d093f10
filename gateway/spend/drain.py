"""Moves the charges of a journal to PostgreSQL, batch by batch, each exactly once."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

import structlog

from gateway.errors import DatabaseUnavailable
from gateway.spend.rejected import RejectedFile, keep_essentials
from gateway.spend.segments import Batch, Lines
from gateway.spend.store import LinesRefusedError, PositionMovedError, SpendStore

__all__ = ["Drain", "DrainSource", "JournalPump"]

_BUSY_BYTES = 1024 * 1024
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 10.0


class DrainSource(Protocol):
    """A journal, live or of a dead worker."""

    @property
    def name(self) -> str:
        """The name under which the database keeps its position."""
        ...

    @property
    def position(self) -> int:
        """Where the journal ends at the moment."""
        ...

    async def next_batch(self, position: int) -> Batch | None:
        """The next whole lines from a position on; None at the end. Raises OSError."""
        ...

    async def mark_drained(self, position: int) -> None:
        """Learn that everything before the position is in the database."""
        ...


class JournalPump:
    """Drains one journal; one call at a time.

    `drained_position` is how far it got, `stored_position` what the database says: stretches without a
    charge move only the first.
    """

    def __init__(self, source: DrainSource, store: SpendStore, rejected: RejectedFile) -> None:
        self.source = source
        self.drained_position = 0
        self.drained_records = 0
        self.rejected_records = 0
        self._store = store
        self._rejected = rejected
        self._stored_position: int | None = None
        self._log = structlog.get_logger(__name__)

    async def drain_next(self) -> bool:
        """Move one batch; False when there is none. Raises DatabaseUnavailable and OSError: try again."""
        if self._stored_position is None:
            await self._resume(await self._store.read_position(self.source.name))
        batch = await self.source.next_batch(self.drained_position)
        if batch is None:
            return False
        if batch.has_charges():
            try:
                await self._write(batch)
            except PositionMovedError as moved:
                self._log.warning("journal_drained_elsewhere", journal=self.source.name, to=moved.position)
                await self._resume(moved.position)
                return True
            self._stored_position = batch.end
        self.drained_position = batch.end
        await self.source.mark_drained(batch.end)
        return True

    async def _resume(self, position: int) -> None:
        self._stored_position = self.drained_position = position
        await self.source.mark_drained(position)

    async def _write(self, batch: Batch) -> None:
        name, start = self.source.name, self._stored_position or 0
        try:
            self.drained_records += await self._store.write_batch(name, start, batch.end, batch.charges)
        except LinesRefusedError as error:
            lines = [line for some in batch.charges() for line in some.data.split(b"\n") if line]
            good = await self._without_refused(lines, str(error))
            await self._store.write_batch(name, start, batch.end, lambda: iter((_join(good),)))
            self.drained_records += len(lines)

    async def _without_refused(self, lines: list[bytes], reason: str) -> list[bytes]:
        """The lines that PostgreSQL takes; of the others what it takes of their money, if it does.

        A refused line is kept whole in the file of rejected lines, and logged.
        """
        refused = set(await self._find_refused(lines))
        good: list[bytes] = []
        for line in lines:
            if line not in refused:
                good.append(line)
                continue
            self._rejected.append(line)
            self.rejected_records += 1
            essentials = keep_essentials(line)
            is_booked = essentials is not None and await self._store.accepts(_join([essentials]))
            if essentials is not None and is_booked:
                good.append(essentials)
            self._log.error(
                "spend_record_rejected", file=str(self._rejected.path), is_booked=is_booked, reason=reason
            )
        return good

    async def _find_refused(self, lines: Sequence[bytes]) -> list[bytes]:
        if await self._store.accepts(_join(lines)):
            return []
        if len(lines) == 1:
            return list(lines)
        half = len(lines) // 2
        return [*await self._find_refused(lines[:half]), *await self._find_refused(lines[half:])]


def _join(lines: Sequence[bytes]) -> Lines:
    return Lines(len(lines), b"".join(line + b"\n" for line in lines))


class Drain:
    """The background job that drains the live journal: at once while there is much, else at an interval.

    While the database is away it tries again after 0.1 to 10 seconds, and nothing is lost. `last_error`
    says why it does not get on; `lag_bytes` is how much of the journal is not in the database yet.
    """

    def __init__(
        self,
        source: DrainSource,
        store: SpendStore,
        rejected: RejectedFile,
        *,
        interval_seconds: float = 1.0,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.pump = JournalPump(source, store, rejected)
        self.last_error: str | None = None
        self._source = source
        self._interval_seconds = interval_seconds
        self._pause = pause
        self._turn = asyncio.Lock()
        self._log = structlog.get_logger(__name__)

    @property
    def lag_bytes(self) -> int:
        """Bytes of the journal that are not in the database yet; records under way included."""
        return self._source.position - self.pump.drained_position

    @property
    def drained_records(self) -> int:
        """Charges moved since the start."""
        return self.pump.drained_records

    @property
    def rejected_records(self) -> int:
        """Charges of which at least a part could not be stored."""
        return self.pump.rejected_records

    async def flush(self) -> None:
        """Return when everything journalled before the call is in the database.

        Raises DatabaseUnavailable, and OSError when the journal cannot be read or synced.
        """
        target = self._source.position
        async with self._turn:
            while self.pump.drained_position < target and await self.pump.drain_next():
                pass
        self.last_error = None

    @asynccontextmanager
    async def stand_still(self) -> AsyncGenerator[int]:
        """Drain what is journalled, then nothing more until the block ends; give the drained position.

        Raises DatabaseUnavailable, and OSError when the journal cannot be read or synced.
        """
        target = self._source.position
        async with self._turn:
            while self.pump.drained_position < target and await self.pump.drain_next():
                pass
            yield self.pump.drained_position

    async def run(self) -> None:
        """Drain until cancelled."""
        failures = 0
        while True:
            try:
                await self.flush()
            except Exception as error:  # noqa: BLE001  a job for the whole life of the worker must not end
                self._note(error)
                pause = min(_FIRST_PAUSE_SECONDS * 2**failures, _LONGEST_PAUSE_SECONDS)
                failures = min(failures + 1, 10)
            else:
                failures = 0
                pause = 0.0 if self.lag_bytes > _BUSY_BYTES else self._interval_seconds
            await self._pause(pause)

    def _note(self, error: Exception) -> None:
        text = f"{type(error).__name__}: {error}"
        if text != self.last_error:
            is_expected = isinstance(error, (DatabaseUnavailable, OSError))
            self._log.warning("drain_waits", error=text, exc_info=None if is_expected else error)
        self.last_error = text
