"""The routes that tell which MCP servers there are: access groups, and what is public."""

from typing import Any, cast

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.errors import BadRequest
from gateway.identity.login.build import Logins
from gateway.identity.rights import actor_of
from gateway.inventory.services import Inventory
from gateway.inventory.ui.flags import NO_PUBLIC_HUB
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.login import head_of
from gateway.manage.mcp_surroundings import surroundings
from gateway.manage.stored_settings import refuse_unread
from gateway.permits.permit import ALL, Permit, allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_SECTION, _PUBLIC_SERVERS = "litellm_settings", "public_mcp_servers"
_MOST = 1_000
_SHOWN = ("server_id", "server_name", "alias", "description", "transport", "auth_type", "mcp_info")


class PublicServersRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v1/mcp/make_public`: the ids of all servers that are public from now on."""

    mcp_server_ids: list[str]


_MAKE_PUBLIC = BodyReader(PublicServersRequest)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]
_Logins = NamedDependency[Logins]
_Content = dict[str, Any]
_SEE = allow(Resource.MCP_SERVER, Action.READ, Party.CALLER)
_FOR_ANYBODY = Permit(resource=Resource.MCP_SERVER, action=Action.READ, fields={Party.ANYBODY: ALL})
_GROUPS, _ADDRESS = "/v1/mcp/access_groups", "/v1/mcp/network/client-ip"
_PUBLISH, _REGISTRY, _HUB = "/v1/mcp/make_public", "/v1/mcp/registry.json", "/public/mcp_hub"


@get(_GROUPS, opt={"rule": RouteRule(name=_GROUPS, permit=_SEE, allows_any_key=True)})
async def list_groups(caller: _Caller, gateway: _Gateway, inventory: _Inventory) -> _Content:
    """List the access groups of the MCP servers that the caller may reach."""
    servers = await inventory.mcp_servers.list_visible(caller, surroundings(gateway))
    groups = {name for one in servers for name in one["mcp_access_groups"] or ()}
    return {"access_groups": sorted(groups)}


@get(_ADDRESS, opt={"rule": RouteRule(name=_ADDRESS, permit=_SEE, allows_any_key=True)})
async def show_address(request: _Request, gateway: _Gateway) -> _Content:
    """The address that the request comes from, as far as trusted proxies tell it."""
    return {"ip": gateway.snapshot.core.gate.client_of(head_of(request))}


@post(
    _PUBLISH,
    status_code=202,
    opt={
        "rule": RouteRule(
            name=_PUBLISH, permit=allow(Resource.MCP_SERVER, Action.UPDATE), body=PublicServersRequest
        )
    },
)
async def make_public(request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory) -> Answer:
    """Say which MCP servers everybody may know of; the others are in the public lists no more."""
    refuse_unread(gateway)
    body = await _MAKE_PUBLIC.read_from(request)
    ids = list(dict.fromkeys(body.value.mcp_server_ids))
    servers = await inventory.mcp_servers.list_visible(caller, surroundings(gateway))
    known = {one["server_id"] for one in servers}
    unknown = next((one for one in ids[:_MOST] if one not in known), None)
    if unknown is not None or len(ids) > _MOST:
        message = f"There is no MCP server with the id '{(unknown or '')[:200]}'."
        raise BadRequest(message, param="mcp_server_ids", type="bad_request_error")
    await inventory.config.set_noted(caller, _SECTION, _PUBLIC_SERVERS, ids)
    message = "Successfully updated public MCP servers"
    return answer({"message": message, _PUBLIC_SERVERS: ids, "updated_by": actor_of(caller)}, body)


@get(_HUB, opt={"rule": RouteRule(name=_HUB, permit=_FOR_ANYBODY, closed_by=NO_PUBLIC_HUB)})
async def show_public(gateway: _Gateway, inventory: _Inventory) -> Response[list[_Content]]:
    """Show the MCP servers that are public."""
    return Response([_describe(one) for one in await _list_public(gateway, inventory)])


@get(_REGISTRY, opt={"rule": RouteRule(name=_REGISTRY, permit=_FOR_ANYBODY, closed_by=NO_PUBLIC_HUB)})
async def show_registry(
    request: _Request, gateway: _Gateway, inventory: _Inventory, logins: _Logins
) -> _Content:
    """Show the MCP servers that are public as a registry of MCP does, with their addresses here."""
    base = (logins.base_url or str(request.base_url)).rstrip("/")
    return {"servers": [{"server": _register(one, base)} for one in await _list_public(gateway, inventory)]}


async def _list_public(gateway: Gateway, inventory: Inventory) -> list[_Content]:
    noted = gateway.parts.added.current.overlay.get(_SECTION, {}).get(_PUBLIC_SERVERS)
    ids = [str(one) for one in cast("list[object]", noted)] if isinstance(noted, list) else []
    return await inventory.mcp_servers.list_named(ids, surroundings(gateway)) if ids else []


def _describe(server: _Content) -> _Content:
    info: _Content = server["mcp_info"] or {}
    shown = {name: info[name] for name in ("server_name", "description", "logo_url") if name in info}
    return {**{name: server[name] for name in _SHOWN}, "name": _name_of(server), "mcp_info": shown}


def _register(server: _Content, base: str) -> _Content:
    name = _name_of(server)
    remote = {"type": "streamable-http", "url": f"{base}/{name}/mcp"}
    description = server["description"] or f"The MCP server '{name}'."
    return {"name": name, "description": description, "version": "1.0.0", "remotes": [remote]}


def _name_of(server: _Content) -> str:
    return str(server["server_name"] or server["alias"] or server["server_id"]).replace(" ", "_")


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    list_groups,
    show_address,
    make_public,
    show_public,
    show_registry,
)
