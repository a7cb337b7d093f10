"""The authorization server under the path of one MCP server, which is all that is granted there."""

from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.access.rules import RouteRule
from gateway.errors import NotServed
from gateway.hooks import RequestHead
from gateway.identity.grants.build import Grants
from gateway.identity.login.build import Logins
from gateway.manage.login import head_of
from gateway.manage.oauth_authorize import REFUSAL_PAGES, show_consent
from gateway.manage.oauth_tokens import grant, open_route, register_client
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_ONE, _NAMED = "/{mcp_server_name:str}", "/{mcp_server_name}"
_DOCUMENT, _MOUNT, _OK = "/.well-known/oauth-authorization-server", "mcp", 200
_Request = Request[Any, Any, Any]
_Gateway = NamedDependency[Gateway]
_Grants = NamedDependency[Grants]
_Logins = NamedDependency[Logins]


class _Told(msgspec.Struct, frozen=True):
    """What of the document about the authorization server counts here."""

    issuer: str


class _Found(msgspec.Struct, frozen=True):
    """The paths of a server, the usual one first, and of its issuer, where that is its own."""

    places: tuple[str, ...]
    issuer: str


@get(
    f"{_ONE}/authorize",
    opt={
        "rule": RouteRule(
            name=f"{_NAMED}/authorize", permit=allow(Resource.MCP_CREDENTIAL, Action.READ, Party.ANYBODY)
        )
    },
    exception_handlers=REFUSAL_PAGES,
)
async def ask_person(
    request: _Request, gateway: _Gateway, grants: _Grants, logins: _Logins, mcp_server_name: FromPath[str]
) -> Response[Any]:
    """Ask who has logged in whether a client may use one MCP server."""
    # Without a client it is a user who logs in at the server, under another path.
    if "client_id" not in request.query_params:
        raise NotServed
    found, path = await _find(request, gateway, mcp_server_name), f"/{mcp_server_name}/authorize"
    return await show_consent(request, gateway, grants, logins, path, found.places, found.issuer)


@post(f"{_ONE}/token", status_code=200, **open_route(f"{_NAMED}/token"))
async def grant_tokens(
    request: _Request, gateway: _Gateway, grants: _Grants, logins: _Logins, mcp_server_name: FromPath[str]
) -> Response[bytes]:
    """Give a client tokens for one MCP server, as `/token` does."""
    found = await _find(request, gateway, mcp_server_name)
    return await grant(request, gateway, grants, logins, found.places, found.issuer)


@post(f"{_ONE}/register", status_code=201, **open_route(f"{_NAMED}/register"))
async def register(
    request: _Request, gateway: _Gateway, grants: _Grants, mcp_server_name: FromPath[str]
) -> Response[bytes]:
    """Register a client of MCP, as `/register` does."""
    await _find(request, gateway, mcp_server_name)
    return await register_client(request, gateway, grants)


async def _find(request: _Request, gateway: Gateway, name: str) -> _Found:
    """The server of a name, for which the gateway grants tokens.

    Raises NotServed where there is no such server, or its clients log in elsewhere. What the gateway
    tells of itself says so: whoever may not know of the server is told nothing, here as there.
    """
    hooks = gateway.snapshot.pass_through_hooks
    if name == _MOUNT or not hooks.has_answer_openly:
        raise NotServed
    head: RequestHead = msgspec.structs.replace(head_of(request), method="GET", path=f"{_DOCUMENT}/{name}")
    told = await hooks.answer_openly(head, _read_nothing)
    if told is None or told.status != _OK:
        raise NotServed
    issuer = msgspec.json.decode(told.body, type=_Told).issuer
    has_own = issuer.endswith(f"/{name}")
    return _Found((f"/{name}/{_MOUNT}", f"/{_MOUNT}/{name}"), f"/{name}" if has_own else "")


async def _read_nothing() -> bytes:
    return b""


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (ask_person, grant_tokens, register)
