"""Tokens that the gateway gets for those of its callers.

By RFC 8693, as Entra does it on behalf of somebody, or with an assertion of the identity provider (ID-JAG:
https://datatracker.ietf.org/doc/draft-ietf-oauth-identity-assertion-authz-grant/).
"""

import binascii
from base64 import urlsafe_b64decode
from functools import partial

import msgspec

from gateway.clock import Clock
from gateway.errors import AuthenticationFailed
from gateway.hooks import RequestHead
from gateway_mcp.oauth.grants import Granted, Grants, RefusedGrantError, build_redeeming, build_stated
from gateway_mcp.oauth.keeping import Keeping
from gateway_mcp.oauth.network import Network
from gateway_mcp.server_terms import McpServer
from gateway_mcp.upstreams import Upstream

__all__ = ["Exchanges", "TokenRefusedError", "find_subject"]

_CAPACITY = 4_096
_NANOS = 1_000_000_000
_LONGEST = 16 * 1024
"""Characters of a caller's token."""
_MOST_SECONDS = 86_400.0
_PLACES = ("authorization", "x-litellm-api-key")
_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  the name of a type
_ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105  likewise
_JAG = "urn:ietf:params:oauth:token-type:id-jag"
_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_Key = tuple[Upstream, str]


class TokenRefusedError(AuthenticationFailed):
    """The authorization server of a server does not take the caller's token."""

    type = "mcp_token_refused"


class _Claims(msgspec.Struct, frozen=True):
    exp: float | None = None
    gatewright_use: str | None = None
    """With this the gateway has made it, for its own clients."""


class Exchanges:
    """Exchanges tokens, each once for all requests of its caller, and keeps what comes of it.

    That is forgotten with the caller's token at the latest.
    """

    def __init__(self, network: Network, clock: Clock) -> None:
        self._grants = Grants(network, clock)
        self._clock = clock
        self._kept: Keeping[_Key] = Keeping(clock, _CAPACITY, (TokenRefusedError,))

    async def find(self, upstream: Upstream, subject: str) -> str:
        """The token for a server in the place of a caller's.

        Raises TokenRefusedError where the caller's is not taken, UpstreamError where there is none.
        """
        most_seconds = self._left(subject)
        if most_seconds <= 0:
            raise _refuse(upstream, "it is over")
        return await self._kept.find((upstream, subject), partial(self._ask, upstream, subject), most_seconds)

    async def renew(self, upstream: Upstream, authorization: str) -> str | None:
        """Another token in the place of one that the server refuses; None where it refuses a fresh one."""
        token = authorization.removeprefix("Bearer ")
        key = self._kept.find_key(token)
        if key is None or key[0] is not upstream or not self._kept.take_back(key, token):
            return None
        return await self.find(*key)

    def forget(self, upstream: Upstream) -> None:
        """The server is there no more."""
        self._kept.forget(key for key in self._kept.list_keys() if key[0] is upstream)

    async def _ask(self, upstream: Upstream, subject: str) -> Granted:
        settings, grants = upstream.settings, self._grants
        client, fields = build_stated(settings), _fields_of(settings, subject)
        endpoint = settings.token_exchange_endpoint
        try:
            if settings.asserts_identities:
                assertion = await grants.ask_for_assertion(upstream, endpoint, client, fields)
                endpoint = settings.id_jag_resource_token_endpoint
                client, fields = build_redeeming(settings), {"grant_type": _BEARER, "assertion": assertion}
            return await grants.ask(upstream, endpoint, client, fields)
        except RefusedGrantError:
            raise _refuse(upstream, "its authorization server does not take it") from None

    def _left(self, subject: str) -> float:
        """Seconds until the caller's token ends, a day for one that does not say."""
        ends = _read_end(subject)
        return _MOST_SECONDS if ends is None else ends - self._clock.now_nanos() / _NANOS


def find_subject(head: RequestHead) -> str:
    """The token of an identity provider that a caller has sent; empty for one that sends none.

    It has the form of a JWT, and none that the gateway says to have made: its keys and tokens go nowhere.
    """
    for place in _PLACES:
        scheme, _, rest = head.headers.get(place, "").strip().partition(" ")
        token = rest.strip() if scheme.lower() == "bearer" else scheme
        is_jwt = token.startswith("ey") and token.count(".") == 2 and len(token) <= _LONGEST  # noqa: PLR2004  three parts
        if is_jwt and _read_claims(token).gatewright_use is None:
            return token
    return ""


def _fields_of(settings: McpServer, subject: str) -> dict[str, str]:
    if settings.is_entras:
        fields = {"grant_type": _BEARER, "assertion": subject, "requested_token_use": "on_behalf_of"}
    else:
        usual, wanted = (_ID_TOKEN, _JAG) if settings.asserts_identities else (_TOKEN_TYPE, _TOKEN_TYPE)
        fields = {
            "grant_type": _EXCHANGE,
            "subject_token": subject,
            "subject_token_type": settings.subject_token_type or usual,
            "requested_token_type": wanted,
            "audience": settings.audience or "",
            "resource": settings.id_jag_resource or settings.resource,
        }
    fields["scope"] = " ".join(settings.scopes)
    return {name: value for name, value in fields.items() if value}


def _read_end(token: str) -> float | None:
    """When a token ends, in seconds since 1970, as it says itself: whoever grants another one checks it."""
    return _read_claims(token).exp


def _read_claims(token: str) -> _Claims:
    """What a token says; nothing where that cannot be read."""
    body = token.split(".")[1]
    try:
        claims = urlsafe_b64decode(body + "=" * (-len(body) % 4))
        return msgspec.json.decode(claims, type=_Claims)
    except (binascii.Error, ValueError, msgspec.DecodeError, RecursionError):
        return _Claims()


def _refuse(upstream: Upstream, reason: str) -> TokenRefusedError:
    return TokenRefusedError(
        f"The MCP server '{upstream.name}' is asked with a token that the gateway gets for yours, and "
        f"{reason}. Get a new one from your identity provider.",
        param="mcp_server",
    )
