"""Which jobs a worker is ready to run, by its settings."""

from gateway.clock import Clock
from gateway.db.engine import Database
from gateway.db.lease import Lease
from gateway.identity.reset_calendar import build_reset_calendar
from gateway.jobs.old_meters import OLD_METERS_JOB, OldMeters
from gateway.jobs.resets import RESET_JOB, BudgetResets, ResetPolicy
from gateway.jobs.runner import Job, JobRunner
from gateway.settings import Settings

__all__ = ["build_jobs"]

_AN_HOUR = 3600.0


def build_jobs(settings: Settings, database: Database, clock: Clock, holder: str) -> tuple[JobRunner, ...]:
    """The runners of the jobs that are not switched off; `holder` names this worker in leases."""
    general = settings.general
    runners: list[JobRunner] = []
    if not general.disable_reset_budget:
        policy = ResetPolicy(calendar=build_reset_calendar(settings), rolls_over=general.budget_rollover)
        minimum = general.budget_rescheduler_min_seconds
        job = Job(
            work=BudgetResets(database, clock, policy).run,
            min_seconds=minimum,
            max_seconds=max(minimum, general.budget_rescheduler_max_seconds),
        )
        runners.append(JobRunner(Lease(database, RESET_JOB, holder), job, clock))
    old = Job(work=OldMeters(database, clock).run, min_seconds=_AN_HOUR, max_seconds=2 * _AN_HOUR)
    runners.append(JobRunner(Lease(database, OLD_METERS_JOB, holder), old, clock))
    return tuple(runners)
