"""A worker among workers: its lease, the epoch in which all of them count, and what the dead have left."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import cast

import msgspec
import structlog

from gateway.admission.shared.ledger import SharedLedger
from gateway.admission.shared.names import Names
from gateway.admission.shared.reaper import Reaper
from gateway.admission.shared.scripts import HEARTBEAT, LEAVE
from gateway.admission.shared.seeds import Seeds
from gateway.admission.shared.wire import EpochChangedError, Wire
from gateway.admission.sharing import FindCosts, SharingState, StandStill
from gateway.cache.redis_link import RedisLink, RedisUnavailableError
from gateway.clock import Clock
from gateway.domain import Scope
from gateway.errors import DatabaseUnavailable, ServiceUnavailable
from gateway.ids import new_id

__all__ = ["Membership", "Timing"]

_JOINING, _FLUSHED, _COUNTED, _READY = "", "flushed", "counted", "ready"
_SECONDS = 1.0
_decode = msgspec.msgpack.Decoder().decode
_EXPECTED = (
    RedisUnavailableError,
    EpochChangedError,
    DatabaseUnavailable,
    ServiceUnavailable,
    OSError,
    TimeoutError,
)


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Times in seconds. A worker is taken for dead when it has not been heard of for `lease`.

    In a new epoch everybody has `gathering` to be heard of again; then all of these are waited for.
    """

    beat: float = 1.0
    lease: float = 10.0
    gathering: float = 1.5
    poll: float = 0.05
    reconciles_after: float = 30.0


class _Seen(msgspec.Struct, frozen=True):
    """What one heartbeat tells; times are microseconds of the server.

    `has_begun` says that those who were heard of in time have been counted in this epoch.
    """

    epoch: str
    now: int
    has_begun: bool
    workers: dict[str, tuple[int, str]]

    def living(self) -> dict[str, str]:
        """The phases of the workers whose leases have not run out."""
        return {name: phase for name, (ends, phase) in self.workers.items() if ends > self.now}

    def dead(self) -> list[str]:
        """The workers whose leases have run out."""
        return [name for name, (ends, _) in self.workers.items() if ends <= self.now]


