"""Deletes old rows in small transactions; what was spent stays in the books."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import msgspec
import structlog

from gateway.clock import Clock, datetime_from_nanos
from gateway.db.connection import Connection
from gateway.db.engine import Database
from gateway.db.lease import Lease
from gateway.jobs.retention_store import RetentionStore

__all__ = ["RETENTION_JOB", "Retention", "RetentionPolicy"]

RETENTION_JOB = "spend_log_cleanup"
"""The name of the lease, as LiteLLM calls it."""
_NANOS = 1_000_000_000
_GO_ON_SECONDS = 60.0

_Delete = Callable[[Connection, int], Awaitable[int]]


class RetentionPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How long rows are kept, in seconds (None for ever), and how much is deleted at a time.

    A run ends after `max_batches` transactions or `run_seconds`, whatever comes first, and goes on a minute
    later. `batch_seconds` is the longest that one statement may take.
    """

    logs_seconds: float | None = None
    checks_seconds: float | None = None
    tag_days_seconds: float | None = None
    batch_rows: int = 1_000
    max_batches: int = 500
    run_seconds: float = 300.0
    batch_seconds: float = 30.0

    @property
    def deletes_anything(self) -> bool:
        """Whether anything is not kept for ever."""
        return (self.logs_seconds, self.checks_seconds, self.tag_days_seconds) != (None, None, None)


class Retention:
    """The retention job; every transaction is fenced by the lease and complete in itself."""

    def __init__(self, database: Database, clock: Clock, policy: RetentionPolicy) -> None:
        self.deleted = 0
        self._database = database
        self._clock = clock
        self._policy = policy
        self._store = RetentionStore()
        self._log = structlog.get_logger(__name__)

    async def run(self, lease: Lease) -> float | None:
        """Delete what is old; return in how many seconds to go on when not everything could be deleted.

        Raises DatabaseUnavailable, also for a statement that took too long, and LeaseLostError.
        """
        before = self.deleted
        ends_at = self._clock.monotonic_nanos() + int(self._policy.run_seconds * _NANOS)
        left = self._policy.max_batches
        is_done = True
        for delete in self._deletions():
            while left > 0 and self._clock.monotonic_nanos() < ends_at:
                left -= 1
                if await self._delete(lease, delete) == 0:
                    break
            else:
                is_done = False
        if self.deleted > before:
            self._log.info("old_rows_deleted", rows=self.deleted - before, is_done=is_done)
        return None if is_done else _GO_ON_SECONDS

    async def _delete(self, lease: Lease, delete: _Delete) -> int:
        async with self._database.transaction() as connection:
            await lease.fence(connection)
            await self._store.limit_statements(connection, self._policy.batch_seconds)
            count = await delete(connection, self._policy.batch_rows)
        self.deleted += count
        return count

    def _deletions(self) -> list[_Delete]:
        policy, store = self._policy, self._store
        found: list[_Delete] = []
        if policy.logs_seconds is not None:
            logs = self._ago(policy.logs_seconds)
            found.append(lambda connection, limit: store.delete_logs(connection, logs, limit))
            found.append(lambda connection, limit: store.delete_beside_logs(connection, logs, limit))
        if policy.checks_seconds is not None:
            checks = self._ago(policy.checks_seconds)
            found.append(lambda connection, limit: store.delete_checks(connection, checks, limit))
        if policy.tag_days_seconds is not None:
            day = self._ago(policy.tag_days_seconds).date()
            found.append(lambda connection, limit: store.delete_tag_days(connection, day, limit))
        return found

    def _ago(self, seconds: float) -> datetime:
        """So long ago, as naive UTC."""
        now = datetime_from_nanos(self._clock.now_nanos()).replace(tzinfo=None)
        return now - timedelta(seconds=seconds)
