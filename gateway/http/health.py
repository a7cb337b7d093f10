"""Whether the process lives, whether it can serve, and whether its deployments answer."""

from importlib.metadata import version
from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from gateway.access.rules import RouteRule
from gateway.errors import NotFound
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.pipeline.probe import Probe, probe_deployments
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_Gateway = NamedDependency[Gateway]
_UNAVAILABLE = 503
_PUBLIC = RouteRule(name="/health/*", permit=allow(Resource.GATEWAY, Action.READ, Party.ANYBODY))
_ANY_KEY = RouteRule(
    name="/health", permit=allow(Resource.GATEWAY, Action.READ, Party.CALLER), allows_any_key=True
)


@get(["/health/liveliness", "/health/liveness"], opt={"rule": _PUBLIC})
async def liveliness(gateway: _Gateway) -> Response[Any]:
    """Say that the process lives; 503 once it is stopping, so that a balancer looks elsewhere."""
    if gateway.is_stopping:
        return Response({"status": "shutting_down"}, status_code=_UNAVAILABLE)
    return Response("I'm alive!")


@get("/health/readiness", opt={"rule": _PUBLIC})
async def readiness(gateway: _Gateway) -> Response[dict[str, object]]:
    """Say whether requests can be served; 503 while stopping or when the database is away."""
    state = await gateway.readiness()
    body: dict[str, object] = {
        "status": "healthy" if state.is_ready else "unhealthy",
        "db": "connected" if state.is_database_reachable else "disconnected",
        "journal": "writable" if state.is_journal_writable else "failing",
        "undrained_bytes": state.undrained_bytes,
        "gatewright_version": version("gatewright"),
    }
    return Response(body, status_code=200 if state.is_ready else _UNAVAILABLE)


@get("/health", opt={"rule": _ANY_KEY})
async def health(
    gateway: _Gateway, model: FromQuery[str | None] = None, model_id: FromQuery[str | None] = None
) -> dict[str, object]:
    """Ask every deployment, or those of one model, for one token, and list who answered.

    Raises NotFound when neither name nor id leads to a deployment.
    """
    catalog = gateway.snapshot.catalog
    chosen = [
        deployment
        for deployment in catalog.deployments()
        if (model is None or deployment.group == model) and (model_id is None or deployment.id == model_id)
    ]
    if not chosen and (model or model_id):
        raise NotFound(f"No deployment has {'model' if model else 'model_id'} '{model or model_id}'.")
    probes = await probe_deployments(gateway, chosen)
    healthy = [_shown(probe) for probe in probes if probe.error is None]
    unhealthy = [_shown(probe) for probe in probes if probe.error is not None]
    return {
        "healthy_endpoints": healthy,
        "unhealthy_endpoints": unhealthy,
        "healthy_count": len(healthy),
        "unhealthy_count": len(unhealthy),
    }


def _shown(probe: Probe) -> dict[str, object]:
    found: dict[str, object] = {
        "model": probe.deployment.model,
        "model_name": probe.deployment.group,
        "model_id": probe.deployment.id,
        "custom_llm_provider": probe.deployment.provider,
    }
    return found if probe.error is None else {**found, "error": probe.error}


ROUTE_HANDLERS = (liveliness, readiness, health)
