"""The routes by which a console logs in at one MCP server, stored or not yet, and gets the tokens."""

import re
from typing import Any
from urllib.parse import urlsplit

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.access.rules import RouteRule
from gateway.domain import McpLoginClient, McpServerRecord, Principal
from gateway.errors import AuthenticationFailed, BadRequest
from gateway.identity.grants.clients import fits
from gateway.identity.grants.refusals import OAuthRefusal
from gateway.identity.login.build import Logins
from gateway.inventory.mcp.request import NewMcpServerRequest
from gateway.inventory.mcp.user_credentials import user_of
from gateway.inventory.services import Inventory
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.browsers import ask_to_log_in, base_of, find_visitor
from gateway.manage.login import admit
from gateway.manage.mcp_handovers import redeem
from gateway.manage.mcp_logins import begin_login
from gateway.manage.mcp_renewals import renew
from gateway.manage.mcp_surroundings import surroundings
from gateway.manage.oauth_answers import OAUTH_ERRORS, oauth_answer, read_fields, read_once
from gateway.manage.oauth_authorize import path_of
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_NEW = BodyReader(NewMcpServerRequest)
_SESSION, _ONE = "/v1/mcp/server/oauth/session", "/v1/mcp/server/oauth/{server_id}"
_PATH = "/v1/mcp/server/oauth/{server_id:str}"
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
_LONGEST = 1_024
_NAME = "gatewright"
_PUBLIC = allow(Resource.MCP_CREDENTIAL, Action.CREATE, Party.ANYBODY)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]
_Logins = NamedDependency[Logins]


class ClientQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What a console asks for; the gateway is known at the server by a name of its own."""

    redirect_uri: str
    client_id: str = ""
    response_type: str = "code"
    code_challenge: str = ""
    code_challenge_method: str = ""
    state: str = ""
    scope: str = ""


@post(
    _SESSION,
    status_code=200,
    opt={
        "rule": RouteRule(
            name=_SESSION, permit=allow(Resource.MCP_SERVER, Action.RUN), body=NewMcpServerRequest
        )
    },
)
async def begin_session(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> Answer:
    """Put an MCP server down for five minutes, to log in at it before it is stored."""
    body = await _NEW.read_from(request)
    around, vouchers = surroundings(gateway), gateway.parts.vouchers
    return answer(await inventory.mcp_trials.begin(caller, body.sent, around, vouchers), body)


@get(
    f"{_PATH}/authorize",
    opt={"rule": RouteRule(name=f"{_ONE}/authorize", permit=_PUBLIC, query=ClientQuery)},
)
async def log_in(
    request: _Request, gateway: _Gateway, inventory: _Inventory, logins: _Logins, server_id: FromPath[str]
) -> Response[Any]:
    """Send a browser to where its user logs in at an MCP server; a code for the tokens comes back."""
    admit(gateway, request)
    visitor = await find_visitor(gateway, request)
    if visitor is None:
        return ask_to_log_in(logins, path_of(request, f"/v1/mcp/server/oauth/{server_id}/authorize"))
    query = read_once(list(request.query_params.multi_items()))
    client = _read_client(query, base_of(logins, request))
    identifier, record = await _find(gateway, inventory, visitor, server_id)
    scope = query.get("scope", "")
    return await begin_login(
        gateway, logins, request, visitor, identifier, scope=scope, client=client, server=record
    )


@post(
    f"{_PATH}/token",
    status_code=200,
    opt={"rule": RouteRule(name=f"{_ONE}/token", permit=_PUBLIC)},
    exception_handlers=OAUTH_ERRORS,
)
async def get_tokens(
    request: _Request, gateway: _Gateway, inventory: _Inventory, server_id: FromPath[str]
) -> Response[bytes]:
    """Give the tokens of a login for its code, or renewed ones, to the user who has logged in."""
    admit(gateway, request)
    visitor = await find_visitor(gateway, request)
    if visitor is None:
        raise AuthenticationFailed("Send a key of the gateway, or log in.")
    fields = await read_fields(request)
    kind, user_id = fields.get("grant_type"), user_of(visitor)
    if kind == "authorization_code":
        return oauth_answer(await redeem(gateway, fields, user_id))
    if kind == "refresh_token":
        identifier, record = await _find(gateway, inventory, visitor, server_id)
        return oauth_answer(await renew(gateway, fields, user_id, identifier, record))
    message = "'grant_type' is 'authorization_code' or 'refresh_token'."
    raise OAuthRefusal("unsupported_grant_type", message)


@post(
    f"{_PATH}/register",
    status_code=200,
    opt={
        "rule": RouteRule(
            name=f"{_ONE}/register",
            permit=allow(Resource.MCP_CREDENTIAL, Action.CREATE, Party.CALLER),
            allows_any_key=True,
        )
    },
    exception_handlers=OAUTH_ERRORS,
)
async def register(
    request: _Request,
    caller: _Caller,
    gateway: _Gateway,
    inventory: _Inventory,
    logins: _Logins,
    server_id: FromPath[str],
) -> Response[bytes]:
    """Say under which name a console asks: the gateway registers itself at the server when it is needed."""
    await _find(gateway, inventory, caller, server_id)
    told = {
        "client_id": _NAME,
        "client_name": _NAME,
        "redirect_uris": [base_of(logins, request)],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    }
    return oauth_answer(told)


async def _find(
    gateway: Gateway, inventory: Inventory, visitor: Principal, name: str
) -> tuple[str, McpServerRecord | None]:
    """The server that was put down, else the one that is stored. Raises NotFound."""
    record = await inventory.mcp_trials.find(visitor, name, gateway.parts.vouchers)
    if record is not None:
        return record.server_id, record
    server = await inventory.mcp_tokens.find_server(visitor, name, surroundings(gateway))
    return str(server["server_id"]), None


def _read_client(query: dict[str, str], base: str) -> McpLoginClient:
    """Who waits for the code: on the gateway's own site, or on the user's machine. Raises BadRequest."""
    uri, challenge, state = (
        query.get("redirect_uri", ""),
        query.get("code_challenge", ""),
        query.get("state", ""),
    )
    if not _is_near(uri, base):
        raise BadRequest(
            "'redirect_uri' is on the gateway's site, or on the same machine.", param="redirect_uri"
        )
    if query.get("response_type", "code") != "code":
        raise BadRequest("'response_type' is 'code'.", param="response_type")
    if query.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(challenge):
        raise BadRequest("PKCE with 'code_challenge_method' S256 is required.", param="code_challenge")
    if len(state) > _LONGEST:
        raise BadRequest(f"'state' has at most {_LONGEST} characters.", param="state")
    return McpLoginClient(redirect_uri=uri, challenge=challenge, state=state)


def _is_near(uri: str, base: str) -> bool:
    if len(uri) > _LONGEST or not (uri.isascii() and uri.isprintable()) or "#" in uri or "\\" in uri:
        return False
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    own = urlsplit(base)
    if (parts.scheme, parts.netloc) == (own.scheme, own.netloc):
        return True
    # The port and the path are free there.
    return parts.scheme == "http" and parts.hostname in _HERE and fits(uri, [uri])


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (begin_session, log_in, get_tokens, register)
