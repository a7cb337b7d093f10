"""The routes that try MCP servers out before they are stored."""

from typing import Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.inventory.mcp.request import NewMcpServerRequest
from gateway.inventory.services import Inventory
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.mcp_surroundings import surroundings
from gateway.permits.permit import ALL, Permit, allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_BODY = BodyReader(NewMcpServerRequest)
_CONNECTION, _TOOLS = "/mcp-rest/test/connection", "/mcp-rest/test/tools/list"
_ENABLED = "/mcp/enabled"
_TRY = allow(Resource.MCP_SERVER, Action.RUN)
_FOR_ANYBODY = Permit(resource=Resource.MCP_SERVER, action=Action.READ, fields={Party.ANYBODY: ALL})
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]


@post(
    _CONNECTION,
    status_code=200,
    opt={"rule": RouteRule(name=_CONNECTION, permit=_TRY, body=NewMcpServerRequest)},
)
async def try_connection(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> Answer:
    """Say whether an MCP server answers that is not stored yet."""
    body = await _BODY.read_from(request)
    found = await inventory.mcp_trials.try_out(caller, body.sent, surroundings(gateway))
    if found.error:
        return answer({"status": "error", "error": True, "message": found.error}, body)
    return answer({"status": "ok"}, body)


@post(
    _TOOLS,
    status_code=200,
    opt={"rule": RouteRule(name=_TOOLS, permit=_TRY, body=NewMcpServerRequest)},
)
async def try_tools(request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory) -> Answer:
    """List the tools of an MCP server that is not stored yet."""
    body = await _BODY.read_from(request)
    found = await inventory.mcp_trials.try_out(caller, body.sent, surroundings(gateway))
    error, message = (
        ("server_error", found.error) if found.error else (None, "The tools that the server has.")
    )
    return answer({"tools": found.tools, "error": error, "message": message}, body)


@get(_ENABLED, opt={"rule": RouteRule(name=_ENABLED, permit=_FOR_ANYBODY)})
async def tell_enabled(gateway: _Gateway) -> dict[str, bool]:
    """Say whether MCP servers are served here."""
    return {"enabled": bool(gateway.snapshot.hooks.implementations["check_mcp_server"])}


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (try_connection, try_tools, tell_enabled)
