"""The ledger that several workers share: what one admits the others see, at once and atomically."""

import asyncio
import contextlib
from collections.abc import Iterable, Sequence

import msgspec

from gateway.admission.hold import Hold, Want
from gateway.admission.ledger import Ledger, find_refusing
from gateway.admission.options import LedgerOptions
from gateway.admission.part import Part, build_part
from gateway.admission.periods import Calendar
from gateway.admission.places import PlaceBudgets
from gateway.admission.shared.hold import RemoteHold
from gateway.admission.shared.outage import OutagePolicy
from gateway.admission.shared.places import SharedPlaces
from gateway.admission.shared.seeds import Seeds
from gateway.admission.shared.steps import (
    EXTEND,
    MISSING,
    READ,
    REFUSED,
    REGISTER,
    RELEASE,
    SETTLE,
    TAKE,
    RemotePart,
    Step,
)
from gateway.admission.shared.untold import Untold
from gateway.admission.shared.wire import Answer, EpochChangedError, Wire
from gateway.cache.redis_link import RedisUnavailableError
from gateway.clock import Clock
from gateway.domain import Scope
from gateway.errors import DatabaseUnavailable, ServiceUnavailable

__all__ = ["SharedLedger"]

_ATTEMPTS = 5
_TOGETHER = 500
_WAIT_SECONDS = 15.0
"""How long a request waits while everything is counted anew: longer than the lease of a worker that hangs."""
_NOTHING = build_part((), ())
_KEEP_NANOS = 3_600_000_000_000
"""How often a worker says that the counters of a part are in use."""


