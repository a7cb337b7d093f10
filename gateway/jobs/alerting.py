"""Which jobs tell people something, by what they want to hear."""

from gateway.alerts.alerts import Alerts
from gateway.alerts.changes import CHANGE_TYPES
from gateway.alerts.kinds import AlertType
from gateway.clock import Clock
from gateway.db.engine import Database
from gateway.db.lease import Lease
from gateway.identity.reset_calendar import ResetCalendar
from gateway.jobs.alert_reports import DAILY_REPORT_JOB, SPEND_REPORT_JOB, DailyReport, SpendReport
from gateway.jobs.change_alerts import CHANGE_ALERT_JOB, ChangeAlerts
from gateway.jobs.cron import CronSchedule
from gateway.jobs.runner import Job, JobRunner
from gateway.settings import Settings

__all__ = ["build_alert_jobs"]

_LOOK_SECONDS = 15.0
_DAY_SECONDS = 86_400
_TWICE_A_DAY, _EVERY_DAY = "0 0,12 * * *", "10 0 * * *"
"""Spend is told a few minutes after midnight: the last requests of the day are booked by then."""


def build_alert_jobs(
    settings: Settings, database: Database, clock: Clock, holder: str, alerts: Alerts
) -> tuple[JobRunner, ...]:
    """The runners of the jobs whose alerts go anywhere; `holder` names this worker in leases."""
    tell, jobs = alerts.tell, dict[str, Job]()
    if alerts.tells(AlertType.DAILY_REPORTS):
        jobs[DAILY_REPORT_JOB] = _at(_TWICE_A_DAY, clock, DailyReport(database, clock, tell))
    if alerts.tells(AlertType.SPEND_REPORTS):
        days = max(1, round(settings.general.spend_report_seconds / _DAY_SECONDS))
        jobs[SPEND_REPORT_JOB] = _at(_EVERY_DAY, clock, SpendReport(database, clock, tell, days))
    if alerts.tells(*CHANGE_TYPES):
        changes = ChangeAlerts(database, clock, tell)
        jobs[CHANGE_ALERT_JOB] = Job(work=changes.run, min_seconds=_LOOK_SECONDS, max_seconds=_LOOK_SECONDS)
    return tuple(JobRunner(Lease(database, name, holder), job, clock) for name, job in jobs.items())


def _at(expression: str, clock: Clock, report: DailyReport | SpendReport) -> Job:
    # The tables that reports read have days of UTC.
    schedule = CronSchedule(expression, clock, ResetCalendar())
    return Job(work=report.run, seconds_left=schedule.seconds_left)
