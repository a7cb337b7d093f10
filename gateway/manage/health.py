"""Whether deployments and services answer, now and before: `/health` and the routes below it."""

from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from typing import Annotated, Any, Literal

import msgspec
import structlog
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, QueryParameter

from gateway.access.model_access import is_model_allowed
from gateway.access.rules import RouteRule
from gateway.alerts.trial import send_test
from gateway.domain import Deployment, Principal
from gateway.errors import BadRequest, DatabaseUnavailable, NotFound, PermissionDenied
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.parameters import need
from gateway.manage.trials import trial_of
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.pipeline.health.history import find_recent_probes, latest_checks, list_checks, record_probes
from gateway.pipeline.health.probe import Probe, probe_deployments
from gateway.runtime import Gateway
from gateway.settings.references import list_references

__all__ = ["ROUTE_HANDLERS"]

_log = structlog.get_logger(__name__)
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Content = dict[str, object]
_Limit = Annotated[int, QueryParameter(ge=1, le=1_000)]
_Offset = Annotated[int, QueryParameter(ge=0, le=10_000)]
_CHANNELS = {"slack": "slack", "slack_budget_alerts": "slack", "webhook": "webhook", "email": "email"}
_ROUNDS = 2
"""A result of the background is good for so many intervals."""
_SECONDS_FOR_OTHERS = 60.0
"""For so long any result is good for who is no administrator."""
_CONTRACT = "1.106.2"
"""The release of LiteLLM whose contract is kept."""

_RUN = allow(Resource.GATEWAY, Action.RUN)


def _rule(path: str) -> dict[str, RouteRule]:
    return {"rule": RouteRule(name=path, permit=allow(Resource.GATEWAY, Action.READ))}


class ConnectionRequest(msgspec.Struct):
    """A deployment that is not there yet, as `litellm_params` and `model_info` would describe it."""

    litellm_params: dict[str, object]
    mode: str | None = None
    model_info: dict[str, object] = {}


_CONNECTION = BodyReader(ConnectionRequest)


@get(
    "/health",
    opt={
        "rule": RouteRule(
            name="/health", permit=allow(Resource.GATEWAY, Action.READ, Party.CALLER), allows_any_key=True
        )
    },
)
async def check_deployments(
    caller: _Caller,
    gateway: _Gateway,
    model: FromQuery[str | None] = None,
    model_id: FromQuery[str | None] = None,
) -> _Content:
    """Ask every deployment that the caller may use, or those of one model, for a sign of life.

    A proxy_admin has them asked now; for others a result of the last minute is good.
    Raises NotFound when neither name nor id leads to such a deployment.
    """
    usable = _usable(gateway, caller)
    chosen = [
        deployment
        for deployment in usable
        if model in (None, deployment.group) and model_id in (None, deployment.id)
    ]
    if not chosen and (model or model_id):
        named, param = (model, "model") if model else (model_id, "model_id")
        raise NotFound(f"No deployment has {param} '{str(named)[:200]}'.", param=param)
    probes = await _probe(gateway, chosen, caller)
    healthy = [_shown(probe) for probe in probes if probe.error is None]
    unhealthy = [_shown(probe) for probe in probes if probe.error is not None]
    return {
        "healthy_endpoints": healthy,
        "unhealthy_endpoints": unhealthy,
        "healthy_count": len(healthy),
        "unhealthy_count": len(unhealthy),
    }


@get("/health/history", opt=_rule("/health/history"))
async def show_history(
    gateway: _Gateway,
    model: FromQuery[str | None] = None,
    status_filter: FromQuery[Literal["healthy", "unhealthy"] | None] = None,
    limit: _Limit = 100,
    offset: _Offset = 0,
) -> _Content:
    """Results of checks, the newest first."""
    return await list_checks(gateway, model or None, status_filter, limit, offset)


@get("/health/latest", opt=_rule("/health/latest"))
async def show_latest(gateway: _Gateway) -> _Content:
    """The latest result of each deployment."""
    return await latest_checks(gateway, gateway.snapshot.catalog.deployments())


@get("/health/backlog", opt=_rule("/health/backlog"))
async def show_backlog(gateway: _Gateway) -> _Content:
    """How many requests are under way on this worker."""
    return {"in_flight_requests": gateway.parts.journal.open_count}


@get("/health/shared-status", opt=_rule("/health/shared-status"))
async def show_shared_status(gateway: _Gateway) -> _Content:
    """Whether one worker checks for all: always, where it is switched on."""
    is_on = gateway.snapshot.settings.general.background_health_checks
    said = "One worker checks for all." if is_on else "background_health_checks is off."
    return {"shared_health_check_enabled": is_on, "message": said}


@get("/health/license", opt=_rule("/health/license"))
async def show_license() -> _Content:
    """Nothing is behind a licence."""
    return {
        "has_license": True,
        "license_type": "open",
        "expiration_date": None,
        "allowed_features": ["*"],
        "limits": {"max_users": None, "max_teams": None},
    }


@get("/health/readiness/details", opt=_rule("/health/readiness/details"))
async def show_readiness(gateway: _Gateway) -> _Content:
    """What `/health/readiness` says, with what only operators need to know."""
    state, settings = await gateway.readiness(), gateway.snapshot.settings
    return {
        "status": "healthy" if state.is_ready else "unhealthy",
        "db": "connected" if state.is_database_reachable else "disconnected",
        "cache": None,
        "litellm_version": _CONTRACT,
        "gatewright_version": version("gatewright"),
        "success_callbacks": [],
        "use_aiohttp_transport": False,
        "log_level": "INFO",
        "is_detailed_debug": False,
        "journal": "writable" if state.is_journal_writable else "failing",
        "undrained_bytes": state.undrained_bytes,
        "in_flight_requests": gateway.parts.journal.open_count,
        "background_health_checks": settings.general.background_health_checks,
        "jobs": [{"job": job.name, "runs": job.runs, "last_error": job.last_error} for job in gateway.jobs],
    }


