"""What token endpoints are asked for, and what they grant (RFC 6749, 4 and 5)."""

import base64
from collections.abc import Mapping
from typing import Literal, cast
from urllib.parse import quote_plus

import msgspec

from gateway.errors import UpstreamError, UpstreamGarbled
from gateway_mcp.oauth.network import Network
from gateway_mcp.server_terms import McpServer
from gateway_mcp.upstreams import Upstream

__all__ = ["Client", "Granted", "RefusedGrantError", "ask_for_token", "build_stated"]

Method = Literal["none", "client_secret_basic", "client_secret_post"]


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """As what the gateway is known to an authorization server."""

    client_id: str
    client_secret: str = ""
    method: Method = "none"

    __repr__ = object.__repr__


class Granted(msgspec.Struct, frozen=True):
    """What a token endpoint answers."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105  a scheme
    expires_in: float | None = None
    refresh_token: str = ""
    scope: str = ""
    id_token: str = ""

    __repr__ = object.__repr__


class RefusedGrantError(UpstreamError):
    """The authorization server does not accept the code or the token: only a new login helps."""

    status = 401
    type = "mcp_login_refused"


def build_stated(settings: McpServer) -> Client:
    """As what the operator says that the gateway is known."""
    method = settings.token_endpoint_auth_method or "client_secret_post"
    return Client(client_id=settings.client_id, client_secret=settings.client_secret, method=method)


async def ask_for_token(
    network: Network, upstream: Upstream, endpoint: str, client: Client, fields: Mapping[str, str]
) -> Granted:
    """Ask for a token.

    Raises RefusedGrantError where the server says no, UpstreamGarbled for an answer with no bearer token, and
    UpstreamError where there is none.
    """
    headers, credentials = _authenticate(client)
    answer = await network.post_form(upstream, endpoint, {**fields, **credentials}, headers)
    document = answer.document
    if not answer.is_good:
        reason = str(document.get("error", answer.status))[:100]
        kind = RefusedGrantError if document.get("error") == "invalid_grant" else UpstreamError
        raise kind(
            f"The token for the MCP server '{upstream.name}' was refused: its authorization server says "
            f"{reason}. An administrator can check 'client_id', 'client_secret' and 'scopes'."
        )
    return _check(upstream, document)


def _check(upstream: Upstream, document: Mapping[str, object]) -> Granted:
    """The token of an answer. Raises UpstreamGarbled for one that cannot be sent or accepted."""
    try:
        granted = msgspec.convert(document, Granted)
    except msgspec.ValidationError:
        granted = Granted("")
    token = granted.access_token
    is_usable = token and token.isascii() and token.isprintable() and " " not in token
    if not is_usable or granted.token_type.lower() != "bearer":
        raise UpstreamGarbled(
            f"The authorization server of the MCP server '{upstream.name}' has answered with no bearer token."
        )
    for path, wanted in upstream.settings.token_validation.items():
        if _text(_find(document, path)) != _text(wanted):
            raise UpstreamGarbled(
                f"The token for the MCP server '{upstream.name}' is not one that the operator accepts: "
                f"'{path[:100]}' is another one ('token_validation')."
            )
    return granted


def _authenticate(client: Client) -> tuple[dict[str, str], dict[str, str]]:
    """Header and fields by which the gateway says who it is (RFC 6749, 2.3.1)."""
    if client.method == "client_secret_basic":
        pair = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
        return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}, {}
    if client.method == "client_secret_post":
        return {}, {"client_id": client.client_id, "client_secret": client.client_secret}
    return {}, {"client_id": client.client_id}


def _find(document: Mapping[str, object], path: str) -> object:
    """A member by its name, or by the names from the outermost to it with dots between them."""
    if path in document:
        return document[path]
    found: object = document
    for name in path.split("."):
        found = cast("Mapping[str, object]", found).get(name) if isinstance(found, dict) else None
    return found


def _text(value: object) -> str:
    """A value as settings write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
