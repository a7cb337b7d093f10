"""The routes of MCP servers."""

from typing import Any

from litestar import Request, delete, get, post, put
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.inventory.mcp.imports import import_servers, named_servers
from gateway.inventory.mcp.request import ImportRequest, NewMcpServerRequest, UpdateMcpServerRequest
from gateway.inventory.services import Inventory
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.mcp_surroundings import surroundings
from gateway.manage.stored_settings import refuse_unread
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_NEW = BodyReader(NewMcpServerRequest)
_UPDATE = BodyReader(UpdateMcpServerRequest)
_IMPORT = BodyReader(ImportRequest)
_ALL, _ONE = "/v1/mcp/server", "/v1/mcp/server/{server_id}"
_LIST = "/v1/mcp/server/import"
_SEE = allow(Resource.MCP_SERVER, Action.READ, Party.CALLER)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]
_Content = dict[str, Any]


@get(_ALL, opt={"rule": RouteRule(name=_ALL, permit=_SEE, allows_any_key=True)})
async def list_servers(caller: _Caller, gateway: _Gateway, inventory: _Inventory) -> list[_Content]:
    """List the MCP servers that the caller may reach; administrators see how they are reached."""
    found = await inventory.mcp_servers.list_visible(caller, surroundings(gateway))
    return await inventory.mcp_credentials.mark(caller, found)


@post(
    _ALL,
    status_code=201,
    opt={
        "rule": RouteRule(
            name=_ALL, permit=allow(Resource.MCP_SERVER, Action.CREATE), body=NewMcpServerRequest
        )
    },
)
async def make_server(request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory) -> Answer:
    """Store an MCP server, which is served by every worker within a second."""
    refuse_unread(gateway)
    body = await _NEW.read_from(request)
    return answer(await inventory.mcp_servers.create(caller, body.sent, surroundings(gateway)), body)


@post(
    _LIST,
    status_code=200,
    opt={"rule": RouteRule(name=_LIST, permit=allow(Resource.MCP_SERVER, Action.CREATE), body=ImportRequest)},
)
async def import_list(request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory) -> Answer:
    """Store the MCP servers of a list as desktop clients keep it."""
    refuse_unread(gateway)
    body = await _IMPORT.read_from(request)
    servers = named_servers(body.value.mcp_servers)
    return answer(await import_servers(caller, servers, inventory.mcp_servers, surroundings(gateway)), body)


@put(
    _ALL,
    status_code=202,
    opt={
        "rule": RouteRule(
            name=_ALL, permit=allow(Resource.MCP_SERVER, Action.UPDATE), body=UpdateMcpServerRequest
        )
    },
)
async def update_server(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> Answer:
    """Change what is sent of an MCP server."""
    refuse_unread(gateway)
    body = await _UPDATE.read_from(request)
    return answer(await inventory.mcp_servers.update(caller, body.sent, surroundings(gateway)), body)


@get(
    "/v1/mcp/server/{server_id:str}",
    opt={"rule": RouteRule(name=_ONE, permit=_SEE, allows_any_key=True)},
)
async def show_server(
    caller: _Caller, gateway: _Gateway, inventory: _Inventory, server_id: FromPath[str]
) -> _Content:
    """Show one MCP server that the caller may reach."""
    found = await inventory.mcp_servers.find_visible(caller, server_id, surroundings(gateway))
    return (await inventory.mcp_credentials.mark(caller, [found]))[0]


@delete(
    "/v1/mcp/server/{server_id:str}",
    status_code=202,
    opt={"rule": RouteRule(name=_ONE, permit=allow(Resource.MCP_SERVER, Action.DELETE))},
)
async def delete_server(caller: _Caller, inventory: _Inventory, server_id: FromPath[str]) -> None:
    """Delete an MCP server, and the credentials that users have given for it."""
    await inventory.mcp_servers.delete(caller, server_id)


@post(
    "/v1/mcp/server/{server_id:str}/pin",
    status_code=200,
    opt={"rule": RouteRule(name=f"{_ONE}/pin", permit=allow(Resource.MCP_SERVER, Action.UPDATE))},
)
async def pin_tools(
    caller: _Caller, gateway: _Gateway, inventory: _Inventory, server_id: FromPath[str]
) -> _Content:
    """Approve of the tools of an MCP server as they are now: others, and changed ones, are held back."""
    refuse_unread(gateway)
    return await inventory.mcp_servers.pin(caller, server_id, surroundings(gateway))


@delete(
    "/v1/mcp/server/{server_id:str}/pin",
    status_code=200,
    opt={"rule": RouteRule(name=f"{_ONE}/pin", permit=allow(Resource.MCP_SERVER, Action.UPDATE))},
)
async def unpin_tools(caller: _Caller, inventory: _Inventory, server_id: FromPath[str]) -> _Content:
    """Let the tools of an MCP server be whatever they are."""
    return await inventory.mcp_servers.unpin(caller, server_id)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    list_servers,
    make_server,
    import_list,
    update_server,
    show_server,
    delete_server,
    pin_tools,
    unpin_tools,
)
