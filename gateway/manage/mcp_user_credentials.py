"""The routes of credentials that users bring for MCP servers."""

from typing import Any

from litestar import Request, delete, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.inventory.mcp.request import UserCredentialRequest
from gateway.inventory.services import Inventory
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.mcp_surroundings import surroundings
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_BODY = BodyReader(UserCredentialRequest)
_ONE, _OWN = "/v1/mcp/server/{server_id}/user-credential", "/v1/mcp/user-credentials"
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]
_Content = dict[str, Any]


@post(
    "/v1/mcp/server/{server_id:str}/user-credential",
    status_code=200,
    opt={
        "rule": RouteRule(
            name=_ONE,
            permit=allow(Resource.MCP_CREDENTIAL, Action.CREATE, Party.CALLER),
            allows_any_key=True,
            body=UserCredentialRequest,
        )
    },
)
async def save_credential(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory, server_id: FromPath[str]
) -> Answer:
    """Store the caller's own credential for an MCP server that asks users for one."""
    body = await _BODY.read_from(request)
    if not body.value.save:
        return answer({"server_id": server_id, "has_credential": False}, body)
    around = surroundings(gateway)
    found = await inventory.mcp_credentials.save(caller, server_id, body.value.credential, around)
    gateway.parts.mcp_stock.forget_one(caller.user_id, server_id)
    return answer(found, body)


@delete(
    "/v1/mcp/server/{server_id:str}/user-credential",
    status_code=200,
    opt={
        "rule": RouteRule(
            name=_ONE,
            permit=allow(Resource.MCP_CREDENTIAL, Action.DELETE, Party.CALLER),
            allows_any_key=True,
        )
    },
)
async def delete_credential(
    caller: _Caller,
    gateway: _Gateway,
    inventory: _Inventory,
    server_id: FromPath[str],
    user_id: FromQuery[str | None] = None,
) -> _Content:
    """Delete the caller's credential for an MCP server, or as a proxy admin that of a user."""
    found = await inventory.mcp_credentials.delete(caller, server_id, user_id)
    gateway.parts.mcp_stock.forget_one(user_id or caller.user_id, server_id)
    return found


@get(
    _OWN,
    opt={
        "rule": RouteRule(
            name=_OWN,
            permit=allow(Resource.MCP_CREDENTIAL, Action.READ, Party.CALLER),
            allows_any_key=True,
        )
    },
)
async def list_own_credentials(caller: _Caller, gateway: _Gateway, inventory: _Inventory) -> list[_Content]:
    """List the MCP servers for which the caller has stored a credential."""
    return await inventory.mcp_credentials.list_own(caller, surroundings(gateway))


@get(
    "/v1/mcp/server/{server_id:str}/user-credentials",
    opt={"rule": RouteRule(name=f"{_ONE}s", permit=allow(Resource.MCP_CREDENTIAL, Action.READ))},
)
async def list_credentials(inventory: _Inventory, server_id: FromPath[str]) -> list[_Content]:
    """List the users who have stored a credential for an MCP server."""
    return await inventory.mcp_credentials.list_of_server(server_id)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    save_credential,
    delete_credential,
    list_own_credentials,
    list_credentials,
)
