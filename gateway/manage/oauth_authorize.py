"""The routes by which a person lets a client of MCP act in the person's name."""

from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.identity.grants.authorizing import read_asked
from gateway.identity.grants.build import Grants
from gateway.identity.grants.refusals import OAuthRefusal
from gateway.identity.login.build import Logins
from gateway.identity.login.sso.errand import is_own_path
from gateway.inventory.services import Inventory
from gateway.manage.browsers import ask_to_log_in, find_session, mcp_base_of
from gateway.manage.login import admit
from gateway.manage.login_pages import message_page
from gateway.manage.mcp_bridge import find_bridged, lead_back, offer_login
from gateway.manage.oauth_answers import read_fields, read_once
from gateway.manage.oauth_pages import consent_page
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["REFUSAL_PAGES", "ROUTE_HANDLERS", "AuthorizeQuery", "answer_refusal", "path_of", "show_consent"]

_PATH, _OF_SESSIONS = "/authorize", "/authorize/mcp-session"
_Request = Request[Any, Any, Any]
_Gateway = NamedDependency[Gateway]
_Grants = NamedDependency[Grants]
_Inventory = NamedDependency[Inventory]
_Logins = NamedDependency[Logins]


class AuthorizeQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks for (RFC 6749, 4.1.1; RFC 7636; RFC 8707)."""

    client_id: str
    response_type: str
    code_challenge: str
    code_challenge_method: str
    redirect_uri: str = ""
    state: str = ""
    resource: str = ""
    scope: str = ""


def answer_refusal(request: _Request, error: OAuthRefusal) -> Response[str]:
    """Tell the person: who asks wrongly is not believed about where to send a browser."""
    del request
    return message_page(error.message, error.status)


REFUSAL_PAGES: dict[int | type[Exception], Any] = {OAuthRefusal: answer_refusal}
"""For the `exception_handlers` of the pages that people see."""


@get(
    [_PATH, _OF_SESSIONS],
    opt={
        "rule": RouteRule(
            name=_PATH,
            permit=allow(Resource.MCP_CREDENTIAL, Action.READ, Party.ANYBODY),
            query=AuthorizeQuery,
        )
    },
    exception_handlers=REFUSAL_PAGES,
)
async def ask_person(request: _Request, gateway: _Gateway, grants: _Grants, logins: _Logins) -> Response[Any]:
    """Ask who has logged in whether a client may use MCP; who has not logs in first."""
    return await show_consent(request, gateway, grants, logins, _PATH)


async def show_consent(
    request: _Request,
    gateway: Gateway,
    grants: Grants,
    logins: Logins,
    path: str,
    places: Sequence[str] = (),
    issuer: str = "",
) -> Response[Any]:
    """The page that asks, or the login that leads back to `path`; for one of the `places`, if any are named.

    The answer is the `issuer`'s, the usual one unless its path is named. Raises OAuthRefusal.
    """
    admit(gateway, request)
    visitor = await find_session(gateway, request)
    if visitor is None:
        return ask_to_log_in(logins, path_of(request, path))
    # Parameters are read here, for `state` and `scope` are words of the framework's.
    query = read_once(list(request.query_params.multi_items()))
    client = await grants.clients.find(query.get("client_id", ""))
    base = mcp_base_of(gateway, logins, request)
    asked = read_asked(query, client, base)
    if places:
        asked = msgspec.structs.replace(asked, resource=asked.resource or places[0], issuer=issuer)
        if asked.resource not in places:
            raise OAuthRefusal("invalid_target", "'resource' is another MCP server than that of the path.")
    offer = await grants.authorizing.offer(asked, visitor)
    return consent_page(base + _PATH, offer, asked.redirect_uri, visitor.user_id or "")


@post(
    _PATH,
    status_code=200,
    opt={"rule": RouteRule(name=_PATH, permit=allow(Resource.MCP_CREDENTIAL, Action.CREATE, Party.ANYBODY))},
    exception_handlers=REFUSAL_PAGES,
)
async def take_decision(
    request: _Request, gateway: _Gateway, grants: _Grants, inventory: _Inventory, logins: _Logins
) -> Response[Any]:
    """Send the browser back to the client with what the person has said, or to a server's login first."""
    admit(gateway, request)
    visitor = await find_session(gateway, request)
    if visitor is None:
        raise OAuthRefusal("invalid_request", "You are not logged in any more. Begin it again.")
    fields = await read_fields(request)
    decision = await grants.authorizing.decide(
        fields.get("consent", ""),
        visitor,
        fields.get("team_id"),
        is_granted=fields.get("decision") == "grant",
    )
    base = mcp_base_of(gateway, logins, request)
    if await find_bridged(gateway, inventory, visitor, decision) is not None:
        return await offer_login(grants, decision, base)
    return await lead_back(grants, decision, base)


def path_of(request: _Request, path: str) -> str:
    """What was asked, to come back to after the login. Raises OAuthRefusal where it is too long for that."""
    path = f"{path}?{request.url.query}"
    if not is_own_path(path):
        raise OAuthRefusal("invalid_request", "The application asks with too many words.")
    return path


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (ask_person, take_decision)
