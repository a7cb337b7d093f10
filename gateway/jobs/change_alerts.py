"""Tells of changes that are in the audit trail."""

from collections.abc import Callable

from gateway.alerts.changes import build_change
from gateway.alerts.events import Alert
from gateway.clock import Clock
from gateway.db.engine import Database
from gateway.db.lease import Lease
from gateway.jobs.change_alert_store import ChangeAlertStore

__all__ = ["CHANGE_ALERT_JOB", "ChangeAlerts"]

CHANGE_ALERT_JOB = "change_alerts"
_NANOS_PER_MS = 1_000_000
_WINDOW_MS = 120_000
"""An entry is looked for so long: the transaction that wrote it may have taken its time."""


class ChangeAlerts:
    """Reads the entries of the last two minutes; what has been told is known by the entry's id."""

    def __init__(self, database: Database, clock: Clock, tell: Callable[[Alert], None]) -> None:
        self._store = ChangeAlertStore(database)
        self._clock = clock
        self._tell = tell

    async def run(self, lease: Lease) -> None:
        """Tell what is new. Raises DatabaseUnavailable."""
        del lease
        now = self._clock.now_nanos() // _NANOS_PER_MS
        for row in await self._store.list_between(now - _WINDOW_MS, now + 1):
            alert = build_change(row)
            if alert is not None:
                self._tell(alert)
