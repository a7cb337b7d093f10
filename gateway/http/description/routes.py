"""The routes that describe the gateway; they need no credential and tell nothing of anybody's data."""

from importlib.metadata import version
from typing import Any

import msgspec
from litestar import MediaType, Request, Response, get
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.http.description.document import build_document, inference_paths, list_described
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource

__all__ = ["ROUTE_HANDLERS"]

_PUBLIC = allow(Resource.GATEWAY, Action.READ, Party.ANYBODY)
_DOCUMENT = "openapi_document"
_Request = Request[Any, Any, Any]
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
async def list_routes(request: _Request) -> dict[str, list[dict[str, Any]]]:
    """List every route with its methods."""
    found: dict[str, dict[str, Any]] = {}
    for route in list_described(request.app):
        name = route.handler.fn.__name__
        entry = found.setdefault(
            route.template, {"path": route.template, "methods": [], "name": name, "endpoint": name}
        )
        entry["methods"].append(route.method)
    for path, endpoint in inference_paths():
        found[path] = {"path": path, "methods": ["POST"], "name": endpoint.value, "endpoint": endpoint.value}
    return {"routes": [found[path] for path in sorted(found)]}


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (show_document, list_routes)
