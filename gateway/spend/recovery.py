"""Finishes the journals of dead workers: charges what was open, drains the rest, deletes the files."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path

import structlog

from gateway.clock import Clock
from gateway.errors import DatabaseUnavailable
from gateway.spend.costs import find_costs
from gateway.spend.drain import JournalPump
from gateway.spend.interrupted import charge_interrupted
from gateway.spend.rejected import RejectedFile
from gateway.spend.segments import Batch, JournalFolder, lock_root
from gateway.spend.store import SpendStore

__all__ = ["Recovery", "SettleHolds"]

_BATCH_BYTES = 4 * 1024 * 1024
_DONE = ".done"


class _DeadJournal:
    """The journal of a worker that is gone, as the drain reads it; this process holds its lock."""

    def __init__(self, folder: JournalFolder) -> None:
        self.folder = folder
        self.name = folder.name

    @property
    def position(self) -> int:
        last = self.folder.segments()[-1]
        return last.start + last.path.stat().st_size

    async def next_batch(self, position: int) -> Batch | None:
        return await asyncio.to_thread(self.folder.find_batch, position, _BATCH_BYTES)

    async def mark_drained(self, position: int) -> None:
        """Nothing: the files go when all of it is drained."""

    async def find_costs(self, charge_ids: Collection[str]) -> tuple[dict[str, int], bool]:
        """Find what requests did cost; `is_whole` says whether nothing of the journal is gone already."""
        return await asyncio.to_thread(find_costs, self.folder.segments(), frozenset(charge_ids))


FindCosts = Callable[[Collection[str]], Awaitable[tuple[dict[str, int], bool]]]
"""Finds nano-dollars by charge ids in a journal, and whether that is there from its beginning."""
SettleHolds = Callable[[str, FindCosts], Awaitable[bool]]
"""Settles what the worker of a journal held in shared counters; False where that must be tried again."""


class Recovery:
    """Looks for journals whose lock is free, and brings them into the database, each charge once.

    What is open in them is charged locally at once, also while the database is away; draining is tried
    again by the next call. Several processes may recover the same folder: a journal belongs to whoever
    holds its lock. `settle_holds` is asked before a journal is deleted; it may be set until `run`.
    `interrupted_records` and `recovered_journals` count since the start.
    """

    def __init__(self, root: Path, store: SpendStore, clock: Clock) -> None:
        self.interrupted_records = 0
        self.recovered_journals = 0
        self.last_error: str | None = None
        self.settle_holds: SettleHolds | None = None
        self._root = root
        self._store = store
        self._clock = clock
        self._claimed: list[_DeadJournal] = []
        self._log = structlog.get_logger(__name__)

    async def recover(self) -> bool:
        """One round over all dead journals; True when none is left. Raises OSError for the folder itself."""
        await asyncio.to_thread(self._claim_all)
        for journal in self._claimed[:]:
            try:
                is_finished = await self._finish(journal)
            except (DatabaseUnavailable, OSError) as error:
                self.last_error = f"{type(error).__name__}: {error}"
                self._log.warning("recovery_waits", journal=journal.name, error=self.last_error)
                continue
            if is_finished:
                self._claimed.remove(journal)
                self.recovered_journals += 1
        return not self._claimed

    async def run(
        self, interval_seconds: float = 30.0, pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        """Recover again and again until cancelled: workers beside this one can die as well."""
        while True:
            try:
                await self.recover()
            except Exception as error:  # noqa: BLE001  a job for the whole life of the worker must not end
                self.last_error = f"{type(error).__name__}: {error}"
                self._log.warning("recovery_failed", error=self.last_error, exc_info=error)
            await pause(interval_seconds)

    def close(self) -> None:
        """Give back the journals that are claimed and not finished; the next start claims them."""
        for journal in self._claimed:
            journal.folder.release()
        self._claimed.clear()

    def _claim_all(self) -> None:
        """Take what nobody holds, under the lock that makes a new journal and its lock appear together."""
        with lock_root(self._root):
            mine = {journal.name for journal in self._claimed}
            for path in sorted(self._root.iterdir()):
                folder = JournalFolder(path)
                if path.is_dir() and path.name not in mine and folder.claim():
                    self._claimed.append(_DeadJournal(folder))
                    self._charge_open(folder)

    def _charge_open(self, folder: JournalFolder) -> None:
        if folder.name.endswith(_DONE) or not (segments := folder.segments()):
            return
        died_nanos = min(segments[-1].path.stat().st_mtime_ns, self._clock.now_nanos())
        count = charge_interrupted(segments, died_nanos)
        self.interrupted_records += count
        self._log.info("journal_claimed", journal=folder.name, interrupted=count)

    async def _finish(self, journal: _DeadJournal) -> bool:
        """Drain, then rename, forget and delete: killed anywhere in between, nothing is drained twice."""
        done = journal.folder.path
        if not done.name.endswith(_DONE):
            rejected = RejectedFile(self._root / f"{journal.name}.rejected")
            pump = JournalPump(journal, self._store, rejected)
            while await pump.drain_next():
                pass
            settle = self.settle_holds
            if settle is not None and not await settle(journal.name, journal.find_costs):
                return False
            done = done.rename(done.with_name(done.name + _DONE))
            journal.folder.path = done
        await self._store.forget_journal(done.name.removesuffix(_DONE))
        await asyncio.to_thread(self._delete, done)
        journal.folder.release()
        return True

    def _delete(self, path: Path) -> None:
        """Under the lock, so that nobody claims a folder that is half gone."""
        with lock_root(self._root):
            shutil.rmtree(path)