class SharedLedger(Ledger):
    """Counters in Redis; those of this process show what Redis last said, for messages and headers.

    While Redis does not answer, `options` say what is admitted.
    """

    def __init__(
        self,
        clock: Clock,
        options: LedgerOptions,
        wire: Wire,
        seeds: Seeds,
        *,
        calendar: Calendar | None = None,
    ) -> None:
        super().__init__(clock, options, calendar=calendar)
        self._opened = asyncio.Event()
        self.has_lost_epoch = asyncio.Event()
        """Set by a request that found another epoch than the present one."""
        self.holds: dict[str, RemoteHold] = {}
        """The requests under way, by charge id."""
        self.has_unheard = False
        """Whether something was admitted since the last epoch began of which Redis was not told at once."""
        self._wire = wire
        self._seeds = seeds
        self._untold = Untold()
        self._outage = OutagePolicy()
        wire.on_lost = self._note_lost

    @property
    def is_open(self) -> bool:
        """Whether this worker may admit: it knows the present epoch, and all have told what they know."""
        return self._opened.is_set()

    @property
    def has_strayed(self) -> bool:
        """Whether Redis cannot be told everything any more: all must be counted anew."""
        return self._untold.has_overflowed

    def open(self) -> None:
        """Admit from now on."""
        self._opened.set()

    def close(self) -> None:
        """Admit by what Redis says no more, until `open`."""
        self._opened.clear()

    def seed(self, totals: Iterable[tuple[Scope, int]]) -> None:
        """Do nothing: Redis is seeded. What one worker reads lacks what others have not drained yet."""

    def _build_places(self) -> PlaceBudgets:
        return SharedPlaces(self.accounts, self)

    async def admit(self, part: Part, want: Want, charge_id: str) -> RemoteHold:
        """Take everything, or raise for what does not fit and take nothing.

        Raises BudgetExceeded, RateLimited, and ServiceUnavailable where it cannot be known. Claims of plugins
        count in this process only.
        """
        remote, step, answer = await self._try(part, want, charge_id)
        if answer is None:
            return self._admit_alone(part, self._remote(part), want, charge_id, undoing=step)
        code, found = answer
        now = self._now()
        if code == REFUSED:
            # As it was when it was refused: others have given back since.
            remote.apply(found, now)
        refusing = find_refusing(part if code == REFUSED else _NOTHING, want, now, self.options)
        if refusing:
            if code != REFUSED:
                self._untold.add(remote, _undo(step))
            raise self._refusals.build(refusing, now)
        if code == REFUSED:
            raise _unavailable("A limit was used up a moment ago; try again.")
        hold = self.holds[charge_id] = RemoteHold(self, charge_id, part, remote, want, found)
        if want.extras:
            hold.local = Hold(_NOTHING, want, now, None)
        return hold

    async def _try(self, part: Part, want: Want, charge_id: str) -> tuple[RemotePart, Step, Answer | None]:
        """Ask Redis to take everything; without an answer nobody knows whether it did."""
        remote = self._remote(part)
        step = self._taking(remote, want, charge_id)
        for _ in range(_ATTEMPTS):
            if not self.is_open:
                await self._wait()
            if not self.is_open:
                break
            remote = self._remote(part)
            try:
                answer = await self._run(step, remote)
            except RedisUnavailableError:
                break
            except EpochChangedError:
                self._lose(remote.epoch)
                continue
            if remote.epoch == self._wire.epoch:
                return remote, step, answer
        return remote, step, None

    async def extend(self, hold: RemoteHold, cost_nanos: int) -> bool:
        """Hold so many nano-dollars more, if every budget has that much left."""
        if not self.is_open or not hold.is_told:
            return False
        check = -1 if hold.want.is_free else 0
        step = Step(EXTEND, 0, hold.id, cost_nanos, (), check)
        try:
            code, _ = await self._wire.run(step, hold.remote)
        except (RedisUnavailableError, EpochChangedError):
            return False
        if code == 0:
            hold.want.cost += cost_nanos
        return code == 0

    async def finish(self, hold: RemoteHold, step: Step) -> None:
        """End a hold; where Redis does not answer later: a hold that is gone is not ended twice.

        In a new epoch there is nothing to end: what the journal had is counted there.
        """
        remote = hold.remote
        try:
            if self.is_open and hold.is_told:
                await self._wire.run(step, remote)
                return
        except (RedisUnavailableError, EpochChangedError):
            pass
        finally:
            self.holds.pop(hold.id, None)
        if remote.epoch == self._wire.epoch:
            self._untold.add(remote, step)

    def adopt(self, part: Part, want: Want, charge_id: str) -> RemoteHold:
        """Hold what is charged in any case, whatever the limits are; Redis is told later."""
        remote = self._remote(part)
        began = [0] * len(remote.windows)
        hold = self.holds[charge_id] = RemoteHold(self, charge_id, part, remote, want, began)
        hold.is_told = False
        self.has_unheard = True
        self._untold.add(remote, _registering(hold), hold)
        return hold

    async def read(self, part: Part) -> None:
        """Set the counters of a part to what Redis says. Raises ServiceUnavailable."""
        remote = self._remote(part)
        step = Step(READ, 0, "", 0, (), ())
        try:
            await self._run(step, remote)
        except (RedisUnavailableError, EpochChangedError) as error:
            raise _unavailable("The counters cannot be looked up at the moment; try again.") from error

    async def refresh(self, scopes: Iterable[Scope]) -> None:
        """Set the counters of scopes to what Redis says. Raises ServiceUnavailable."""
        found = (self.accounts.find_money(scope) for scope in scopes)
        moneys = [money for money in found if money is not None]
        for start in range(0, len(moneys), _TOGETHER):
            await self.read(build_part((), moneys[start : start + _TOGETHER]))

    async def tell_rest(self) -> None:
        """Tell Redis what it has not been told yet. Raises RedisUnavailableError and EpochChangedError."""
        await self._untold.tell(self._wire.epoch, self._run)

    def begin_epoch(self) -> Sequence[RemoteHold]:
        """Begin to count anew: return what is under way, in keys of the present epoch.

        What has ended is in the journal, and counted with it; what ends later is told to Redis afterwards.
        """
        self._untold.clear()
        self.has_unheard = False
        self._outage.forget()
        under_way = [hold for hold in self.holds.values() if hold.is_open]
        for hold in under_way:
            hold.remote = self._remote(hold.part)
            hold.began = [0] * len(hold.began)
            hold.is_told = False
        return under_way

    async def register(self, hold: RemoteHold) -> None:
        """Count a hold that was taken elsewhere. Raises RedisUnavailableError and EpochChangedError."""
        await self._run(_registering(hold), hold.remote)
        hold.is_told = True

    async def _run(self, step: Step, remote: RemotePart) -> Answer:
        """Run a step; moneys that nobody counts yet are seeded first."""
        for _ in range(_ATTEMPTS):
            answer = code, places = await self._wire.run(step, remote)
            if code != MISSING:
                return answer
            try:
                await self._seeds.ensure([remote.moneys[place - 1].key for place in places])
            except DatabaseUnavailable as error:
                raise RedisUnavailableError(str(error)) from error
        raise RedisUnavailableError("what was counted is forgotten again and again")

    def _lose(self, epoch: str) -> None:
        """Learn that Redis does not know an epoch any more: who stays a member is woken up."""
        if epoch == self._wire.epoch:
            self.close()
            self.has_lost_epoch.set()

    async def _wait(self) -> None:
        """Let a request wait while everything is counted anew, mostly for a second or two."""
        if self._wire.is_trusted:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_WAIT_SECONDS):
                    await self._opened.wait()

    def _admit_alone(
        self, part: Part, remote: RemotePart, want: Want, charge_id: str, undoing: Step | None = None
    ) -> RemoteHold:
        """Admit by what this worker knows, within what the policy allows; Redis is told later.

        `undoing` is a step of which nobody knows whether it was done.
        """
        now = self._now()
        refusing = find_refusing(part, want, now, self.options)
        if refusing or not self._outage.allows(part, want, self.options.outage_allowance_nanos):
            if undoing is not None:
                self._untold.add(remote, _undo(undoing))
            if refusing:
                raise self._refusals.build(refusing, now)
            raise _unavailable("The limits of this key cannot be looked up at the moment; try again.")
        hold = self.adopt(part, want, charge_id)
        hold.local = Hold(part, want, now, None)
        return hold

    def _note_lost(self, step: Step, remote: RemotePart, is_done: bool) -> None:  # noqa: FBT001  see Wire
        """Finish what a cancelled request began: it must not hold anything for ever."""
        if step.kind == TAKE:
            self._untold.add(remote, _undo(step))
        elif not is_done and step.kind in {SETTLE, RELEASE}:
            self._untold.add(remote, step)

    def _taking(self, remote: RemotePart, want: Want, charge_id: str) -> Step:
        check = -1 if want.is_free else want.cost if self.options.is_strict else 0
        now = self._now()
        keeps = now - remote.kept_at > _KEEP_NANOS
        if keeps:
            remote.kept_at = now
        return Step(TAKE, 0, charge_id, want.cost, want.tokens, check, keeps)

    def _remote(self, part: Part) -> RemotePart:
        remote = part.shared
        if not isinstance(remote, RemotePart) or remote.epoch != self._wire.epoch:
            remote = part.shared = RemotePart(part, self._seeds.names, self._wire.epoch)
        return remote


def _registering(hold: RemoteHold) -> Step:
    return Step(REGISTER, 0, hold.id, hold.want.cost, (), -1)


def _undo(step: Step) -> Step:
    """The step that undoes one of which nobody knows whether it was done; windows keep what they counted."""
    return msgspec.structs.replace(step, kind=RELEASE, cost=0, amounts=(), check=())


def _unavailable(text: str) -> ServiceUnavailable:
    return ServiceUnavailable(text, headers={"retry-after": "1"})
