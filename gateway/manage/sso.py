"""The routes of logging in at an identity provider."""

from typing import Any
from urllib.parse import quote

import msgspec
from litestar import Request, Response, get
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery
from litestar.response import Redirect

from gateway.access.rules import RouteRule
from gateway.db.rows import Columns
from gateway.errors import NotFound
from gateway.identity.login.build import Logins
from gateway.identity.login.sso.answer import Arrived, SsoAnswer
from gateway.manage.login import admit, is_secure
from gateway.manage.login_pages import (
    CONFIRM_COOKIE,
    code_page,
    facts_page,
    form_page,
    keep_session,
    message_page,
)
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_CARRIED = "gatewright_login"
_PATH = "/sso"
_SECONDS = 600
_TERMINALS = "litellm-cli"
_LONGEST_ID = 128
_PUBLIC = allow(Resource.LOGIN, Action.READ, Party.ANYBODY)
_Request = Request[Any, Any, Any]
_Gateway = NamedDependency[Gateway]
_Logins = NamedDependency[Logins]


class CallbackQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What an identity provider says in the address to which it sends a browser back."""

    state: str | None = None
    code: str | None = None
    error: str | None = None
    iss: str | None = None


@get("/sso/key/generate", opt={"rule": RouteRule(name="/sso/key/generate", permit=_PUBLIC)})
async def begin_login(
    request: _Request,
    gateway: _Gateway,
    logins: _Logins,
    return_to: FromQuery[str] = "",
    source: FromQuery[str] = "",
    key: FromQuery[str] = "",
    existing_key: FromQuery[str] = "",  # noqa: ARG001  the contract's; an address carries no secret here
    user_code: FromQuery[str] = "",  # noqa: ARG001  the contract's; whoever logs in types it from the terminal
) -> Response[Any]:
    """Send a browser to the identity provider; without one, show the form for name and password."""
    admit(gateway, request)
    sso = logins.sso
    if sso is None:
        return form_page(f"{logins.base_url}/login", return_to)
    terminal = key[:_LONGEST_ID] if source == _TERMINALS else ""
    return _send(logins, *await sso.begin(return_to, terminal))


@get("/sso/debug/login", opt={"rule": RouteRule(name="/sso/debug/login", permit=_PUBLIC)})
async def begin_trial(request: _Request, gateway: _Gateway, logins: _Logins) -> Response[Any]:
    """Send a browser to the identity provider to see what it says of who logs in; no session is opened."""
    admit(gateway, request)
    if logins.sso is None:
        raise NotFound("This gateway has no identity provider to try out.")
    return _send(logins, *await logins.sso.begin_trial())


@get(
    ["/sso/callback", "/sso/debug/callback"],
    opt={"rule": RouteRule(name="/sso/callback", permit=_PUBLIC, query=CallbackQuery)},
)
async def finish_login(request: _Request, gateway: _Gateway, logins: _Logins) -> Response[Any]:
    """Take a browser back from the identity provider, and open its session."""
    admit(gateway, request)
    sso = logins.sso
    if sso is None:
        return message_page("This gateway has no identity provider.", 404)
    # `state` is a word of the framework's, so none of these can be a parameter.
    said = request.query_params
    answer = SsoAnswer(
        state=said.get("state"), code=said.get("code"), error=said.get("error"), issuer=said.get("iss")
    )
    arrived = await sso.finish(answer, request.cookies.get(_CARRIED))
    if arrived.told is not None:
        return _show(logins, arrived.told)
    if arrived.terminal:
        return _ask_for_code(logins, arrived)
    session = await logins.sessions.open(arrived.user, "sso")
    done: Response[Any]
    if arrived.return_to:
        done = Redirect(logins.base_url + arrived.return_to, status_code=303)
    else:
        done = message_page(f"You are logged in as {session.user_id}.")
    done.set_cookie(_cookie(logins, _CARRIED, "", 0))
    return keep_session(done, session, is_secure=is_secure(logins))


def _send(logins: Logins, address: str, carried: str) -> Response[Any]:
    """Send a browser to the provider, with what it carries meanwhile."""
    redirect = Redirect(address, status_code=303, headers={"cache-control": "no-store"})
    redirect.set_cookie(_cookie(logins, _CARRIED, carried, _SECONDS))
    return redirect


def _show(logins: Logins, told: Columns) -> Response[Any]:
    """The page that shows somebody what the provider says of them."""
    facts = msgspec.json.format(msgspec.json.encode(told, enc_hook=str), indent=2).decode()
    page = facts_page("The identity provider says this of you. You are not logged in.", facts)
    page.set_cookie(_cookie(logins, _CARRIED, "", 0))
    return page


def _ask_for_code(logins: Logins, arrived: Arrived) -> Response[Any]:
    """The page on which somebody confirms the terminal that they logged in for."""
    terminal = quote(arrived.terminal, safe="")
    page = code_page(f"{logins.base_url}/sso/cli/complete/{terminal}")
    page.set_cookie(_cookie(logins, _CARRIED, "", 0))
    carried = logins.terminals.carry(arrived.terminal, str(arrived.user["user_id"]))
    page.set_cookie(_cookie(logins, CONFIRM_COOKIE, carried, _SECONDS))
    return page


@get(
    "/sso/readiness",
    opt={"rule": RouteRule(name="/sso/readiness", permit=allow(Resource.LOGIN, Action.READ))},
)
async def show_readiness(logins: _Logins) -> dict[str, object]:
    """Whether people can log in at an identity provider, and at which."""
    sso = logins.sso
    if sso is None:
        return {"status": "healthy", "sso_configured": False, "message": "No SSO provider configured"}
    return {
        "status": "healthy",
        "sso_configured": True,
        "provider": sso.name,
        "message": f"{sso.name.capitalize()} SSO is properly configured",
    }


@get(
    "/sso/get/ui_settings",
    opt={
        "rule": RouteRule(
            name="/sso/get/ui_settings",
            permit=allow(Resource.LOGIN, Action.READ, Party.CALLER),
            allows_any_key=True,
        )
    },
)
async def show_ui_settings(logins: _Logins) -> dict[str, object]:
    """What a console needs to know of the gateway."""
    return {
        "PROXY_BASE_URL": logins.base_url or None,
        "PROXY_LOGOUT_URL": None,
        "LITELLM_UI_API_DOC_BASE_URL": None,
        "DEFAULT_TEAM_DISABLED": False,
        "SSO_ENABLED": logins.sso is not None,
        "NUM_SPEND_LOGS_ROWS": 0,
        "DISABLE_EXPENSIVE_DB_QUERIES": False,
    }


@get(
    ["/.well-known/litellm-ui-config", "/litellm/.well-known/litellm-ui-config"],
    opt={"rule": RouteRule(name="/.well-known/litellm-ui-config", permit=_PUBLIC)},
)
async def show_discovery(gateway: _Gateway, logins: _Logins) -> dict[str, object]:
    """What a console needs to know before anybody has logged in."""
    return {
        "server_root_path": gateway.snapshot.settings.environment.server_root_path,
        "proxy_base_url": logins.base_url or None,
        "auto_redirect_to_sso": False,
        "admin_ui_disabled": True,
        "sso_configured": logins.sso is not None,
        "hide_default_credentials_hint": True,
        "is_control_plane": False,
        "mcp_stdio_enabled": False,
        "workers": [],
    }


def _cookie(logins: Logins, name: str, value: str, seconds: int) -> Cookie:
    # Lax, for the browser comes back by a link of another site.
    return Cookie(
        key=name,
        value=value,
        max_age=seconds,
        path=_PATH,
        httponly=True,
        secure=is_secure(logins),
        samesite="lax",
    )


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    begin_login,
    begin_trial,
    finish_login,
    show_readiness,
    show_ui_settings,
    show_discovery,
)
