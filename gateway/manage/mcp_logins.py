"""The routes by which users log in at MCP servers, so that the gateway asks these in their name."""

import secrets
from typing import Any

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from gateway.access.rules import RouteRule
from gateway.domain import McpLogin, McpLoginAnswer, McpLoginClient, McpServerRecord, Principal
from gateway.errors import BadRequest, NotFound
from gateway.identity.login.build import Logins
from gateway.identity.login.sso.errand import is_own_path
from gateway.inventory.mcp.request import OAuthCredentialRequest
from gateway.inventory.mcp.user_credentials import user_of
from gateway.inventory.services import Inventory
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.browsers import ask_to_log_in, base_of, find_visitor
from gateway.manage.login import admit, is_secure
from gateway.manage.login_pages import message_page
from gateway.manage.mcp_handovers import hand_over
from gateway.manage.mcp_renewals import hand_back
from gateway.manage.mcp_surroundings import surroundings
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS", "begin_login"]

_BODY = BodyReader(OAuthCredentialRequest)
_ONE = "/v1/mcp/server/{server_id}/oauth-user-credential"
_CALLBACK, _BROWSER = "/callback", "gatewright_mcp_login"
_SECONDS, _LONGEST = 600, 64
_PUBLIC = allow(Resource.MCP_CREDENTIAL, Action.CREATE, Party.ANYBODY)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]
_Logins = NamedDependency[Logins]
_Content = dict[str, Any]


class AuthorizeQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for beside what an MCP server says that it needs."""

    scope: str = ""


class CallbackQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What an authorization server says in the address to which it sends a browser back."""

    state: str = ""
    code: str = ""
    error: str = ""
    iss: str | None = None


@get(
    "/authorize/{server_name:str}",
    opt={"rule": RouteRule(name="/authorize/{server_name}", permit=_PUBLIC, query=AuthorizeQuery)},
)
async def log_in_at_server(
    request: _Request,
    gateway: _Gateway,
    inventory: _Inventory,
    logins: _Logins,
    server_name: FromPath[str],
) -> Response[Any]:
    """Send a browser to where its user lets the gateway use an MCP server; who is not known logs in."""
    admit(gateway, request)
    visitor = await find_visitor(gateway, request)
    if visitor is None:
        return ask_to_log_in(logins, f"/authorize/{server_name}")
    server = await inventory.mcp_tokens.find_server(visitor, server_name, surroundings(gateway))
    # `scope` is a word of the framework's, and so cannot be a parameter.
    scope = request.query_params.get("scope", "")
    return await begin_login(gateway, logins, request, visitor, str(server["server_id"]), scope=scope)


async def begin_login(
    gateway: Gateway,
    logins: Logins,
    request: _Request,
    visitor: Principal,
    server_id: str,
    *,
    scope: str = "",
    return_to: str = "",
    client: McpLoginClient | None = None,
    server: McpServerRecord | None = None,
) -> Redirect:
    """Send the browser of a user to an MCP server's authorization server; it comes back to `return_to`."""
    browser = request.cookies.get(_BROWSER, "")[:_LONGEST] or secrets.token_urlsafe(32)
    login = McpLogin(
        server_id=server_id,
        user_id=user_of(visitor),
        base_url=base_of(logins, request),
        browser=browser,
        scope=scope,
        return_to=return_to,
        client=client,
        server=server,
    )
    address = await gateway.snapshot.hooks.begin_mcp_login(login)
    if address is None:
        raise NotFound(f"There is no MCP server '{server_id[:200]}' here.", param="server_id")
    redirect = Redirect(address, status_code=303, headers={"cache-control": "no-store"})
    # Lax, for the browser comes back by a link of another site.
    cookie = Cookie(
        key=_BROWSER,
        value=browser,
        max_age=_SECONDS,
        path="/",
        httponly=True,
        secure=is_secure(logins),
        samesite="lax",
    )
    redirect.set_cookie(cookie)
    return redirect


