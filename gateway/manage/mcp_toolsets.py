"""The routes of toolsets."""

from typing import Any

from litestar import Request, delete, get, post, put
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.inventory.mcp.request import NewToolsetRequest, UpdateToolsetRequest
from gateway.inventory.services import Inventory
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.mcp_surroundings import surroundings
from gateway.manage.stored_settings import refuse_unread
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_NEW = BodyReader(NewToolsetRequest)
_UPDATE = BodyReader(UpdateToolsetRequest)
_ALL, _ONE = "/v1/mcp/toolset", "/v1/mcp/toolset/{toolset_id}"
_SEE = allow(Resource.MCP_TOOLSET, Action.READ, Party.CALLER)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]
_Content = dict[str, Any]


@get(_ALL, opt={"rule": RouteRule(name=_ALL, permit=_SEE, allows_any_key=True)})
async def list_toolsets(caller: _Caller, inventory: _Inventory) -> list[_Content]:
    """List the toolsets that the caller was given; administrators see all."""
    return await inventory.mcp_toolsets.list_visible(caller)


@post(
    _ALL,
    status_code=201,
    opt={
        "rule": RouteRule(
            name=_ALL, permit=allow(Resource.MCP_TOOLSET, Action.CREATE), body=NewToolsetRequest
        )
    },
)
async def make_toolset(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> Answer:
    """Store a set of tools, which keys can be given; it is there for every worker within a second."""
    refuse_unread(gateway)
    body = await _NEW.read_from(request)
    return answer(await inventory.mcp_toolsets.create(caller, body.sent, surroundings(gateway)), body)


@put(
    _ALL,
    status_code=200,
    opt={
        "rule": RouteRule(
            name=_ALL, permit=allow(Resource.MCP_TOOLSET, Action.UPDATE), body=UpdateToolsetRequest
        )
    },
)
async def update_toolset(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> Answer:
    """Change what is sent of a toolset."""
    refuse_unread(gateway)
    body = await _UPDATE.read_from(request)
    return answer(await inventory.mcp_toolsets.update(caller, body.sent, surroundings(gateway)), body)


@get(
    "/v1/mcp/toolset/{toolset_id:str}",
    opt={"rule": RouteRule(name=_ONE, permit=_SEE, allows_any_key=True)},
)
async def show_toolset(caller: _Caller, inventory: _Inventory, toolset_id: FromPath[str]) -> _Content:
    """Show one toolset."""
    return await inventory.mcp_toolsets.find_visible(caller, toolset_id)


@delete(
    "/v1/mcp/toolset/{toolset_id:str}",
    status_code=202,
    opt={"rule": RouteRule(name=_ONE, permit=allow(Resource.MCP_TOOLSET, Action.DELETE))},
)
async def delete_toolset(caller: _Caller, inventory: _Inventory, toolset_id: FromPath[str]) -> None:
    """Delete a toolset."""
    await inventory.mcp_toolsets.delete(caller, toolset_id)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    list_toolsets,
    make_toolset,
    update_toolset,
    show_toolset,
    delete_toolset,
)
