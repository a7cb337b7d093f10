"""Forgets what budgets counted in periods that are over, and which alerts went out long ago."""

from gateway.alerts.store import AlertStore
from gateway.clock import Clock
from gateway.db.engine import Database
from gateway.db.lease import Lease
from gateway.jobs.meter_store import MeterStore

__all__ = ["OLD_METERS_JOB", "OldMeters"]

OLD_METERS_JOB = "gatewright_old_meters"
_KEPT_MS = 7 * 86_400_000
"""A journal that is drained late still finds the meter that it adds to, and none is made anew for it."""
_ROWS = 5_000


class OldMeters:
    """Deletes meters a week after their periods ended, in small statements; doing it twice does no harm."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._store = MeterStore(database)
        self._alerts = AlertStore(database)
        self._clock = clock

    async def run(self, lease: Lease) -> None:
        """Delete what is old. Raises DatabaseUnavailable."""
        del lease
        before_ms = self._clock.now_nanos() // 1_000_000 - _KEPT_MS
        while await self._store.delete_ended(before_ms, _ROWS) == _ROWS:
            pass
        await self._alerts.sweep()