@get(_CALLBACK, opt={"rule": RouteRule(name=_CALLBACK, permit=_PUBLIC, query=CallbackQuery)})
async def finish_login(
    request: _Request, gateway: _Gateway, inventory: _Inventory, logins: _Logins
) -> Response[Any]:
    """Take a browser back from an MCP server's authorization server, and keep what the user has granted."""
    admit(gateway, request)
    # `state` is a word of the framework's, so none of these can be a parameter.
    said = request.query_params
    brought = McpLoginAnswer(
        browser=request.cookies.get(_BROWSER, ""),
        state=said.get("state", ""),
        code=said.get("code", ""),
        error=said.get("error", ""),
        issuer=said.get("iss"),
    )
    arrival = await gateway.snapshot.hooks.finish_mcp_login(brought)
    if arrival is None:
        raise BadRequest("No login at an MCP server is under way here.")
    remark = await gateway.parts.mcp_identities.check(arrival)
    if arrival.client is not None:
        return await hand_over(gateway, arrival, arrival.client)
    await inventory.mcp_tokens.keep(arrival, remark)
    gateway.parts.mcp_stock.forget_one(arrival.user_id, arrival.server_id)
    if is_own_path(arrival.return_to):
        return Redirect(logins.base_url + arrival.return_to, status_code=303)
    return message_page(f"The gateway may now use the MCP server {arrival.server_id} in your name.")


@post(
    "/v1/mcp/server/{server_id:str}/oauth-user-credential",
    status_code=200,
    opt={
        "rule": RouteRule(
            name=_ONE,
            permit=allow(Resource.MCP_CREDENTIAL, Action.CREATE, Party.CALLER),
            allows_any_key=True,
            body=OAuthCredentialRequest,
        )
    },
)
async def save_tokens(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory, server_id: FromPath[str]
) -> Answer:
    """Store tokens that the caller has got from an MCP server's authorization server."""
    body = await _BODY.read_from(request)
    around, user_id = surroundings(gateway), user_of(caller)
    found = await inventory.mcp_tokens.save(caller, server_id, body.value, around)
    held = await hand_back(gateway, body.value.refresh_token or "", user_id)
    if held is not None:
        await inventory.mcp_tokens.take_over(user_id, str(found["server_id"]), held, around)
    gateway.parts.mcp_stock.forget_one(caller.user_id, found["server_id"])
    return answer(found, body)


@delete(
    "/v1/mcp/server/{server_id:str}/oauth-user-credential",
    status_code=200,
    opt={
        "rule": RouteRule(
            name=_ONE,
            permit=allow(Resource.MCP_CREDENTIAL, Action.DELETE, Party.CALLER),
            allows_any_key=True,
        )
    },
)
async def delete_tokens(
    caller: _Caller,
    gateway: _Gateway,
    inventory: _Inventory,
    server_id: FromPath[str],
    user_id: FromQuery[str | None] = None,
) -> _Content:
    """Delete the caller's tokens for an MCP server, or as a proxy admin those of a user."""
    found = await inventory.mcp_credentials.delete(caller, server_id, user_id)
    gateway.parts.mcp_stock.forget_one(user_id or caller.user_id, server_id)
    return {**found, "is_expired": False, "expires_at": None, "connected_at": None, "scopes": None}


@get(
    "/v1/mcp/server/{server_id:str}/oauth-user-credential/status",
    opt={
        "rule": RouteRule(
            name=f"{_ONE}/status",
            permit=allow(Resource.MCP_CREDENTIAL, Action.READ, Party.CALLER),
            allows_any_key=True,
        )
    },
)
async def show_status(
    caller: _Caller, gateway: _Gateway, inventory: _Inventory, server_id: FromPath[str]
) -> _Content:
    """Whether the caller has logged in at an MCP server, and until when that holds."""
    stock = gateway.parts.mcp_stock
    return await inventory.mcp_tokens.status(caller, server_id, stock, surroundings(gateway))


@get(
    "/oauth/client-metadata.json",
    opt={
        "rule": RouteRule(
            name="/oauth/client-metadata.json",
            permit=allow(Resource.MCP_CREDENTIAL, Action.READ, Party.ANYBODY),
        )
    },
)
async def show_client(request: _Request, logins: _Logins) -> _Content:
    """Who the gateway is, for authorization servers that look it up (OAuth Client ID Metadata Document)."""
    base = base_of(logins, request)
    return {
        "client_id": f"{base}/oauth/client-metadata.json",
        "client_name": "Gatewright",
        "redirect_uris": [base + _CALLBACK],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    }


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    log_in_at_server,
    finish_login,
    save_tokens,
    delete_tokens,
    show_status,
    show_client,
)
