"""The routes of how tools of MCP servers are found."""

from collections.abc import Mapping
from typing import Any

from litestar import Request, get, patch
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.domain import Principal, Role
from gateway.inventory.config.mcp_finding import (
    NarrowingRequest,
    SearchRequest,
    change_finding,
    complete_finding,
    describe_finding,
    show_finding,
)
from gateway.inventory.config.service import Field
from gateway.inventory.services import Inventory
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader, ReadBody
from gateway.manage.stored_settings import refuse_unread
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway
from gateway.settings.mcp_finding import MCP_NARROWING, MCP_SEARCH

__all__ = ["ROUTE_HANDLERS"]

_LISTS, _SEARCHES = "mcp_semantic_filter_settings", "mcp_tool_search_settings"
_NARROWING = BodyReader(NarrowingRequest)
_SEARCH = BodyReader(SearchRequest)
_SECTION = "litellm_settings"
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]
_SEE = allow(Resource.CONFIG, Action.READ)
_SEE_WIDELY = allow(Resource.CONFIG, Action.READ, Party.ORGANIZATION_ADMIN)
_ORGANIZERS = frozenset({Role.ORG_ADMIN})
_CHANGE = allow(Resource.CONFIG, Action.UPDATE)


@get(
    f"/get/{_LISTS}",
    opt={"rule": RouteRule(name=f"/get/{_LISTS}", permit=_SEE_WIDELY, roles=_ORGANIZERS)},
)
async def show_narrowing(gateway: _Gateway) -> dict[str, object]:
    """Show which tools of MCP servers lists have."""
    return _shown(gateway, MCP_NARROWING)


@get(f"/get/{_SEARCHES}", opt={"rule": RouteRule(name=f"/get/{_SEARCHES}", permit=_SEE)})
async def show_search(gateway: _Gateway) -> dict[str, object]:
    """Show how tools of MCP servers are found that somebody searches for."""
    return _shown(gateway, MCP_SEARCH)


@patch(
    f"/update/{_LISTS}",
    status_code=200,
    opt={"rule": RouteRule(name=f"/update/{_LISTS}", permit=_CHANGE, body=NarrowingRequest)},
)
async def update_narrowing(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> Answer:
    """Change which tools of MCP servers lists have, from the next second on."""
    body = await _NARROWING.read_from(request)
    return await _update(caller, gateway, inventory, MCP_NARROWING, body)


@patch(
    f"/update/{_SEARCHES}",
    status_code=200,
    opt={"rule": RouteRule(name=f"/update/{_SEARCHES}", permit=_CHANGE, body=SearchRequest)},
)
async def update_search(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> Answer:
    """Change how tools of MCP servers are found that somebody searches for, from the next second on."""
    body = await _SEARCH.read_from(request)
    return await _update(caller, gateway, inventory, MCP_SEARCH, body)


async def _update(
    caller: Principal, gateway: Gateway, inventory: Inventory, name: str, body: ReadBody[Any]
) -> Answer:
    refuse_unread(gateway)
    changed: dict[str, object] = {}

    def change(values: Mapping[str, object]) -> dict[str, object]:
        changed.update(change_finding(values, body.sent))
        return changed

    field = Field(_SECTION, name, show_finding(name, gateway.snapshot.settings.mcp_finding))
    await inventory.config.edit(caller, field, change, gateway.check_overlay)
    message = f"{name} updated successfully"
    return answer(
        {"message": message, "status": "success", "settings": complete_finding(name, changed)}, body
    )


def _shown(gateway: Gateway, name: str) -> dict[str, object]:
    values = show_finding(name, gateway.snapshot.settings.mcp_finding)
    return {"values": values, "field_schema": describe_finding(name)}


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    show_narrowing,
    show_search,
    update_narrowing,
    update_search,
)
