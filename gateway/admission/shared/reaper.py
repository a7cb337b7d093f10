"""Settles what dead workers hold, and gives back what a worker holds for requests that it does not know."""

from collections.abc import Container
from typing import cast
from uuid import UUID

import msgspec

from gateway.admission.shared.names import Names
from gateway.admission.shared.scripts import HOLDS, REAP
from gateway.admission.shared.wire import Wire
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

_Hold = tuple[str, list[str], list[str]]


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
        holds = await self._list(worker)
        for start in range(0, max(len(holds), 1), _TOGETHER):
            if await self._end(worker, holds[start : start + _TOGETHER], "") < 0:
                return
        self.reaped += len(holds)

    async def give_back_unknown(self, worker: str, known: Container[str]) -> None:
        """Give back what this worker holds for requests that have ended. Raises RedisUnavailableError."""
        holds = await self._list(worker)
        before = self._clock.now_nanos() // 1_000_000 - _AGE_MS
        unknown = [hold for hold in holds if hold[0] not in known and _milliseconds_of(hold[0]) < before]
        if unknown:
            await self._end(worker, unknown[:_TOGETHER], "own")

    async def _list(self, worker: str) -> list[_Hold]:
        epoch, names = self._wire.epoch, self._names
        keys = (names.epoch, names.holds(epoch, worker))
        answer = cast("list[str]", _decode(await self._link.call(HOLDS, keys, (epoch,), seconds=_SECONDS)))
        found: list[_Hold] = []
        for place in range(0, len(answer), 2):
            moneys, slots = _decode_keys(answer[place + 1].partition("|")[2])
            found.append((answer[place], moneys, slots))
        return found

    async def _end(self, worker: str, holds: list[_Hold], whose: str) -> int:
        epoch, names = self._wire.epoch, self._names
        keys = [names.epoch, names.workers, names.phases, names.holds(epoch, worker)]
        keys.append(names.reaped(epoch, worker))
        for _, moneys, slots in holds:
            keys += (*moneys, *slots)
        listed = _encode([(one, len(moneys), len(slots)) for one, moneys, slots in holds])
        arguments = (epoch, worker, _REMEMBERED_SECONDS, listed, whose)
        return int(await self._link.call(REAP, keys, arguments, seconds=_SECONDS))


def _milliseconds_of(charge_id: str) -> int:
    """When a charge id was made: it is a UUID version 7."""
    try:
        return UUID(charge_id).int >> 80
    except ValueError:
        return 0
