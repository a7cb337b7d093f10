"""The routes of logging in with a password, and out."""

from typing import Any, cast
from urllib.parse import parse_qsl

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery
from litestar.response import Redirect

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.errors import BadRequest, PermissionDenied
from gateway.hooks import RequestHead
from gateway.identity.login.build import Logins
from gateway.identity.login.request import ChangePasswordRequest, LoginRequest
from gateway.identity.login.sso.errand import is_own_path
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.login_pages import forget_session, form_page, keep_session, message_page
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.pipeline.heads import read_head
from gateway.runtime import Gateway
from gateway.wire import asgi as wire

__all__ = ["ROUTE_HANDLERS", "admit", "head_of", "is_secure", "read_form"]

_LOGIN = BodyReader(LoginRequest)
_CHANGE = BodyReader(ChangePasswordRequest)
_ANYBODY = allow(Resource.LOGIN, Action.CREATE, Party.ANYBODY)
_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 10
_LONGEST_FORM = 64 * 1024
_Request = Request[Any, Any, Any]
_Gateway = NamedDependency[Gateway]
_Logins = NamedDependency[Logins]


def head_of(request: _Request) -> RequestHead:
    """The request as rules and hooks see it."""
    return read_head(cast("wire.Scope", request.scope))


def admit(gateway: Gateway, request: _Request) -> str:
    """The client's address, as far as trusted proxies tell it; of who may come at all, and from here.

    Raises PermissionDenied for an address or a route that the configuration closes: nobody else asks, as
    these routes need no credential.
    """
    head, gate = head_of(request), gateway.snapshot.core.gate
    gate.authenticate(head)
    if request.method == "POST" and request.headers.get("sec-fetch-site") == "cross-site":
        raise PermissionDenied("A page of another site cannot log anybody in here.")
    return gate.client_of(head) or ""


def is_secure(logins: Logins) -> bool:
    """Whether browsers reach the gateway over TLS, as far as it was told."""
    return logins.base_url.startswith("https://")


@get(
    "/fallback/login",
    opt={"rule": RouteRule(name="/fallback/login", permit=allow(Resource.LOGIN, Action.READ, Party.ANYBODY))},
)
async def show_form(logins: _Logins, return_to: FromQuery[str] = "") -> Response[str]:
    """Show the form for name and password."""
    return form_page(f"{logins.base_url}/login", return_to)


@post("/login", status_code=200, opt={"rule": RouteRule(name="/login", permit=_ANYBODY)})
async def log_in_by_form(request: _Request, gateway: _Gateway, logins: _Logins) -> Response[Any]:
    """Log in by the form; the session comes as a cookie."""
    address, fields = admit(gateway, request), await read_form(request)
    name, password = fields.get("username", ""), fields.get("password", "")
    session = await logins.passwords.log_in(name, password, address)
    return_to, done = fields.get("return_to", ""), message_page(f"You are logged in as {session.user_id}.")
    return keep_session(
        Redirect(logins.base_url + return_to, status_code=303) if is_own_path(return_to) else done,
        session,
        is_secure=is_secure(logins),
    )


@post(
    "/v2/login",
    status_code=200,
    opt={"rule": RouteRule(name="/v2/login", permit=_ANYBODY, body=LoginRequest)},
)
async def log_in(request: _Request, gateway: _Gateway, logins: _Logins) -> Response[Any]:
    """Log in by JSON; the session comes as a cookie and in the answer."""
    address = admit(gateway, request)
    body = await _LOGIN.read_from(request)
    session = await logins.passwords.log_in(body.value.username, body.value.password, address)
    told = {"redirect_url": f"{logins.base_url}/ui/?login=success", "token": session.ticket}
    return keep_session(answer(told, body), session, is_secure=is_secure(logins))


@post(
    "/session/logout",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/session/logout",
            permit=allow(Resource.LOGIN, Action.DELETE, Party.CALLER),
            allows_any_key=True,
        )
    },
)
async def log_out(caller: NamedDependency[Principal], logins: _Logins) -> Response[Any]:
    """End the caller's session, or with another key all sessions of its user."""
    count = await logins.sessions.close(caller)
    told = Response({"message": f"{count} session{'' if count == 1 else 's'} ended."})
    return forget_session(told, is_secure=is_secure(logins))


@post(
    "/user/password/change",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/user/password/change",
            permit=allow(Resource.LOGIN, Action.UPDATE, Party.OWNER),
            allows_any_key=True,
            body=ChangePasswordRequest,
        )
    },
)
async def change_password(
    request: _Request, gateway: _Gateway, caller: NamedDependency[Principal], logins: _Logins
) -> Answer:
    """Change the caller's own password."""
    body = await _CHANGE.read_from(request)
    current, new = body.value.current_password, body.value.new_password
    address = admit(gateway, request)
    return answer(await logins.passwords.change_password(caller, current, new, address), body)


async def read_form(request: _Request) -> dict[str, str]:
    """The fields of a posted form. Raises BadRequest."""
    data = await request.body()
    if not request.headers.get("content-type", "").startswith(_FORM) or len(data) > _LONGEST_FORM:
        raise BadRequest(f"Expected a form ({_FORM}) .", type="bad_request_error")
    try:
        return dict(parse_qsl(data.decode(), max_num_fields=_MOST_FIELDS))
    except ValueError:
        raise BadRequest("The form cannot be read.", type="bad_request_error") from None


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (show_form, log_in_by_form, log_in, log_out, change_password)
