"""Cancels what a task awaits when something beside it fails."""

import asyncio

__all__ = ["Stop"]


class Stop:
    """Cancels the task that has made it, once, when a task that it is told of has failed.

    As with `asyncio.timeout`, whoever catches the cancellation takes it back: one from elsewhere stays.
    """

    def __init__(self) -> None:
        self._task = asyncio.current_task()
        self._others = 0 if self._task is None else self._task.cancelling()
        self._is_open = True
        self._has_cancelled = False

    def note_end(self, ended: "asyncio.Task[None]") -> None:
        """Cancel, if that task has failed."""
        has_failed = not ended.cancelled() and ended.exception() is not None
        if has_failed and self._is_open and self._task is not None:
            self._is_open, self._has_cancelled = False, True
            self._task.cancel()

    def take_back(self) -> bool:
        """Say whether the task was cancelled here and nowhere else; from now on it is not."""
        self._is_open = False
        if not self._has_cancelled or self._task is None:
            return False
        self._has_cancelled = False
        return self._task.uncancel() <= self._others