@get("/health/services", opt={"rule": RouteRule(name="/health/services", permit=_RUN, allows_any_key=True)})
async def check_service(
    caller: _Caller, gateway: _Gateway, service: FromQuery[str | None] = None
) -> _Content:
    """Send a test through a channel of alerts; for a proxy_admin, as it reaches people."""
    named = need("service", service)
    if not caller.is_admin:
        raise PermissionDenied("Only a proxy_admin may send tests to services.", param="service")
    kind = _CHANNELS.get(named)
    if kind is None:
        raise _refuse(f"'{named[:50]}' is no service that can be tested: {', '.join(_CHANNELS)}.", 400)
    channels = gateway.parts.alerts.channels_named(kind)
    if not channels:
        raise _refuse(f"'{kind}' is not set up: see general_settings.alerting.", 422)
    if kind == "email" and not caller.user_email:
        raise _refuse("The caller has no address to send a mail to.", 422)
    await send_test(channels, (caller.user_email,) if caller.user_email else ())
    return {"status": "success", "message": f"A test was sent: {kind}."}


@post(
    "/health/test_connection",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/health/test_connection", permit=_RUN, allows_any_key=True, body=ConnectionRequest
        )
    },
)
async def try_connection(request: Request[Any, Any, Any], caller: _Caller, gateway: _Gateway) -> Answer:
    """Ask a deployment that is not there yet for a sign of life; for a proxy_admin, who chooses addresses."""
    if not caller.is_admin:
        raise PermissionDenied("Only a proxy_admin may try a connection.")
    body = await _CONNECTION.read_from(request)
    info = {**body.value.model_info, **({"mode": body.value.mode} if body.value.mode else {})}
    name = str(body.value.litellm_params.get("model") or "test")
    await gateway.parts.added.learn(list_references(body.value.litellm_params))
    deployment = trial_of(gateway).build(name, body.value.litellm_params, info, is_tenants=False)
    [probe] = await probe_deployments(gateway, [deployment])
    if probe.error is not None:
        return answer({"status": "error", "result": {"error": probe.error}}, body)
    result = {"model": deployment.model, "response_time_ms": round(probe.seconds * 1000, 3)}
    return answer({"status": "success", "result": result}, body)


async def _probe(gateway: Gateway, chosen: Sequence[Deployment], caller: Principal) -> Sequence[Probe]:
    """What is known of each deployment, where that is good enough for the caller; else it is asked now."""
    seconds = _seconds_known(gateway, caller)
    checked_by = caller.user_id or caller.token_hash
    if not seconds:
        return await _ask(gateway, chosen, checked_by)
    # One at a time, so that many who ask at once have each deployment asked once.
    async with gateway.checking:
        known: Sequence[Probe] = []
        # Without the database nothing is known, and the deployments may answer all the same.
        with suppress(DatabaseUnavailable):
            known = await find_recent_probes(gateway, chosen, seconds)
        found = {probe.deployment.id: probe for probe in known}
        unknown = [deployment for deployment in chosen if deployment.id not in found]
        found |= {probe.deployment.id: probe for probe in await _ask(gateway, unknown, checked_by)}
    return [found[deployment.id] for deployment in chosen]


def _seconds_known(gateway: Gateway, caller: Principal) -> float:
    """For how long a result is good: calls are charged to nobody, so not everybody may cause many."""
    general = gateway.snapshot.settings.general
    if general.background_health_checks:
        return _ROUNDS * general.health_check_interval_seconds
    return 0.0 if caller.is_admin else _SECONDS_FOR_OTHERS


async def _ask(gateway: Gateway, chosen: Sequence[Deployment], checked_by: str) -> Sequence[Probe]:
    """Ask deployments, and write down what they answer."""
    general = gateway.snapshot.settings.general
    probes = await probe_deployments(gateway, chosen, general.health_check_concurrency)
    await _keep(gateway, probes, checked_by)
    return probes


async def _keep(gateway: Gateway, probes: Sequence[Probe], checked_by: str) -> None:
    """Write the results down; who asks gets them all the same while the database is away."""
    try:
        async with gateway.parts.database.transaction() as connection:
            await record_probes(gateway, connection, probes, checked_by)
    except DatabaseUnavailable as error:
        _log.warning("health_checks_not_kept", reason=error.message)


def _usable(gateway: Gateway, caller: Principal) -> list[Deployment]:
    """The deployments behind the names that the caller may use; all for those who see everything."""
    snapshot, deployments = gateway.snapshot, gateway.snapshot.catalog.deployments()
    teams = snapshot.catalog.team_models.teams
    names = {deployment.group for deployment in deployments}
    allowed = {
        name
        for name in names
        if is_model_allowed(snapshot.model_lists, caller, name, name)
        and (caller.is_admin or name not in teams)
    }
    return [deployment for deployment in deployments if deployment.group in allowed]


def _shown(probe: Probe) -> _Content:
    found: _Content = {
        "model": probe.deployment.model,
        "model_name": probe.deployment.group,
        "model_id": probe.deployment.id,
        "custom_llm_provider": probe.deployment.provider,
    }
    return found if probe.error is None else {**found, "error": probe.error}


def _refuse(message: str, status: int) -> BadRequest:
    return BadRequest(message, param="service", type="bad_request", status=status)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    check_deployments,
    show_history,
    show_latest,
    show_backlog,
    show_shared_status,
    show_license,
    show_readiness,
    check_service,
    try_connection,
)
