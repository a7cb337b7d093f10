"""The routes of values that users give for variables of MCP servers."""

from typing import Any

from litestar import Request, delete, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.access.rules import RouteRule
from gateway.domain import MCP_VARIABLES, Principal
from gateway.inventory.mcp.request import UserVariablesRequest
from gateway.inventory.services import Inventory
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.mcp_surroundings import surroundings
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_BODY = BodyReader(UserVariablesRequest)
_ONE, _ALL = "/v1/mcp/server/{server_id}/user-env-vars", "/v1/mcp/user-env-vars/status"
_PATH = "/v1/mcp/server/{server_id:str}/user-env-vars"
_READ = allow(Resource.MCP_CREDENTIAL, Action.READ, Party.CALLER)
_SAVE = allow(Resource.MCP_CREDENTIAL, Action.CREATE, Party.CALLER)
_DELETE = allow(Resource.MCP_CREDENTIAL, Action.DELETE, Party.CALLER)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]
_Content = dict[str, Any]


@get(_PATH, opt={"rule": RouteRule(name=_ONE, permit=_READ, allows_any_key=True)})
async def show_variables(
    caller: _Caller, gateway: _Gateway, inventory: _Inventory, server_id: FromPath[str]
) -> _Content:
    """Say which values of an MCP server the caller has given."""
    stock, around = gateway.parts.mcp_stock, surroundings(gateway)
    return await inventory.mcp_variables.show(caller, server_id, stock, around)


@post(
    _PATH,
    status_code=200,
    opt={"rule": RouteRule(name=_ONE, permit=_SAVE, allows_any_key=True, body=UserVariablesRequest)},
)
async def save_variables(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory, server_id: FromPath[str]
) -> Answer:
    """Store values of the caller's for an MCP server."""
    body = await _BODY.read_from(request)
    around = surroundings(gateway)
    found = await inventory.mcp_variables.save(caller, server_id, body.value.values, around)
    gateway.parts.mcp_stock.forget_one(caller.user_id, server_id + MCP_VARIABLES)
    return answer(found, body)


@delete(_PATH, status_code=200, opt={"rule": RouteRule(name=_ONE, permit=_DELETE, allows_any_key=True)})
async def delete_variables(
    caller: _Caller, gateway: _Gateway, inventory: _Inventory, server_id: FromPath[str]
) -> _Content:
    """Delete the caller's values for an MCP server."""
    found = await inventory.mcp_variables.delete(caller, server_id, surroundings(gateway))
    gateway.parts.mcp_stock.forget_one(caller.user_id, server_id + MCP_VARIABLES)
    return found


@get(_ALL, opt={"rule": RouteRule(name=_ALL, permit=_READ, allows_any_key=True)})
async def list_variables(caller: _Caller, gateway: _Gateway, inventory: _Inventory) -> list[_Content]:
    """List the MCP servers that want values of users, and whether the caller has given them."""
    return await inventory.mcp_variables.list_wanting(caller, surroundings(gateway))


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    show_variables,
    save_variables,
    delete_variables,
    list_variables,
)
