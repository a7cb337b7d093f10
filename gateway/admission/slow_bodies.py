"""A deadline for bodies that are sent slowly, which costs no timer per request."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from gateway.clock import Clock
from gateway.errors import BodyTooSlow

__all__ = ["SlowBodies"]

_Read = TypeVar("_Read")
_SECOND_NANOS = 1_000_000_000
_CHECKS = 20
"""How often within the deadline it is looked; a body may take longer by so small a part."""


class SlowBodies:
    """Reads bodies and ends what takes too long; one per gateway, whose requests are all served by one loop.

    `asyncio.timeout` costs 5 microseconds a request, which is more than most bodies take to arrive.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seconds = 0.0
        self._reading: dict[asyncio.Task[object], int] = {}
        self._ended: set[asyncio.Task[object]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def read(self, body: Awaitable[_Read], started_nanos: int, seconds: float) -> _Read:
        """Await a body, or a part of one, that has to be there `seconds` after its head.

        The head came at `started_nanos`, on the monotonic clock. Raises BodyTooSlow, and what reading raises.
        """
        # To find out which loop runs is a system call before Python 3.12.
        task = asyncio.current_task(self._loop or self._begin())
        if task is None:
            return await body
        self._seconds = seconds
        self._reading[task] = started_nanos
        if self._timer is None:
            self._set_timer()
        try:
            return await body
        except asyncio.CancelledError:
            # A cancellation from outside that came together with ours must win.
            if task in self._ended and task.uncancel() == 0:
                raise BodyTooSlow(
                    f"The request body did not arrive within {seconds:g} seconds, the limit of this gateway.",
                    param="body",
                ) from None
            raise
        finally:
            del self._reading[task]
            self._ended.discard(task)

    def _begin(self) -> asyncio.AbstractEventLoop:
        self._loop = asyncio.get_running_loop()
        return self._loop

    def check(self) -> None:
        """End the reading of bodies whose time is over."""
        latest = self._clock.monotonic_nanos() - int(self._seconds * _SECOND_NANOS)
        for task, started in self._reading.items():
            if started <= latest and task not in self._ended:
                self._ended.add(task)
                task.cancel()

    def _set_timer(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._seconds / _CHECKS, self._check_regularly)

    def _check_regularly(self) -> None:
        self._timer = None
        self.check()
        if self._reading:
            self._set_timer()
