"""Runs jobs at intervals, each on the one worker that holds its lease."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec
import structlog

from gateway.clock import Clock
from gateway.db.lease import Lease, LeaseLostError
from gateway.errors import DatabaseUnavailable

__all__ = ["Job", "JobRunner"]

_NANOS = 1_000_000_000


class _Work(Protocol):
    async def __call__(self, lease: Lease, /) -> float | None:
        """Do what is due; return in how many seconds more will be due, or None when that is unknown."""
        ...


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What to do, at the latest after a random time between two bounds in seconds.

    With `seconds_left` it is done when so many have passed instead, and not before.
    """

    work: _Work
    min_seconds: float = 0.0
    max_seconds: float = 0.0
    seconds_left: Callable[[], float] | None = None


class JobRunner:
    """Takes or renews the lease every `poll_seconds`, and works when it is held and something is due.

    Whoever gets the lease from somebody else works at once: the former holder may have died over it; a job
    that has its times waits for the next of them. A failure is logged, and the job tried again `poll_seconds`
    later. `last_error` tells of the last run.
    """

    def __init__(
        self,
        lease: Lease,
        job: Job,
        clock: Clock,
        *,
        poll_seconds: float = 15.0,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.last_error: str | None = None
        self.runs = 0
        self._lease = lease
        self._job = job
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._pause = pause
        self._due_nanos = 0
        self._log = structlog.get_logger(__name__)

    @property
    def name(self) -> str:
        """The name of the job's lease."""
        return self._lease.job

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            wait = self._poll_seconds
            try:
                await self.turn()
            except Exception as error:  # noqa: BLE001  a job for the whole life of the worker must not end
                self._note(error)
            if self._lease.is_held:
                wait = min(wait, max(0.0, (self._due_nanos - self._clock.monotonic_nanos()) / _NANOS))
            await self._pause(wait)

    async def turn(self) -> None:
        """Take or renew the lease, and do what is due. Raises DatabaseUnavailable and what the job raises."""
        former = self._lease.token
        if not await self._lease.acquire():
            return
        now = self._clock.monotonic_nanos()
        is_new = self._lease.token != former
        if is_new and self._job.seconds_left is not None:
            is_new, self._due_nanos = False, now + int(self._interval() * _NANOS)
        if not is_new and now < self._due_nanos:
            return
        # After a failure it is tried again at the next look.
        self._due_nanos = now + int(self._poll_seconds * _NANOS)
        next_seconds = await self._job.work(self._lease)
        self._due_nanos = now + int(self._interval() * _NANOS)
        self.runs += 1
        self.last_error = None
        if next_seconds is not None:
            earlier = self._clock.monotonic_nanos() + int(max(1.0, next_seconds) * _NANOS)
            self._due_nanos = min(self._due_nanos, earlier)

    async def stop(self) -> None:
        """Give the lease back, so that another worker goes on at once."""
        try:
            await self._lease.release()
        except DatabaseUnavailable as error:
            # It runs out by itself.
            self._log.info("lease_not_released", job=self._lease.job, reason=error.message)

    def _interval(self) -> float:
        if self._job.seconds_left is not None:
            return self._job.seconds_left()
        return random.uniform(self._job.min_seconds, self._job.max_seconds)  # noqa: S311  it spreads load

    def _note(self, error: Exception) -> None:
        self.last_error = f"{type(error).__name__}: {error}"
        is_expected = isinstance(error, (DatabaseUnavailable, LeaseLostError))
        self._log.warning(
            "job_failed",
            job=self._lease.job,
            error=self.last_error,
            exc_info=None if is_expected else error,
        )
