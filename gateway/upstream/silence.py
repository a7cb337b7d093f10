"""A bound on the silence between two chunks of a stream that costs no timer per chunk."""

import asyncio
from types import TracebackType

from gateway.upstream import faults

__all__ = ["SilenceGuard"]


class SilenceGuard:
    """Wrap each wait with it; a wait of more than `seconds` ends in UpstreamTimeout.

    A wait that was cancelled ends in CancelledError even if the library swallowed the cancellation.

    `asyncio.timeout` sets and drops a timer per wait. Here one timer runs for the whole stream and, when it
    goes off early, is set again for the rest. `close` stops it.
    """

    __slots__ = ("_cancelling", "_has_expired", "_loop", "_seconds", "_since", "_task", "_timer")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[object] | None = None
        self._since = 0.0
        self._cancelling = 0
        self._has_expired = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        self._task = task
        self._cancelling = task.cancelling() if task else 0
        self._since = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_at(self._since + self._seconds, self._check)

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        task, self._task = self._task, None
        if task is None or task.cancelling() <= self._cancelling:
            return
        if self._has_expired:
            self._has_expired = False
            # A cancellation from outside that came together with ours must win.
            if task.uncancel() <= self._cancelling and exc_type in {None, asyncio.CancelledError}:
                raise faults.stream_fell_silent(self._seconds) from exc
        if exc_type is None:
            # pyreqwest 0.15 returns normally when its result is ready at the moment of the cancellation.
            raise asyncio.CancelledError

    def close(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check(self) -> None:
        self._timer = None
        if self._task is None:
            return
        deadline = self._since + self._seconds
        if self._loop.time() < deadline:
            self._timer = self._loop.call_at(deadline, self._check)
            return
        self._has_expired = True
        self._task.cancel()
