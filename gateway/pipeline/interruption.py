"""Ends a request that nobody waits for, or that the stopping server no longer waits for."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum

__all__ = ["Interruption", "Reason"]

_SOON_SECONDS = 0.01
"""So long a client may be gone before anybody begins to look, where it is not looked at once."""


class Reason(StrEnum):
    """Why a request was interrupted."""

    CLIENT_LEFT = "client_left"
    STOPPING = "stopping"
    TOO_LONG = "too_long"


class Interruption:
    """Watches for the client's leaving, and cancels the request's task once that is wanted.

    Servers neither cancel a handler nor raise when a client leaves; `wait_until_gone` of its exchange tells
    it. While not armed an interruption is only noted. The task tells it from a real cancellation by `reason`.
    """

    def __init__(self, wait_until_gone: Callable[[], Awaitable[None]]) -> None:
        self._wait_until_gone = wait_until_gone
        self._task = asyncio.current_task()
        self._watcher: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_armed = False
        self.reason: Reason | None = None

    def watch(self) -> None:
        """Begin to watch; call it after the body was read, and `close` in any case."""
        self._timer = None
        self._watcher = asyncio.create_task(self._watch())

    def watch_soon(self) -> None:
        """Begin to watch if it takes a while: most requests are answered before anybody needs to look."""
        self._timer = asyncio.get_running_loop().call_later(_SOON_SECONDS, self.watch)

    async def watch_now(self) -> None:
        """Be watching before the answer begins: of what comes later the server tells those who had asked."""
        if self._timer is not None:
            self._timer.cancel()
            self.watch()
            # It asks the server once it runs.
            await asyncio.sleep(0)

    def arm(self) -> None:
        """From now on cancel the task; at once, if the interruption has already come."""
        self._is_armed = True
        if self.reason is not None:
            self._cancel()

    def disarm(self) -> None:
        """From now on only note the interruption."""
        self._is_armed = False

    def interrupt(self, reason: Reason) -> None:
        """Interrupt the request; the first reason stays."""
        if self.reason is None:
            self.reason = reason
            if self._is_armed:
                self._cancel()

    def stop(self) -> None:
        """Interrupt the request because the server stops."""
        self.interrupt(Reason.STOPPING)

    def absorb(self) -> bool:
        """Say whether the CancelledError that was just caught is ours, and then take it back."""
        if self.reason is None or self._task is None:
            return False
        self._is_armed = False
        self._task.uncancel()
        return True

    def close(self) -> None:
        """Stop watching."""
        self._is_armed = False
        # A cancelled task keeps its error, whose frames keep us: our own reference would make a circle of it,
        # in which the request's body waits for the garbage collector.
        if self._timer is not None:
            self._timer.cancel()
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.cancel()

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _watch(self) -> None:
        await self._wait_until_gone()
        self.interrupt(Reason.CLIENT_LEFT)
