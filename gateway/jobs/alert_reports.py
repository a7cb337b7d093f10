"""Reports that go out as alerts: failing and slow deployments twice a day, spend every week and month."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta

import structlog

from gateway.alerts.events import Alert, build_notice
from gateway.alerts.kinds import AlertType
from gateway.clock import Clock, datetime_from_nanos
from gateway.db.engine import Database
from gateway.db.lease import Lease
from gateway.errors import DatabaseUnavailable
from gateway.jobs.alert_report_store import AlertReportStore, DeploymentDay, Spent

__all__ = ["DAILY_REPORT_JOB", "SPEND_REPORT_JOB", "DailyReport", "SpendReport"]

DAILY_REPORT_JOB, SPEND_REPORT_JOB = "daily_report", "spend_report"
_QUIET_SECONDS = 6 * 3600.0
_HALF_A_DAY = timedelta(hours=12)
_MOST_LISTED = 5
_A_MONDAY = date(1970, 1, 5)

_Tell = Callable[[Alert], None]


class DailyReport:
    """Which deployments failed, and which were slow, within the last twelve hours."""

    def __init__(self, database: Database, clock: Clock, tell: _Tell) -> None:
        self._store = AlertReportStore(database)
        self._clock = clock
        self._tell = tell

    async def run(self, lease: Lease) -> None:
        """Tell it, if there was any request; one that the database does not give in time is left out."""
        del lease
        end = datetime_from_nanos(self._clock.now_nanos()).replace(minute=0, second=0, microsecond=0)
        start = end - _HALF_A_DAY
        try:
            found = await self._store.list_deployments(start, end)
        except DatabaseUnavailable as error:
            _note(AlertType.DAILY_REPORTS, error)
            return
        if found:
            text = "\n".join(_daily_lines(found, start, end))
            kind = AlertType.DAILY_REPORTS
            self._tell(build_notice(kind, f"{end:%Y-%m-%dT%H}", text, quiet_seconds=_QUIET_SECONDS))


class SpendReport:
    """What teams and tags have spent: every so many days, counted from a Monday, and in every month."""

    def __init__(self, database: Database, clock: Clock, tell: _Tell, every_days: int) -> None:
        self._store = AlertReportStore(database)
        self._clock = clock
        self._tell = tell
        self._every_days = every_days

    async def run(self, lease: Lease) -> None:
        """Tell what ended with yesterday; a report that the database does not give in time is left out."""
        del lease
        today = datetime_from_nanos(self._clock.now_nanos()).astimezone(UTC).date()
        if (today - _A_MONDAY).days % self._every_days == 0:
            await self._report(today - timedelta(days=self._every_days), today)
        if today.day == 1:
            await self._report((today - timedelta(days=1)).replace(day=1), today)

    async def _report(self, start: date, end: date) -> None:
        try:
            total, teams, tags = await self._store.list_spend(start, end, _MOST_LISTED)
        except DatabaseUnavailable as error:
            _note(AlertType.SPEND_REPORTS, error)
            return
        if total.nanos:
            last = end - timedelta(days=1)
            text = "\n".join(_spend_lines(total, teams, tags, f"{start} to {last}"))
            kind, entity = AlertType.SPEND_REPORTS, f"{start}:{end}"
            self._tell(build_notice(kind, entity, text, quiet_seconds=_QUIET_SECONDS))


def _daily_lines(found: list[DeploymentDay], start: datetime, end: datetime) -> Iterator[str]:
    requests, failures = sum(one.requests for one in found), sum(one.failures for one in found)
    yield f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC: {requests} requests, {failures} failed."
    failing = sorted((one for one in found if one.failures), key=lambda one: -one.failures)
    for one in failing[:_MOST_LISTED]:
        yield f"Failed: {one.failures} of {one.requests}, model={one.model_group}, deployment={one.model_id}"
    slow = [one for one in found if one.ms_per_token is not None]
    for one in sorted(slow, key=lambda one: -(one.ms_per_token or 0))[:_MOST_LISTED]:
        speed = f"{one.ms_per_token:.1f} ms per token"
        yield f"Slow: {speed}, model={one.model_group}, deployment={one.model_id}"


def _spend_lines(total: Spent, teams: Iterable[Spent], tags: Iterable[Spent], period: str) -> Iterator[str]:
    yield f"Spend from {period} (UTC): {_usd(total)} with {total.requests} requests."
    for word, many in (("Team", teams), ("Tag", tags)):
        for one in many:
            yield f"{word} {one.name}: {_usd(one)} with {one.requests} requests"


def _usd(spent: Spent) -> str:
    return f"${spent.nanos / 1e9:,.2f}"


def _note(kind: AlertType, error: DatabaseUnavailable) -> None:
    structlog.get_logger(__name__).warning("report_left_out", alert=kind.value, reason=error.message)
