"""A bounded cache whose entries expire, whose loads are shared, and whose drops win over loads under way."""

import asyncio
import contextvars
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterable
from typing import Generic, TypeVar

import msgspec

from gateway.cache.lane import Lane
from gateway.clock import Clock
from gateway.errors import ServiceUnavailable

__all__ = ["ExpiringCache", "Limits"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_NANOS = 1_000_000_000
_LATER = {"retry-after": "5"}


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a cache may hold; times are seconds, capacities entries.

    `refresh_seconds` is how long a caller waits for the reload of an expired entry before it gets the old
    value; `stale_seconds` how long the old value is served, without asking, after a reload failed or is slow.
    `loads` cold loads run at once and `waiting_loads` wait. Refreshing a known key is not a cold load.
    `load_seconds` is how long a caller waits for a cold load: longer than a source takes that says that it is
    away, and shorter than one that says nothing.
    """

    ttl_seconds: float = 60.0
    negative_ttl_seconds: float = 5.0
    refresh_seconds: float = 0.5
    stale_seconds: float = 5.0
    capacity: int = 100_000
    negative_capacity: int = 10_000
    loads: int = 8
    waiting_loads: int = 1_000
    load_seconds: float = 15.0


class _Entry(Generic[V]):
    __slots__ = ("expires_at", "value")

    def __init__(self, value: V, expires_at: int) -> None:
        self.value = value
        self.expires_at = expires_at


class ExpiringCache(Generic[K, V]):
    """Values by key, least recently used first to go, and absences in a smaller store of their own.

    `tags_of` names the objects that a value was made from, so that all values made from one of them can be
    dropped together. Errors of the types `stale_on` leave an expired entry in use: who is known stays known
    while the source is away.
    """

    def __init__(
        self,
        clock: Clock,
        limits: Limits,
        *,
        tags_of: Callable[[V], Iterable[Hashable]] | None = None,
        stale_on: tuple[type[Exception], ...] = (),
    ) -> None:
        self._clock = clock
        self._limits = limits
        self._tags_of = tags_of
        self._stale_on = stale_on
        self._entries: OrderedDict[K, _Entry[V]] = OrderedDict()
        self._absent: OrderedDict[K, int] = OrderedDict()
        self._keys_by_tag: dict[Hashable, set[K]] = {}
        self._loads: dict[K, asyncio.Task[V | None]] = {}
        self._tasks: set[asyncio.Task[V | None]] = set()
        self._lane = Lane(limits.loads, limits.waiting_loads)
        self._ttl = int(limits.ttl_seconds * _NANOS)

    def __len__(self) -> int:
        return len(self._entries)

    def peek(self, key: K) -> V | None:
        """Return the value if it is here and fresh; never waits."""
        entry = self._entries.get(key)
        now = self._clock.monotonic_nanos
        if entry is None or entry.expires_at <= now():
            return None
        self._entries.move_to_end(key)
        return entry.value

    def list_fresh(self) -> list[V]:
        """Return every value that is here and fresh."""
        now = self._clock.monotonic_nanos()
        return [entry.value for entry in self._entries.values() if entry.expires_at > now]

    async def get_or_load(self, key: K, load: Callable[[K], Awaitable[V | None]]) -> V | None:
        """Return the value, loading it at most once for all who ask meanwhile; None when there is none.

        Raises what `load` raises, and ServiceUnavailable when too many cold loads are waiting, or one takes
        too long.
        """
        value = self.peek(key)
        if value is not None or self._is_known_absent(key):
            return value
        task = self._loads.get(key) or self._start(key, load)
        entry = self._entries.get(key)
        if entry is not None:
            await asyncio.wait((task,), timeout=self._limits.refresh_seconds)
            if not task.done() and self._entries.get(key) is entry:
                return self._extend(entry)
        try:
            # A caller that gives up must not take the load away from those who still wait.
            await asyncio.wait((task,), timeout=self._limits.load_seconds)
            if not task.done():
                raise ServiceUnavailable("A look-up takes too long. Try again later.", headers=_LATER)
            return task.result()
        except self._stale_on:
            entry = self._entries.get(key)
            if entry is None:
                raise
            return self._extend(entry)

    def drop(self, key: K) -> None:
        """Forget a key; a load of it that has begun will not be stored."""
        self._loads.pop(key, None)
        self._absent.pop(key, None)
        self._remove(key)

    def drop_tag(self, tag: Hashable) -> None:
        """Forget every value made from an object; loads under way are not stored, for they may be."""
        self._loads.clear()
        for key in tuple(self._keys_by_tag.get(tag, ())):
            self._remove(key)

    def clear(self) -> None:
        """Forget everything, loads under way included."""
        self._loads.clear()
        self._entries.clear()
        self._absent.clear()
        self._keys_by_tag.clear()

    async def close(self) -> None:
        """Stop the loads that are under way."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _extend(self, entry: _Entry[V]) -> V:
        """Serve an expired entry for a little longer: its source is away, or slow."""
        entry.expires_at = self._clock.monotonic_nanos() + int(self._limits.stale_seconds * _NANOS)
        return entry.value

    def _start(self, key: K, load: Callable[[K], Awaitable[V | None]]) -> asyncio.Task[V | None]:
        # An empty context: the load must not join a transaction that its first caller has open.
        task = asyncio.get_running_loop().create_task(self._run(key, load), context=contextvars.Context())
        self._loads[key] = task
        self._tasks.add(task)
        task.add_done_callback(self._finish)
        return task

    def _finish(self, task: asyncio.Task[V | None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            # Looked at, so that asyncio does not report the error of a load whose callers have all left.
            task.exception()

    async def _run(self, key: K, load: Callable[[K], Awaitable[V | None]]) -> V | None:
        this = asyncio.current_task()
        try:
            value = await self._load(key, load)
            # A drop took this load out of the table, and may have let another one in.
            if self._loads.get(key) is this:
                self._store(key, value)
            return value
        finally:
            if self._loads.get(key) is this:
                del self._loads[key]

    async def _load(self, key: K, load: Callable[[K], Awaitable[V | None]]) -> V | None:
        if key in self._entries:
            return await load(key)
        async with self._lane:
            return await load(key)

    def _is_known_absent(self, key: K) -> bool:
        expires_at = self._absent.get(key)
        return expires_at is not None and expires_at > self._clock.monotonic_nanos()

    def _store(self, key: K, value: V | None) -> None:
        self._remove(key)
        now = self._clock.monotonic_nanos()
        if value is None:
            self._absent[key] = now + int(self._limits.negative_ttl_seconds * _NANOS)
            self._absent.move_to_end(key)
            if len(self._absent) > self._limits.negative_capacity:
                self._absent.popitem(last=False)
            return
        self._absent.pop(key, None)
        self._entries[key] = _Entry(value, now + self._ttl)
        for tag in self._tags(value):
            self._keys_by_tag.setdefault(tag, set()).add(key)
        if len(self._entries) > self._limits.capacity:
            self._remove(next(iter(self._entries)))

    def _remove(self, key: K) -> None:
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        for tag in self._tags(entry.value):
            keys = self._keys_by_tag.get(tag)
            if keys is not None:
                keys.discard(key)
                if not keys:
                    del self._keys_by_tag[tag]

    def _tags(self, value: V) -> Iterable[Hashable]:
        return () if self._tags_of is None else self._tags_of(value)
