"""What token endpoints are asked for, and what they grant (RFC 6749, 4 and 5)."""

import base64
from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from typing import Any, Literal, cast
from urllib.parse import quote_plus

import msgspec

from gateway.clock import Clock
from gateway.errors import UpstreamError, UpstreamGarbled
from gateway_mcp.oauth.network import Network
from gateway_mcp.server_terms import McpServer
from gateway_mcp.token_terms import ASSERTIONS, TokenMethod
from gateway_mcp.upstreams import Upstream

__all__ = [
    "Client",
    "Granted",
    "Grants",
    "Method",
    "RefusedGrantError",
    "build_redeeming",
    "build_stated",
    "update_stated",
]

Method = Literal["none"] | TokenMethod

_NANOS = 1_000_000_000
_MOST_KEYS = 256
_SIGNED: Method = "private_key_jwt"
_POSTED: Method = "client_secret_post"


class Client(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """As what the gateway is known to an authorization server.

    A private key is none of it, so that nobody stores one: the settings have it. What is signed with it is
    for the `audience`, without one for the token endpoint.
    """

    client_id: str
    client_secret: str = ""
    method: Method = "none"
    audience: str = ""

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


class Grants:
    """Asks token endpoints."""

    def __init__(self, network: Network, clock: Clock) -> None:
        self._network = network
        self._clock = clock
        # To read a key takes as long as a hundred signatures.
        self._read_signer = lru_cache(_MOST_KEYS)(_read_signer)

    async def ask(
        self, upstream: Upstream, endpoint: str, client: Client, fields: Mapping[str, str]
    ) -> Granted:
        """Ask for a token.

        Raises RefusedGrantError where the server says no, UpstreamGarbled for an answer with no bearer token,
        and UpstreamError where there is none.
        """
        return _check(upstream, await self._post(upstream, endpoint, client, fields))

    async def ask_for_assertion(
        self, upstream: Upstream, endpoint: str, client: Client, fields: Mapping[str, str]
    ) -> str:
        """Ask for what another authorization server takes for a token: `fields` say of which type.

        Raises as `ask`.
        """
        document = await self._post(upstream, endpoint, client, fields)
        assertion = document.get("access_token")
        is_wanted = document.get("issued_token_type") == fields["requested_token_type"]
        if is_wanted and isinstance(assertion, str) and assertion:
            return assertion
        raise UpstreamGarbled(
            f"The identity provider of the MCP server '{upstream.name}' has answered with no assertion."
        )

    async def _post(
        self, upstream: Upstream, endpoint: str, client: Client, fields: Mapping[str, str]
    ) -> dict[str, object]:
        headers, credentials = self._authenticate(upstream, endpoint, client)
        answer = await self._network.post_form(upstream, endpoint, {**fields, **credentials}, headers)
        document = answer.document
        if not answer.is_good:
            reason = str(document.get("error", answer.status))[:100]
            kind = RefusedGrantError if document.get("error") == "invalid_grant" else UpstreamError
            identifier, proof = _name_settings(upstream.settings, client)
            raise kind(
                f"The token for the MCP server '{upstream.name}' was refused: its authorization server says "
                f"{reason}. An administrator can check '{identifier}', '{proof}' and 'scopes'."
            )
        return document

    def _authenticate(
        self, upstream: Upstream, endpoint: str, client: Client
    ) -> tuple[dict[str, str], dict[str, str]]:
        """Header and fields by which the gateway says who it is (RFC 6749, 2.3.1; RFC 7523, 2.2)."""
        if client.method == "client_secret_basic":
            pair = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
            return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}, {}
        named = {"client_id": client.client_id}
        if client.method == _POSTED:
            return {}, {**named, "client_secret": client.client_secret}
        if client.method != _SIGNED:
            return {}, named
        settings = upstream.settings
        if not settings.client_private_key:
            raise UpstreamError(
                f"The MCP server '{upstream.name}' has no 'client_private_key' any more, with which the "
                "gateway was to prove who it is. An administrator can set it."
            )
        signer = self._read_signer(settings.client_private_key, settings.client_assertion_signing_alg)
        now, audience = self._clock.now_nanos() // _NANOS, client.audience or endpoint
        return {}, {
            **named,
            **signer.prove(client.client_id, audience, settings.client_private_key_id, now),
        }


def build_stated(settings: McpServer, method: Method = _POSTED, issuer: str = "") -> Client:
    """As what the operator says that the gateway is known at an `issuer`; `method` where that is not said."""
    chosen = settings.token_endpoint_auth_method or method
    return Client(
        client_id=settings.client_id,
        client_secret=settings.client_secret,
        method=_SIGNED if settings.client_private_key else chosen if settings.client_secret else "none",
        audience=(settings.issuer or issuer) if settings.client_private_key else "",
    )


def build_redeeming(settings: McpServer) -> Client:
    """As what the gateway is known where it redeems assertions; the operator may name a client for that."""
    identifier, secret = settings.id_jag_resource_client_id, settings.id_jag_resource_client_secret
    if not identifier:
        return build_stated(settings)
    if not secret:
        return Client(client_id=identifier, method=_SIGNED)
    stated = settings.token_endpoint_auth_method or _POSTED
    return Client(client_id=identifier, client_secret=secret, method=_POSTED if stated == _SIGNED else stated)


def update_stated(settings: McpServer, client: Client) -> Client:
    """The same client with what the operator says of it by now: secrets and keys are replaced."""
    if not settings.client_id or client.client_id != settings.client_id:
        return client
    return build_stated(settings, client.method if client.client_secret else _POSTED, client.audience)


def _name_settings(settings: McpServer, client: Client) -> tuple[str, str]:
    """What the settings of a client are called: its id, and how it proves who it is."""
    is_redeeming = settings.id_jag_resource_client_id and client == build_redeeming(settings)
    prefix = "id_jag_resource_" if is_redeeming else ""
    proof = "client_private_key" if client.method == _SIGNED else f"{prefix}client_secret"
    return f"{prefix}client_id", proof


def _read_signer(pem: str, algorithm: str) -> Any:
    return import_module(ASSERTIONS).read_signer(pem, algorithm)


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
