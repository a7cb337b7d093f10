"""Which jobs a worker is ready to run, by its settings."""

from gateway.clock import Clock
from gateway.db.engine import Database
from gateway.db.lease import Lease
from gateway.identity.reset_calendar import build_reset_calendar
from gateway.jobs.resets import RESET_JOB, BudgetResets, ResetPolicy
from gateway.jobs.runner import Job, JobRunner
from gateway.settings import Settings

__all__ = ["build_jobs"]


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
    return tuple(runners)
