"""The routes that describe the gateway; they need no credential and tell nothing of anybody's data."""

from importlib.metadata import version
from typing import Any

import msgspec
from litestar import MediaType, Request, Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.http.description.document import build_document, inference_paths, list_described
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_PUBLIC = allow(Resource.GATEWAY, Action.READ, Party.ANYBODY)
_DOCUMENT = "openapi_document"
_PASS_THROUGH = "pass_through_endpoint"  # noqa: S105  it is no secret
_Request = Request[Any, Any, Any]
_Gateway = NamedDependency[Gateway]
_encode = msgspec.json.Encoder().encode


@get("/openapi.json", opt={"rule": RouteRule(name="/openapi.json", permit=_PUBLIC)})
async def show_document(request: _Request) -> Response[bytes]:
    """Show the OpenAPI document of this gateway."""
    state = request.app.state
    document: bytes | None = state.get(_DOCUMENT)
    if document is None:
        document = _encode(build_document(request.app, version("gatewright")))
        state[_DOCUMENT] = document
    return Response(document, media_type=MediaType.JSON)


@get("/routes", opt={"rule": RouteRule(name="/routes", permit=_PUBLIC)})
async def list_routes(request: _Request, gateway: _Gateway) -> dict[str, list[dict[str, Any]]]:
    """List every route with its methods, those of pass-throughs too."""
    found: dict[str, dict[str, Any]] = {}
    for route in list_described(request.app):
        name = route.handler.fn.__name__
        entry = found.setdefault(
            route.template, {"path": route.template, "methods": [], "name": name, "endpoint": name}
        )
        entry["methods"].append(route.method)
    for path, endpoint in inference_paths():
        found[path] = {"path": path, "methods": ["POST"], "name": endpoint.value, "endpoint": endpoint.value}
    for one in gateway.snapshot.pass_throughs.served:
        for path in (one.path, f"{one.path}/{{subpath}}")[: 2 if one.includes_subpath else 1]:
            entry = found.setdefault(
                path, {"path": path, "methods": [], "name": _PASS_THROUGH, "endpoint": _PASS_THROUGH}
            )
            entry["methods"] += one.methods
    return {"routes": [found[path] for path in sorted(found)]}


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (show_document, list_routes)
