"""The routes that tell which MCP servers and services there are to add."""

from typing import Annotated, Any

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from gateway.access.rules import RouteRule
from gateway.inventory.mcp.known import KNOWN_APIS, list_categories, search_servers
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource

__all__ = ["ROUTE_HANDLERS"]

_DISCOVER, _APIS = "/v1/mcp/discover", "/v1/mcp/openapi-registry"
_SEE = allow(Resource.MCP_SERVER, Action.READ, Party.CALLER)
_Words = Annotated[str, QueryParameter(name="query", max_length=200)]
_Category = Annotated[str, QueryParameter(max_length=200)]


@get(_DISCOVER, opt={"rule": RouteRule(name=_DISCOVER, permit=_SEE, allows_any_key=True)})
async def discover(words: _Words = "", category: _Category = "") -> dict[str, Any]:
    """List public MCP servers that an administrator may add, and the categories that they are in."""
    return {"servers": search_servers(words, category), "categories": list_categories()}


@get(_APIS, opt={"rule": RouteRule(name=_APIS, permit=_SEE, allows_any_key=True)})
async def list_apis() -> dict[str, Any]:
    """List services with OpenAPI documents, which can be served as MCP servers."""
    return {"apis": list(KNOWN_APIS)}


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (discover, list_apis)
