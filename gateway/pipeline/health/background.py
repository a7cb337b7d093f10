"""Checks deployments by itself, on one worker at a time."""

import structlog

from gateway.db.lease import Lease
from gateway.domain import Deployment
from gateway.jobs.runner import Job, JobRunner
from gateway.pipeline.health.history import record_probes
from gateway.pipeline.health.probe import probe_deployments
from gateway.pipeline.health.wishes import read_check_wishes
from gateway.runtime import Gateway

__all__ = ["CHECKED_BY", "HEALTH_JOB", "BackgroundChecks", "build_health_job"]

HEALTH_JOB = "background_health_checks"
CHECKED_BY = "background_health_check"
"""Who is written down as having checked."""
_LEASE_SECONDS = 180.0
"""Results are written, and the lease renewed, after every round of checks, none of which lasts so long."""


class BackgroundChecks:
    """The job; which deployments there are and how they are checked is read anew for every run."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._log = structlog.get_logger(__name__)

    async def run(self, lease: Lease) -> float | None:
        """Check every deployment that takes part. Raises DatabaseUnavailable and LeaseLostError."""
        general = self._gateway.snapshot.settings.general
        chosen = self._chosen(general.health_check_groups)
        unhealthy = 0
        parallel = general.health_check_concurrency
        for start in range(0, len(chosen), parallel):
            probes = await probe_deployments(self._gateway, chosen[start : start + parallel], parallel)
            async with self._gateway.parts.database.transaction() as connection:
                await lease.fence(connection)
                await record_probes(self._gateway, connection, probes, CHECKED_BY)
            unhealthy += sum(1 for probe in probes if probe.error is not None)
        self._log.info("deployments_checked", checked=len(chosen), unhealthy=unhealthy)
        return None

    def _chosen(self, groups: tuple[str, ...] | None) -> list[Deployment]:
        return [
            deployment
            for deployment in self._gateway.snapshot.catalog.deployments()
            if (groups is None or deployment.group in groups)
            and not read_check_wishes(deployment).is_left_out
        ]


def build_health_job(gateway: Gateway) -> JobRunner | None:
    """The runner of the job, or None where `background_health_checks` is off."""
    general = gateway.snapshot.settings.general
    if not general.background_health_checks:
        return None
    seconds = max(1.0, general.health_check_interval_seconds)
    job = Job(work=BackgroundChecks(gateway).run, min_seconds=seconds, max_seconds=seconds)
    lease = Lease(gateway.parts.database, HEALTH_JOB, gateway.parts.journal.name, seconds=_LEASE_SECONDS)
    return JobRunner(lease, job, gateway.clock)
