"""The routes by which command-line clients log in."""

from typing import Any
from urllib.parse import quote

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from gateway.access.rules import RouteRule
from gateway.errors import NotFound
from gateway.identity.login.build import Logins
from gateway.manage.login import admit, read_form
from gateway.manage.login_pages import CONFIRM_COOKIE, message_page
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_CREATE = allow(Resource.LOGIN, Action.CREATE, Party.ANYBODY)
_READ = allow(Resource.LOGIN, Action.READ, Party.ANYBODY)
_SECRET = "x-litellm-cli-poll-secret"  # noqa: S105  the name of a header
_Request = Request[Any, Any, Any]
_Gateway = NamedDependency[Gateway]
_Logins = NamedDependency[Logins]


@post("/sso/cli/start", status_code=200, opt={"rule": RouteRule(name="/sso/cli/start", permit=_CREATE)})
async def begin_terminal(request: _Request, gateway: _Gateway, logins: _Logins) -> Response[Any]:
    """Begin the login of a command-line client."""
    address = admit(gateway, request)
    if logins.sso is None:
        raise NotFound("This gateway has no identity provider to log in at.")
    begun = await logins.terminals.begin(address)
    page = f"{logins.base_url}/sso/key/generate?source=litellm-cli&key={quote(begun['login_id'])}"
    return Response({**begun, "verification_uri": page}, headers={"cache-control": "no-store"})


@post(
    "/sso/cli/complete/{login_id:str}",
    status_code=200,
    opt={"rule": RouteRule(name="/sso/cli/complete/{login_id}", permit=_CREATE)},
)
async def confirm_terminal(
    request: _Request, gateway: _Gateway, logins: _Logins, login_id: FromPath[str]
) -> Response[Any]:
    """Confirm, in the browser that logged in, the code that the terminal shows."""
    admit(gateway, request)
    fields = await read_form(request)
    carried = request.cookies.get(CONFIRM_COOKIE)
    await logins.terminals.confirm(login_id, fields.get("user_code", ""), carried)
    return message_page("You are logged in. Return to your terminal.")


@get("/sso/cli/poll/{key_id:str}", opt={"rule": RouteRule(name="/sso/cli/poll/{key_id}", permit=_READ)})
async def poll_terminal(
    request: _Request,
    gateway: _Gateway,
    logins: _Logins,
    key_id: FromPath[str],
    team_id: FromQuery[str | None] = None,
) -> Response[Any]:
    """Tell a command-line client whether its user has logged in, and hand over its key, once."""
    admit(gateway, request)
    told = await logins.terminals.poll(key_id, request.headers.get(_SECRET, ""), team_id)
    return Response(told, headers={"cache-control": "no-store"})


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (begin_terminal, confirm_terminal, poll_terminal)
