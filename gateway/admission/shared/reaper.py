"""Settles what dead workers hold, and gives back what a worker holds for requests that it does not know."""

from collections.abc import Container
from typing import cast
from uuid import UUID

import msgspec

from gateway.admission.shared.names import Names
from gateway.admission.shared.scripts import HOLDS, INHERIT, REAP
from gateway.admission.shared.wire import EpochChangedError, Wire
from gateway.admission.sharing import FindCosts
from gateway.cache.redis_link import RedisLink
from gateway.clock import Clock

__all__ = ["Reaper"]

_REMEMBERED_SECONDS = 86_400
_TOGETHER = 100
_SECONDS = 1.0
_AGE_MS = 60_000
"""A hold of a request that is unknown for so long is of one that was cancelled while it was admitted."""
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode
_decode_keys = msgspec.json.Decoder(tuple[list[str], list[str]]).decode


class _Hold(msgspec.Struct, frozen=True):
    """A hold as Redis has it: what it holds, and the keys of its moneys and slots."""

    id: str
    nanos: int
    moneys: list[str]
    slots: list[str]


class Reaper:
    """Reads holds from Redis; `reaped` counts those that were settled for others."""

    def __init__(self, link: RedisLink, names: Names, wire: Wire, clock: Clock) -> None:
        self.reaped = 0
        self._clock = clock
        self._link = link
        self._names = names
        self._wire = wire

    async def reap(self, worker: str) -> None:
        """Settle what a dead worker holds: what was held counts as spent. Raises RedisUnavailableError."""
        holds = await self._list(self._names.holds(self._wire.epoch, worker))
        for start in range(0, max(len(holds), 1), _TOGETHER):
            if await self._end(worker, holds[start : start + _TOGETHER], "") < 0:
                return
        self.reaped += len(holds)

    async def give_back_unknown(self, worker: str, known: Container[str]) -> None:
        """Give back what this worker holds for requests that have ended. Raises RedisUnavailableError."""
        holds = await self._list(self._names.holds(self._wire.epoch, worker))
        before = self._clock.now_nanos() // 1_000_000 - _AGE_MS
        unknown = [hold for hold in holds if hold.id not in known and _milliseconds_of(hold.id) < before]
        if unknown:
            await self._end(worker, unknown[:_TOGETHER], "own")

    async def inherit(self, worker: str, find_costs: FindCosts) -> None:
        """Settle what a worker held that is dead for sure, by what its journal says.

        A hold of which a whole journal does not know was never admitted. Raises RedisUnavailableError, and
        EpochChangedError with nothing lost: in another epoch there is nothing to settle.
        """
        names, epoch = self._names, self._wire.epoch
        holds = await self._list(names.holds(epoch, worker))
        holds += await self._list(names.reaped(epoch, worker))
        if not holds:
            return
        costs, is_whole = await find_costs([_request_of(hold.id) for hold in holds])
        for start in range(0, len(holds), _TOGETHER):
            part = holds[start : start + _TOGETHER]
            keys = self._keys(worker, part)
            listed: list[tuple[str, int, int, int]] = []
            for one in part:
                cost = costs.get(_request_of(one.id), 0 if is_whole else one.nanos)
                listed.append((one.id, len(one.moneys), len(one.slots), cost))
            if not await self._link.call(INHERIT, keys, (epoch, worker, _encode(listed)), seconds=_SECONDS):
                raise EpochChangedError("everything is counted anew")
        self.reaped += len(holds)

    async def _list(self, name: str) -> list[_Hold]:
        epoch = self._wire.epoch
        keys = (self._names.epoch, name)
        answer = cast("list[str]", _decode(await self._link.call(HOLDS, keys, (epoch,), seconds=_SECONDS)))
        found: list[_Hold] = []
        for place in range(0, len(answer), 2):
            nanos, _, payload = answer[place + 1].partition("|")
            found.append(_Hold(answer[place], int(nanos), *_decode_keys(payload)))
        return found

    async def _end(self, worker: str, holds: list[_Hold], whose: str) -> int:
        listed = _encode([(one.id, len(one.moneys), len(one.slots)) for one in holds])
        arguments = (self._wire.epoch, worker, _REMEMBERED_SECONDS, listed, whose)
        return int(await self._link.call(REAP, self._keys(worker, holds), arguments, seconds=_SECONDS))

    def _keys(self, worker: str, holds: list[_Hold]) -> list[str]:
        epoch, names = self._wire.epoch, self._names
        keys = [names.epoch, names.workers, names.phases, names.holds(epoch, worker)]
        keys.append(names.reaped(epoch, worker))
        for one in holds:
            keys += (*one.moneys, *one.slots)
        return keys


def _request_of(hold_id: str) -> str:
    """The charge id of the request that holds; what it holds of places has a number behind it."""
    return hold_id.partition(":")[0]


def _milliseconds_of(hold_id: str) -> int:
    """When the charge id was made: it is a UUID version 7."""
    try:
        return UUID(_request_of(hold_id)).int >> 80
    except ValueError:
        return 0
