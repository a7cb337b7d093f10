"""Keeps granted tokens until shortly before they end; everybody who waits for one shares one request."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterable
from typing import Generic, TypeVar

import msgspec

from gateway.clock import Clock
from gateway.errors import GatewayError
from gateway_mcp.oauth.grants import Granted

__all__ = ["Keeping"]

_NANOS = 1_000_000_000
_EARLY_SECONDS, _DEFAULT_SECONDS, _FRESH_SECONDS = 60, 3600, 10
_Key = TypeVar("_Key", bound=Hashable)


class _Kept(msgspec.Struct, frozen=True):
    token: str
    since: int
    ends_at: int
    refusal: GatewayError | None = None

    __repr__ = object.__repr__


class Keeping(Generic[_Key]):
    """Tokens by what they are for; of more than `capacity` those go that were granted first.

    A refusal of the class `pause_on` is remembered too, for some seconds, so that a caller who comes again
    and again with what is refused asks nobody.
    """

    def __init__(self, clock: Clock, capacity: int, pause_on: tuple[type[GatewayError], ...] = ()) -> None:
        self._clock = clock
        self._capacity = capacity
        self._pause_on = pause_on
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._asking: dict[_Key, asyncio.Task[str]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    async def find(
        self, key: _Key, ask: Callable[[], Awaitable[Granted]], most_seconds: float = _DEFAULT_SECONDS * 24
    ) -> str:
        """The token for a key; where there is none, what `ask` brings. Raises what `ask` raises.

        However long it holds, it is kept for `most_seconds` at most.
        """
        kept = self._kept.get(key)
        if kept is not None and self._clock.monotonic_nanos() < kept.ends_at:
            if kept.refusal is not None:
                raise type(kept.refusal)(kept.refusal.message, param=kept.refusal.param)
            return kept.token
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.create_task(self._ask(key, ask, most_seconds))
        # Nobody's leaving stops it for the others.
        return await asyncio.shield(task)

    def find_key(self, token: str) -> _Key | None:
        """What a token that was given out is for, as long as it is kept."""
        return next((key for key, kept in self._kept.items() if kept.token == token), None)

    def take_back(self, key: _Key, token: str) -> bool:
        """Keep a token no more that a server refuses; False for one that is so new that no other helps."""
        kept = self._kept.get(key)
        if kept is None or kept.token != token:
            return True
        if self._clock.monotonic_nanos() - kept.since < _FRESH_SECONDS * _NANOS:
            return False
        self.forget((key,))
        return True

    def forget(self, keys: Iterable[_Key]) -> None:
        """Keep nothing for these."""
        for key in keys:
            self._kept.pop(key, None)

    def list_keys(self) -> list[_Key]:
        """For what there are tokens."""
        return list(self._kept)

    async def _ask(self, key: _Key, ask: Callable[[], Awaitable[Granted]], most_seconds: float) -> str:
        try:
            granted = await ask()
        except self._pause_on as refusal:
            self._keep(key, "", _FRESH_SECONDS, refusal)
            raise
        finally:
            del self._asking[key]
        seconds = _DEFAULT_SECONDS if granted.expires_in is None else granted.expires_in
        # A token that ends within the margin is fetched anew after half its time.
        lasts = min(max(seconds - _EARLY_SECONDS, seconds / 2), most_seconds)
        self._keep(key, granted.access_token, lasts)
        return granted.access_token

    def _keep(self, key: _Key, token: str, seconds: float, refusal: GatewayError | None = None) -> None:
        self._kept.pop(key, None)
        while len(self._kept) >= self._capacity:
            self._kept.popitem(last=False)
        now = self._clock.monotonic_nanos()
        self._kept[key] = _Kept(token, now, now + int(seconds * _NANOS), refusal)
