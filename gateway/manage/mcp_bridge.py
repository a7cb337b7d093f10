"""The routes by which who lets a client in at the gateway logs in at the MCP server too, in one go."""

from typing import Any
from urllib.parse import quote

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.errors import GatewayError
from gateway.identity.grants.authorizing import ISSUER, Decision
from gateway.identity.grants.build import Grants
from gateway.identity.grants.refusals import OAuthRefusal
from gateway.identity.login.build import Logins
from gateway.inventory.services import Inventory
from gateway.manage.browsers import base_of, find_session, mcp_base_of
from gateway.manage.login import admit
from gateway.manage.login_pages import link_page, message_page
from gateway.manage.mcp_logins import begin_login
from gateway.manage.mcp_surroundings import surroundings
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS", "find_bridged", "lead_back", "offer_login"]

_LOGIN, _FINISH = "/authorize/mcp-session/login", "/authorize/mcp-session/finish"
_MOUNT = "mcp"
_PUBLIC = allow(Resource.MCP_CREDENTIAL, Action.CREATE, Party.ANYBODY)
_Request = Request[Any, Any, Any]
_Gateway = NamedDependency[Gateway]
_Grants = NamedDependency[Grants]
_Inventory = NamedDependency[Inventory]
_Logins = NamedDependency[Logins]


class TicketQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which decision goes on."""

    ticket: str = ""


def _answer_refusal(request: _Request, error: GatewayError) -> Response[str]:
    """Tell the person."""
    del request
    return message_page(error.message, error.status)


_PAGES: dict[int | type[Exception], Any] = {GatewayError: _answer_refusal}


async def find_bridged(
    gateway: Gateway, inventory: Inventory, visitor: Principal, decision: Decision
) -> str | None:
    """The id of the server at which its person has to log in before a client gets what it was granted."""
    parts = decision.code.resource.strip("/").split("/")
    if not decision.is_granted or _MOUNT not in {parts[0], parts[-1]} or len(parts) == 1:
        return None
    name = "/".join(parts[1:] if parts[0] == _MOUNT else parts[:-1])
    stock = gateway.parts.mcp_stock
    return await inventory.mcp_tokens.find_login(visitor, name, stock, surroundings(gateway))


async def offer_login(grants: Grants, decision: Decision, base: str) -> Response[str]:
    """A page that leads to the login: a browser holds a posted form to addresses that its page has named."""
    ticket, code = await grants.authorizing.put_off(decision), decision.code
    text = f"{code.client_name} may use {code.resource}. That server asks who you are as well."
    return link_page(text, "Log in there", f"{base}{_LOGIN}?ticket={quote(ticket)}")


async def lead_back(grants: Grants, decision: Decision, base: str) -> Redirect:
    """Send the browser to the client with the answer."""
    address = await grants.authorizing.answer(decision, base, ISSUER)
    return Redirect(address, status_code=303, headers={"cache-control": "no-store"})


@get(
    _LOGIN,
    opt={"rule": RouteRule(name=_LOGIN, permit=_PUBLIC, query=TicketQuery)},
    exception_handlers=_PAGES,
)
async def log_in(
    request: _Request, gateway: _Gateway, grants: _Grants, inventory: _Inventory, logins: _Logins
) -> Response[Any]:
    """Send the browser to where its user lets the gateway use the server."""
    visitor, ticket = await _find_visitor(gateway, request), request.query_params.get("ticket", "")
    decision = await grants.authorizing.take_up(ticket, visitor, is_last=False)
    server_id = await find_bridged(gateway, inventory, visitor, decision)
    base, below = base_of(logins, request), mcp_base_of(gateway, logins, request)
    after = f"{below.removeprefix(base)}{_FINISH}?ticket={quote(ticket)}"
    if server_id is None:
        return Redirect(base + after, status_code=303)
    return await begin_login(gateway, logins, request, visitor, server_id, return_to=after)


@get(
    _FINISH,
    opt={"rule": RouteRule(name=_FINISH, permit=_PUBLIC, query=TicketQuery)},
    exception_handlers=_PAGES,
)
async def finish(
    request: _Request, gateway: _Gateway, grants: _Grants, inventory: _Inventory, logins: _Logins
) -> Response[Any]:
    """Send the browser back to the client, once, after the login at the server."""
    visitor, ticket = await _find_visitor(gateway, request), request.query_params.get("ticket", "")
    decision = await grants.authorizing.take_up(ticket, visitor, is_last=True)
    server_id = await find_bridged(gateway, inventory, visitor, decision)
    if server_id is not None:
        # Another worker may have stored it, and the notice be under way.
        gateway.parts.mcp_stock.forget_one(visitor.user_id, server_id)
        server_id = await find_bridged(gateway, inventory, visitor, decision)
    if server_id is not None:
        raise OAuthRefusal("invalid_request", "You have not logged in at the MCP server. Begin it again.")
    return await lead_back(grants, decision, mcp_base_of(gateway, logins, request))


async def _find_visitor(gateway: Gateway, request: _Request) -> Principal:
    """Who has logged in in this browser. Raises OAuthRefusal."""
    admit(gateway, request)
    visitor = await find_session(gateway, request)
    if visitor is None:
        raise OAuthRefusal("invalid_request", "You are not logged in any more. Begin it again.")
    return visitor


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (log_in, finish)
