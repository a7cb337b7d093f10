"""Keeps the threads of a busy process from interrupting each other for every request."""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import structlog

__all__ = ["Preemption"]

_SECONDS = 0.2
_BUSY, _IDLE = 0.85, 0.6
"""Parts of a core's time above and below which the policy changes."""
_THREADS = Path("/proc/self/task")


class Preemption:
    """Schedules the threads of this process as batch work (sched(7)) while it has a core and uses it up.

    Under Linux's ordinary policy a thread that wakes interrupts the running one: each answer that the event
    loop hands to the server's thread, and each call that it hands to the HTTP client's, costs two switches at
    once. A thread of the batch policy waits until the running one does, and then finds several of them. Below
    that load waking at once is what makes a request fast, and where other programs take a part of the core a
    waiting thread would wait for them: there the ordinary policy stays.

    `cpu_seconds` is the time that all threads have used; `set_policy` applies a policy to them.
    """

    def __init__(
        self,
        cpu_seconds: Callable[[], float] = time.process_time,
        now_seconds: Callable[[], float] = time.monotonic,
        set_policy: Callable[[int], None] | None = None,
    ) -> None:
        self._cpu_seconds = cpu_seconds
        self._now_seconds = now_seconds
        self._set_policy = set_policy or _set_policy
        self._last = now_seconds(), cpu_seconds()
        self._is_batch = False

    async def run(self) -> None:
        """Look five times a second until cancelled; return where the system does not have or allow it."""
        while _is_possible(is_batch=self._is_batch):
            await asyncio.sleep(_SECONDS)
            try:
                self.look()
            except OSError as error:
                # Some containers forbid it; requests are answered all the same.
                structlog.get_logger(__name__).info("scheduling_stays_as_it_is", reason=str(error))
                return

    def look(self) -> None:
        """Change the policy if the load since the last look asks for it; raises OSError where that fails."""
        (before, used_before), now, used = self._last, self._now_seconds(), self._cpu_seconds()
        self._last = now, used
        busy = _IDLE if self._is_batch else _BUSY
        is_batch = used - used_before > busy * (now - before)
        if is_batch != self._is_batch:
            self._set_policy(os.SCHED_BATCH if is_batch else os.SCHED_OTHER)
            self._is_batch = is_batch


def _is_possible(*, is_batch: bool) -> bool:
    """Whether this is Linux, and nobody else has chosen a policy for the process."""
    if sys.platform != "linux":
        return False
    return os.sched_getscheduler(0) == (os.SCHED_BATCH if is_batch else os.SCHED_OTHER)


def _set_policy(policy: int) -> None:
    for thread in _THREADS.iterdir():
        try:
            os.sched_setscheduler(int(thread.name), policy, os.sched_param(0))
        except ProcessLookupError:
            # It has ended meanwhile.
            continue
