"""A bounded lane: so many at once, so many waiting, and a refusal for the rest."""

import asyncio
from types import TracebackType

from gateway.errors import ServiceUnavailable

__all__ = ["Lane"]


class Lane:
    """An async context in which at most `width` callers are at a time, and at most `queue` wait.

    Entering raises ServiceUnavailable when the queue is full: a flood of unknown keys is refused before it
    can fill memory or the connection pool.
    """

    def __init__(self, width: int, queue: int) -> None:
        self._semaphore = asyncio.Semaphore(width)
        self._limit = width + queue
        self._inside_and_waiting = 0

    async def __aenter__(self) -> None:
        if self._inside_and_waiting >= self._limit:
            raise ServiceUnavailable(
                "Too many look-ups are waiting. Try again shortly.", headers={"retry-after": "1"}
            )
        self._inside_and_waiting += 1
        try:
            await self._semaphore.acquire()
        except BaseException:
            self._inside_and_waiting -= 1
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._semaphore.release()
        self._inside_and_waiting -= 1
