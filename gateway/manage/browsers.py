"""Who sits before a browser: whoever logged in there, as its session says."""

import base64
import binascii
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Request
from litestar.response import Redirect

from gateway.domain import Principal
from gateway.errors import AuthenticationFailed, ServiceUnavailable
from gateway.identity.keys.rules import DASHBOARD_TEAM
from gateway.identity.login.build import Logins
from gateway.manage.login import head_of
from gateway.manage.login_pages import SESSION_COOKIE
from gateway.runtime import Gateway

__all__ = ["ask_to_log_in", "base_of", "find_session", "find_visitor", "mcp_base_of"]

_Request = Request[Any, Any, Any]
_KEY_PLACE = "x-litellm-api-key"
_LOGIN = "/sso/key/generate"


class _Ticket(msgspec.Struct, frozen=True):
    """What of a session's cookie counts; whatever else it claims, `aud` among it, is not looked at."""

    key: str = ""

    __repr__ = object.__repr__


async def find_visitor(gateway: Gateway, request: _Request) -> Principal | None:
    """Who asks: the caller of the request's key, else of the browser's session; None where nobody is known.

    Raises PermissionDenied, and DatabaseUnavailable.
    """
    try:
        found = await gateway.snapshot.hooks.authenticate(head_of(request))
    except AuthenticationFailed:
        found = None
    return found or await find_session(gateway, request)


async def find_session(gateway: Gateway, request: _Request) -> Principal | None:
    """Who has logged in in this browser, whatever key comes along; None where nobody has.

    Raises PermissionDenied, and DatabaseUnavailable.
    """
    head, key = head_of(request), _read_ticket(request.cookies.get(SESSION_COOKIE, ""))
    if not key:
        return None
    place = (gateway.snapshot.settings.general.key_header_name or _KEY_PLACE).lower()
    alone = msgspec.structs.replace(head, headers={place: f"Bearer {key}"}, query="")
    try:
        found = await gateway.snapshot.hooks.authenticate(alone)
    except AuthenticationFailed:
        return None
    return found if found is not None and found.team_id == DASHBOARD_TEAM else None


def ask_to_log_in(logins: Logins, return_to: str) -> Redirect:
    """Send the browser to the login, and back to a path of ours."""
    query = urlencode({"return_to": return_to})
    headers = {"cache-control": "no-store"}
    return Redirect(f"{logins.base_url}{_LOGIN}?{query}", status_code=303, headers=headers)


def base_of(logins: Logins, request: _Request) -> str:
    """Where browsers reach the gateway. Raises ServiceUnavailable where that cannot be told."""
    base = logins.address(head_of(request))
    if not base:
        message = (
            "The gateway does not know where browsers reach it. An administrator can set PROXY_BASE_URL."
        )
        raise ServiceUnavailable(message)
    return base


def mcp_base_of(gateway: Gateway, logins: Logins, request: _Request) -> str:
    """The address below which clients of MCP find every path. Raises ServiceUnavailable, likewise."""
    base, root = base_of(logins, request), gateway.snapshot.settings.environment.server_root_path
    return base if not root or base.endswith(root) else base + root


def _read_ticket(ticket: str) -> str:
    """The session's key; its signature says nothing that the key does not prove itself."""
    parts = ticket.split(".")
    try:
        body = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        return msgspec.json.decode(body, type=_Ticket).key
    except (IndexError, binascii.Error, ValueError, msgspec.DecodeError):
        return ""
