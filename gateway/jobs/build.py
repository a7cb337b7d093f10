"""Which jobs a worker is ready to run, by its settings."""

from gateway.clock import Clock
from gateway.db.engine import Database
from gateway.db.lease import Lease
from gateway.identity.reset_calendar import build_reset_calendar
from gateway.jobs.cron import CronSchedule
from gateway.jobs.old_meters import OLD_METERS_JOB, OldMeters
from gateway.jobs.resets import RESET_JOB, BudgetResets, ResetPolicy
from gateway.jobs.retention import RETENTION_JOB, Retention, RetentionPolicy
from gateway.jobs.rotations import ROTATION_JOB, KeyRotations
from gateway.jobs.runner import Job, JobRunner
from gateway.settings import Settings
from gateway.settings.model import GeneralSettings

__all__ = ["build_jobs"]

_AN_HOUR = 3600.0


def build_jobs(
    settings: Settings, database: Database, clock: Clock, holder: str, rotations: KeyRotations
) -> tuple[JobRunner, ...]:
    """The runners of the jobs that are not switched off; `holder` names this worker in leases."""
    general = settings.general
    runners: list[JobRunner] = []
    if not general.disable_reset_budget:
        resets = ResetPolicy(
            calendar=build_reset_calendar(settings),
            rolls_over=general.budget_rollover,
            end_user_budget_id=settings.access.end_user_budget_id,
        )
        minimum = general.budget_rescheduler_min_seconds
        job = Job(
            work=BudgetResets(database, clock, resets).run,
            min_seconds=minimum,
            max_seconds=max(minimum, general.budget_rescheduler_max_seconds),
        )
        runners.append(JobRunner(Lease(database, RESET_JOB, holder), job, clock))
    policy = _retention_policy(general)
    if policy.deletes_anything:
        kept = _retention_job(settings, Retention(database, clock, policy), clock)
        runners.append(JobRunner(Lease(database, RETENTION_JOB, holder), kept, clock))
    old = Job(work=OldMeters(database, clock).run, min_seconds=_AN_HOUR, max_seconds=2 * _AN_HOUR)
    runners.append(JobRunner(Lease(database, OLD_METERS_JOB, holder), old, clock))
    interval = max(60.0, settings.rotation.check_seconds)
    rotation = Job(work=rotations.run, min_seconds=interval, max_seconds=interval)
    runners.append(JobRunner(Lease(database, ROTATION_JOB, holder), rotation, clock))
    return tuple(runners)


def _retention_job(settings: Settings, retention: Retention, clock: Clock) -> Job:
    """At the times of the cron expression, where there is one, else at intervals."""
    general = settings.general
    if general.cleanup_cron is not None:
        schedule = CronSchedule(general.cleanup_cron, clock, build_reset_calendar(settings))
        return Job(work=retention.run, seconds_left=schedule.seconds_left)
    interval = max(1.0, general.retention_interval_seconds)
    return Job(work=retention.run, min_seconds=interval, max_seconds=interval)


def _retention_policy(general: GeneralSettings) -> RetentionPolicy:
    return RetentionPolicy(
        logs_seconds=general.logs_retention_seconds,
        checks_seconds=general.checks_retention_seconds,
        tag_days_seconds=general.tag_days_retention_seconds,
        batch_rows=general.cleanup_batch_rows,
        max_batches=general.cleanup_max_batches,
        run_seconds=general.cleanup_run_seconds,
        batch_seconds=general.cleanup_batch_seconds,
    )
