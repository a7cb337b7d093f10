"""Keeps what deployments answered, and tells it."""

from collections.abc import Sequence
from datetime import UTC

import msgspec

from gateway.clock import datetime_from_nanos
from gateway.db.connection import Connection, Record
from gateway.domain import Deployment
from gateway.money import usd_from_nanos
from gateway.pipeline.health.checks_store import CheckRow, ChecksStore
from gateway.pipeline.health.probe import Probe
from gateway.runtime import Gateway

__all__ = ["find_recent_probes", "latest_checks", "list_checks", "record_probes"]

_LONGEST_ERROR = 2_000
_NANOS = 1_000_000_000
_TIMES = ("checked_at", "created_at")
_encode = msgspec.json.Encoder().encode


async def record_probes(
    gateway: Gateway, connection: Connection, probes: Sequence[Probe], checked_by: str
) -> None:
    """Write a row per probe. Raises DatabaseUnavailable."""
    now = datetime_from_nanos(gateway.clock.now_nanos()).replace(tzinfo=None)
    has_details = gateway.snapshot.settings.general.health_check_details
    rows = [_row(probe, has_details=has_details) for probe in probes]
    if rows:
        await ChecksStore(gateway.parts.database).insert(connection, rows, checked_by, now)


async def list_checks(
    gateway: Gateway, model: str | None, status: str | None, limit: int, offset: int
) -> dict[str, object]:
    """Results, the newest first, with how many there are. Raises what `ReportReader` does."""
    store = ChecksStore(gateway.parts.database)
    async with gateway.parts.reports.reader.reading() as connection:
        rows = await store.list_history(connection, model, status, limit, offset)
        total = await store.count(connection, model, status)
    checks = [_shown(row) for row in rows]
    return {"health_checks": checks, "total_records": total, "limit": limit, "offset": offset}


async def latest_checks(gateway: Gateway, deployments: Sequence[Deployment]) -> dict[str, object]:
    """The latest result of each deployment that has one, by its id. Raises DatabaseUnavailable."""
    pairs = [(deployment.id, deployment.group) for deployment in deployments]
    rows = await ChecksStore(gateway.parts.database).list_latest(pairs)
    found = {row["model_id"]: _shown(row) for row in rows}
    return {"latest_health_checks": found, "total_models": len(found)}


async def find_recent_probes(
    gateway: Gateway, deployments: Sequence[Deployment], seconds: float
) -> list[Probe]:
    """What those deployments answered that were asked within the last seconds.

    Raises DatabaseUnavailable.
    """
    pairs = [(deployment.id, deployment.group) for deployment in deployments]
    rows = await ChecksStore(gateway.parts.database).list_latest(pairs)
    since = datetime_from_nanos(gateway.clock.now_nanos() - int(seconds * _NANOS)).replace(tzinfo=None)
    found = {row["model_id"]: row for row in rows if row["checked_at"] >= since}
    return [_probe(deployment, found[deployment.id]) for deployment in deployments if deployment.id in found]


def _probe(deployment: Deployment, row: Record) -> Probe:
    is_healthy = row["status"] == "healthy"
    error = None if is_healthy else row["error_message"] or "The deployment did not answer."
    return Probe(deployment=deployment, error=error, seconds=(row["response_time_ms"] or 0.0) / 1000)


def _row(probe: Probe, *, has_details: bool) -> CheckRow:
    details = {
        "custom_llm_provider": probe.deployment.provider,
        "model": probe.deployment.model,
        "prompt_tokens": probe.usage.prompt_tokens,
        "completion_tokens": probe.usage.completion_tokens,
        "cost": usd_from_nanos(probe.charge.total),
    }
    return CheckRow(
        model_name=probe.deployment.group,
        model_id=probe.deployment.id,
        is_healthy=probe.error is None,
        error_message=probe.error[:_LONGEST_ERROR] if probe.error else None,
        response_time_ms=round(probe.seconds * 1000, 3),
        details=_encode(details).decode() if has_details else None,
    )


def _shown(row: Record) -> dict[str, object]:
    times = {name: row[name].replace(tzinfo=UTC) for name in _TIMES}
    details = msgspec.Raw((row["details"] or "null").encode())
    return {**dict(row.items()), **times, "details": details}