class Membership:
    """Keeps a worker in the present epoch.

    An epoch is the time in which Redis remembers. In a new one all workers bring their journals into the
    database and let them stand still; then what requests under way hold, and what was charged since, is
    counted; then they go on. So counters that are seeded from the database contain every charge once.

    `stand_still` drains the journal and keeps the drain still.
    """

    def __init__(
        self,
        link: RedisLink,
        names: Names,
        wire: Wire,
        seeds: Seeds,
        ledger: SharedLedger,
        worker: str,
        clock: Clock,
        *,
        stand_still: StandStill,
        timing: Timing | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.reaper = Reaper(link, names, wire, clock)
        self._link = link
        self._names = names
        self._wire = wire
        self._seeds = seeds
        self._ledger = ledger
        self._worker = worker
        self._stand_still = stand_still
        self._timing = timing or Timing()
        self._sleep = sleep
        self._changes: set[Scope] | None = set()
        self._has_changed = asyncio.Event()
        self._reconciled_at = 0
        self._others = 0
        self._begun = ""
        self._log = structlog.get_logger(__name__)

    @property
    def state(self) -> SharingState:
        """How this worker stands to the others, as far as it heard of them."""
        return SharingState(
            is_counting=self._ledger.is_open and self._link.is_trusted,
            workers=self._others + 1,
            calls=self._wire.calls,
            steps=self._wire.steps,
            reaped=self.reaper.reaped,
        )

    def note_change(self, scopes: Sequence[Scope] | None) -> None:
        """Learn that spend has changed otherwise than by requests; None means anybody's."""
        self._changes = None if scopes is None or self._changes is None else self._changes | set(scopes)
        self._has_changed.set()

    async def open(self) -> None:
        """Join the present epoch; where Redis cannot be reached, `run` does.

        Raises ConfigError for an address or a credential that Redis refuses, and DatabaseUnavailable.
        """
        try:
            await self._turn()
        except (RedisUnavailableError, EpochChangedError) as error:
            self._log.warning("shared_limits_wait", error=str(error))

    async def settle_holds(self, worker: str, find_costs: FindCosts) -> bool:
        """Settle what a dead worker held, by its journal; False where that must be tried again."""
        try:
            await self.reaper.inherit(worker, find_costs)
        except EpochChangedError:
            return True
        except RedisUnavailableError as error:
            self._log.warning("shared_limits_inherit_later", worker=worker, error=str(error))
            return False
        return True

    async def run(self) -> None:
        """Stay a member until cancelled."""
        adjusting = asyncio.create_task(self._adjust_when_told())
        try:
            while True:
                await self._pause()
                try:
                    await self._turn()
                except EpochChangedError as error:
                    # Requests wait while all begin anew: the next turn is at once.
                    self._log.warning("shared_limits_anew", error=str(error))
                    self._ledger.has_lost_epoch.set()
                    await self._sleep(self._timing.poll)
                except _EXPECTED as error:
                    self._log.warning("shared_limits_wait", error=f"{type(error).__name__}: {error}")
        finally:
            adjusting.cancel()
            await asyncio.gather(adjusting, return_exceptions=True)

    async def _pause(self) -> None:
        """Wait for the next beat, or until a request has found that Redis forgot."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._timing.beat):
                await self._ledger.has_lost_epoch.wait()
        self._ledger.has_lost_epoch.clear()

    async def close(self) -> None:
        """Leave: nobody need wait for this worker. What it still holds is settled when its lease ends."""
        try:
            await self._ledger.tell_rest()
            if not self._ledger.holds:
                await self._leave(self._worker)
        except _EXPECTED as error:
            self._log.warning("shared_limits_not_left", error=f"{type(error).__name__}: {error}")
        await self._link.close()

    async def _turn(self) -> None:
        if not self._link.is_open:
            await self._link.open()
        seen = await self._beat(_READY if self._ledger.is_open else _JOINING)
        is_lost = self._ledger.has_strayed or (seen.epoch == self._begun and not self._ledger.is_open)
        if is_lost and seen.epoch == self._wire.epoch:
            # Redis cannot be told all that it missed, or was told a part of it: everything is counted anew.
            await self._leave("")
            seen = await self._beat(_JOINING)
        if seen.epoch != self._wire.epoch or not self._ledger.is_open:
            await self._join(seen.epoch)
            return
        await self._ledger.tell_rest()
        await self._ledger.places.refresh()
        for worker in seen.dead():
            await self.reaper.reap(worker)
        if seen.now - self._reconciled_at > self._timing.reconciles_after * 1e6:
            self._reconciled_at = seen.now
            await self.reaper.give_back_unknown(self._worker, self._ledger.holds)

    async def _join(self, epoch: str) -> None:
        """Count in an epoch; begins again with a newer one when that changes meanwhile."""
        self._ledger.close()
        self._wire.epoch = epoch
        self._log.info("shared_limits_join", epoch=epoch)
        async with self._stand_still() as still:
            await self._wait_for_others(epoch)
            # Nothing waits in between: what ends before this is charged, what ends after it is told to Redis.
            holds, charged = self._ledger.begin_epoch(), still.charged_since()
            # Whatever fails from here on is not begun again in the same epoch: it would be counted twice.
            self._begun = epoch
            await self._seeds.sow(charged, charged)
            for hold in holds:
                await self._ledger.register(hold)
            async for seen in self._phase(epoch, _READY):
                if all(phase == _READY for phase in seen.living().values()):
                    break
        self._ledger.open()
        await self._ledger.tell_rest()
        self._log.info("shared_limits_joined", epoch=epoch)

    async def _wait_for_others(self, epoch: str) -> None:
        """Wait until all that is known is in the database. Raises EpochChangedError if others went on."""
        async for seen in self._phase(epoch, _FLUSHED):
            if seen.workers[self._worker][1] == _COUNTED:
                return
            if seen.has_begun:
                if self._begun or self._ledger.has_unheard:
                    # The others began without what this worker had charged: all begin once more.
                    await self._leave("")
                    raise EpochChangedError("this worker was heard of too late")
                return

    async def _phase(self, epoch: str, phase: str) -> AsyncIterator[_Seen]:
        """Tell the others how far this worker is, and hear how far they are. Raises EpochChangedError."""
        while True:
            seen = await self._beat(phase)
            if seen.epoch != epoch:
                raise EpochChangedError("everything is counted anew")
            yield seen
            await self._sleep(self._timing.poll)

    async def _beat(self, phase: str) -> _Seen:
        names = self._names
        arguments = (
            self._worker,
            round(self._timing.lease * 1_000),
            new_id().replace("-", ""),
            self._wire.epoch,
            phase,
            round(self._timing.gathering * 1_000),
        )
        keys = (names.epoch, names.workers, names.phases)
        answer = _decode(await self._link.call(HEARTBEAT, keys, arguments, seconds=_SECONDS))
        # As heartbeat.lua packs it.
        epoch, now, has_begun, listed = cast("tuple[str, int, int, list[str | int]]", answer)
        workers = {
            str(listed[place]): (int(listed[place + 1]), str(listed[place + 2]))
            for place in range(0, len(listed), 3)
        }
        seen = _Seen(epoch, now, bool(has_begun), workers)
        self._others = len(seen.living().keys() - {self._worker})
        return seen

    async def _leave(self, worker: str) -> None:
        names = self._names
        keys = (names.epoch, names.workers, names.phases)
        await self._link.call(LEAVE, keys, (self._wire.epoch, worker), seconds=_SECONDS)

    async def _adjust_when_told(self) -> None:
        while True:
            await self._has_changed.wait()
            self._has_changed.clear()
            changes, self._changes = self._changes, set()
            try:
                if self._ledger.is_open:
                    await self._seeds.adjust(changes)
            except _EXPECTED as error:
                self._log.warning("shared_limits_adjust_later", error=f"{type(error).__name__}: {error}")
                self.note_change(None if changes is None else list(changes))
                await self._sleep(self._timing.beat)
