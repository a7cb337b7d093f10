"""Look-ups that are asked for one by one and read together."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

__all__ = ["Batch"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Batch(Generic[K, V]):
    """Reads everything that was asked for in one turn of the event loop by one call of `load`.

    At most `width` calls run at once; what is asked for meanwhile waits and goes into the next, at most
    `most` keys each. `load` returns a value for every key; it may raise, and everybody who asked is told.
    """

    def __init__(
        self,
        load: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]],
        *,
        width: int = 4,
        most: int = 500,
    ) -> None:
        self._load = load
        self._width = width
        self._most = most
        self._waiting: list[tuple[K, asyncio.Future[V]]] = []
        self._running: set[asyncio.Task[None]] = set()

    async def get(self, key: K) -> V:
        """Return the value of a key; raises what `load` raises."""
        future: asyncio.Future[V] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, future))
        self._start()
        return await future

    def _start(self) -> None:
        if self._waiting and len(self._running) < self._width:
            task = asyncio.get_running_loop().create_task(self._run())
            self._running.add(task)
            task.add_done_callback(self._finish)

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._start()

    async def _run(self) -> None:
        # By now everybody has asked who was woken in the same turn.
        taken, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
        if not taken:
            return
        try:
            found = await self._load([key for key, _ in taken])
        except BaseException as error:
            for _, future in taken:
                if not future.done():
                    future.set_exception(error) if isinstance(error, Exception) else future.cancel()
            if not isinstance(error, Exception):
                raise
            return
        for key, future in taken:
            if not future.done():
                future.set_result(found[key])
