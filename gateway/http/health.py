"""Whether the process lives, and whether it can serve."""

from importlib.metadata import version
from typing import Any

import msgspec
from litestar import MediaType, Request, Response, get
from litestar.di import NamedDependency

from gateway.access.rules import RouteRule
from gateway.errors import NotFound
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_Gateway = NamedDependency[Gateway]
_UNAVAILABLE = 503
_PUBLIC = RouteRule(name="/health/*", permit=allow(Resource.GATEWAY, Action.READ, Party.ANYBODY))
_ROBOTS = RouteRule(
    name="/robots.txt", permit=allow(Resource.GATEWAY, Action.READ, Party.ANYBODY), is_optional=True
)


@get(["/health/liveliness", "/health/liveness"], opt={"rule": _PUBLIC})
async def liveliness(gateway: _Gateway) -> Response[Any]:
    """Say that the process lives; 503 once it is stopping, so that a balancer looks elsewhere."""
    if gateway.is_stopping:
        return Response({"status": "shutting_down"}, status_code=_UNAVAILABLE)
    return _say("I'm alive!")


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


@get("/", opt={"rule": _PUBLIC})
async def greet() -> Response[bytes]:
    """Say what answers here."""
    return _say("Gatewright: RUNNING")


@get("/robots.txt", opt={"rule": _ROBOTS})
async def ask_robots(gateway: _Gateway) -> Response[str]:
    """Ask crawlers to stay away, where `block_robots` says so; else there is nothing here."""
    if not gateway.snapshot.settings.general.block_robots:
        raise NotFound("There is no route GET /robots.txt.")
    return Response("User-agent: *\nDisallow: /\n", media_type=MediaType.TEXT)


@get("/test", opt={"rule": _PUBLIC})
async def echo_route(request: Request[Any, Any, Any]) -> dict[str, str]:
    """Say that requests arrive, and at which path."""
    return {"route": request.url.path}


@get("/health/drain", opt={"rule": _PUBLIC})
async def show_draining(gateway: _Gateway) -> dict[str, object]:
    """Say how far a stopping worker is with the requests that were under way; it begins nothing."""
    if not gateway.is_stopping:
        return {"status": "serving", "drained_requests": 0}
    left = gateway.parts.journal.open_count
    drained = max(gateway.open_at_stop - left, 0)
    return {"status": "draining" if left else "drained", "drained_requests": drained}


def _say(text: str) -> Response[bytes]:
    """A JSON string: the framework would answer the bare text."""
    return Response(msgspec.json.encode(text), media_type=MediaType.JSON)


ROUTE_HANDLERS = (liveliness, readiness, greet, ask_robots, echo_route, show_draining)
