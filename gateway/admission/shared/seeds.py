"""Brings into Redis what the database says was spent, and what changed it otherwise than by requests."""

import asyncio
from collections.abc import Iterable, Mapping

import msgspec

from gateway.admission.shared.names import Names
from gateway.admission.shared.scripts import ADJUST, SEED
from gateway.admission.shared.totals_store import TotalsStore, entity_name
from gateway.admission.shared.wire import KEPT_SECONDS, EpochChangedError, Wire
from gateway.cache.redis_link import RedisLink
from gateway.db.entities import GATEWAY_USER_ID
from gateway.domain import Scope, ScopeKind

__all__ = ["Seeds"]

_MARKED_SECONDS = 3_600
"""How long it is remembered that an adjustment was applied; it is looked for during ten minutes."""
_TOGETHER = 200
_SECONDS = 1.0
_encode = msgspec.msgpack.Encoder().encode


class Seeds:
    """Seeds moneys that nobody has counted in the present epoch; whoever is first seeds for all."""

    def __init__(self, link: RedisLink, names: Names, wire: Wire, store: TotalsStore) -> None:
        self.names = names
        self._link = link
        self._wire = wire
        self._store = store
        self._sowing: dict[Scope, asyncio.Future[None]] = {}

    async def ensure(self, keys: Iterable[Scope]) -> None:
        """Seed moneys, each once for all who want it at the same time. Raises as `sow`."""
        listed = list(keys)
        waited = [self._sowing[key] for key in listed if key in self._sowing]
        rest = [key for key in listed if key not in self._sowing]
        if rest:
            task = asyncio.ensure_future(self.sow(rest))
            self._sowing |= dict.fromkeys(rest, task)
            task.add_done_callback(lambda _: [self._sowing.pop(key, None) for key in rest])
            waited.append(task)
        for task in waited:
            # Whoever gives up must not take the seed away from those who still wait.
            await asyncio.shield(task)

    async def sow(self, keys: Iterable[Scope], added: Mapping[Scope, int] | None = None) -> None:
        """Seed moneys with what the database has; `added` is what this worker charged behind that.

        Raises DatabaseUnavailable, RedisUnavailableError and EpochChangedError.
        """
        listed = list(dict.fromkeys(keys))
        for start in range(0, len(listed), _TOGETHER):
            await self._sow(listed[start : start + _TOGETHER], added or {})

    async def _sow(self, keys: list[Scope], added: Mapping[Scope, int]) -> None:
        epoch, names = self._wire.epoch, self.names
        totals = await self._store.read(keys)
        places = [names.epoch]
        seeds: list[tuple[str, tuple[str, ...], str]] = []
        for key in keys:
            total = totals[key]
            places.append(names.money(epoch, key))
            markers = _markers(key, total.adjustment_ids)
            places += [names.marker(epoch, one) for one in markers]
            seeds.append((str(total.nanos), markers, str(added.get(key, 0))))
        arguments = (epoch, KEPT_SECONDS, _MARKED_SECONDS, _encode(seeds))
        if not await self._link.call(SEED, places, arguments, seconds=_SECONDS):
            raise EpochChangedError("everything is counted anew")

    async def adjust(self, scopes: Iterable[Scope] | None) -> None:
        """Apply what changed the spend of scopes of late (None: of any), each change once.

        Raises DatabaseUnavailable, RedisUnavailableError and EpochChangedError.
        """
        epoch, names = self._wire.epoch, self.names
        places = [names.epoch]
        changes: list[tuple[str, str]] = []
        for adjustment, kind, identifier, nanos in await self._store.list_adjustments(scopes):
            for scope in _scopes_of(kind, identifier):
                (marker,) = _markers(scope, (adjustment,))
                places += (names.money(epoch, scope), names.marker(epoch, marker))
                changes.append((marker, str(nanos)))
        if not changes:
            return
        arguments = (epoch, KEPT_SECONDS, _MARKED_SECONDS, _encode(changes))
        if not await self._link.call(ADJUST, places, arguments, seconds=_SECONDS):
            raise EpochChangedError("everything is counted anew")


def _markers(scope: Scope, adjustment_ids: Iterable[str]) -> tuple[str, ...]:
    """Names of adjustments of a scope: one of the gateway's row changes two moneys."""
    prefix = "g" if scope.kind is ScopeKind.GATEWAY else "e"
    return tuple(f"{prefix}:{one}" for one in adjustment_ids)


def _scopes_of(kind: str, identifier: str) -> tuple[Scope, ...]:
    own = Scope(ScopeKind(kind), identifier)
    gateway = Scope(ScopeKind.GATEWAY, "gateway")
    is_gateway = entity_name(gateway) == (kind, identifier) and identifier == GATEWAY_USER_ID
    return (own, gateway) if is_gateway else (own,)
