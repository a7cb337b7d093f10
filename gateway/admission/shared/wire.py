"""Sends steps to Redis: those of one turn of the event loop together, in one call."""

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from gateway.admission.shared.names import Names
from gateway.admission.shared.scripts import LEDGER
from gateway.admission.shared.steps import RemotePart, Step
from gateway.cache.redis_link import RedisLink, RedisUnavailableError
from gateway.clock import Clock

__all__ = ["Answer", "EpochChangedError", "Wire"]

KEPT_SECONDS = 172_800
"""How long a counter that nobody uses is kept: longer than any journal waits for the database."""
_MOST_STEPS = 64
_MOST_CALLS = 2
_ANOTHER_EPOCH = -1
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode

Answer = tuple[int, Sequence[int]]
"""A code and what comes with it: when the windows began at the server (OK, GONE), the values (REFUSED), the
places of moneys that nobody counts (MISSING)."""
_Queued = tuple[Step, RemotePart, "asyncio.Future[Answer]"]


class EpochChangedError(Exception):
    """Redis does not know the counters that this worker knows: it was emptied, or somebody began anew."""


def _ignore(_step: Step, _part: RemotePart, _is_done: bool) -> None:  # noqa: FBT001  see Wire.on_lost
    """For a wire whose callers are never cancelled."""


class Wire:
    """One worker's way to the script, in the present epoch."""

    def __init__(self, link: RedisLink, names: Names, worker: str, clock: Clock) -> None:
        self.epoch = ""
        self.calls = 0
        self.steps = 0
        self.on_lost: Callable[[Step, RemotePart, bool], None] = _ignore
        """Told of a step whose caller was cancelled, and whether it was done."""
        self._link = link
        self._names = names
        self._worker = worker
        self._now = clock.monotonic_nanos
        self._queue: list[_Queued] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_trusted(self) -> bool:
        """Whether Redis has answered of late."""
        return self._link.is_trusted

    async def run(self, step: Step, part: RemotePart) -> Answer:
        """Run one step, and set the counters of its part to what Redis says then; return the answer.

        Raises RedisUnavailableError, and EpochChangedError with nothing done.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self._queue.append((step, part, answer))
        if len(self._queue) == 1:
            loop.call_soon(self._flush)
        try:
            return await answer
        except asyncio.CancelledError:
            if answer.done() and not answer.cancelled():
                # It was answered in the very turn in which its caller was cancelled.
                self.on_lost(step, part, answer.exception() is None)
            raise

    def _flush(self) -> None:
        """Send what is queued; what comes while so many calls are under way goes with the next one."""
        while self._queue and len(self._tasks) < _MOST_CALLS:
            queued, self._queue = self._queue[:_MOST_STEPS], self._queue[_MOST_STEPS:]
            task = asyncio.get_running_loop().create_task(self._send(queued))
            self._tasks.add(task)
            task.add_done_callback(self._go_on)

    def _go_on(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        self._flush()

    async def _send(self, queued: Sequence[_Queued]) -> None:
        epoch = self.epoch
        try:
            answers = await self._call(epoch, queued)
        except (RedisUnavailableError, EpochChangedError) as error:
            for step, part, future in queued:
                if future.cancelled():
                    self.on_lost(step, part, False)
                else:
                    future.set_exception(error)
            return
        for (step, part, future), answer in zip(queued, answers, strict=True):
            if future.cancelled():
                self.on_lost(step, part, True)
            else:
                future.set_result(answer)

    async def _call(self, epoch: str, queued: Sequence[_Queued]) -> list[Answer]:
        names, worker = self._names, self._worker
        keys: list[str | bytes] = [names.epoch, names.holds(epoch, worker), names.reaped(epoch, worker)]
        statics: list[tuple[int, msgspec.Raw]] = []
        places: dict[RemotePart, int] = {}
        steps: list[Step] = []
        for step, part, _ in queued:
            place = places.get(part)
            if place is None:
                if part.epoch != epoch:
                    raise EpochChangedError("everything is counted anew")
                statics.append((len(keys), part.static))
                places[part] = place = len(statics)
                keys += part.keys
            step.part = place
            steps.append(step)
        self.calls += 1
        self.steps += len(steps)
        arguments = (epoch, _encode((statics, steps)), KEPT_SECONDS)
        answers, values = _decode(await self._link.call(LEDGER, keys, arguments))
        if answers == _ANOTHER_EPOCH:
            raise EpochChangedError("everything is counted anew")
        now = self._now()
        began = [part.apply(found, now) for part, found in zip(places, values, strict=True)]
        return [
            (answer[0], answer[1] if len(answer) > 1 else began[step.part - 1])
            for step, answer in zip(steps, answers, strict=True)
        ]
