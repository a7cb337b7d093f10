"""Tokens with which the gateway itself is known to a server (OAuth 2, client credentials: RFC 6749, 4.4)."""

import asyncio
import base64
from urllib.parse import quote_plus, urlencode

import msgspec

from gateway.clock import Clock
from gateway.errors import UpstreamError, UpstreamGarbled
from gateway.hooks import Forwarder, ForwardRequest
from gateway_mcp.upstreams import McpServer, Upstream

__all__ = ["Tokens"]

_NANOS = 1_000_000_000
_EARLY_SECONDS, _DEFAULT_SECONDS, _FRESH_SECONDS, _SECONDS = 60, 3600, 10, 30.0
_BYTES = 64 * 1024
_OK = 200


class _Granted(msgspec.Struct, frozen=True):
    """What a token endpoint answers (RFC 6749, 5.1)."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105  a scheme
    expires_in: float | None = None

    __repr__ = object.__repr__


class _Kept(msgspec.Struct, frozen=True):
    token: str
    since: int
    ends_at: int

    __repr__ = object.__repr__


class Tokens:
    """Fetches tokens, and keeps them until shortly before they end; everybody who waits shares one call."""

    def __init__(self, forwarder: Forwarder, guarded: Forwarder, clock: Clock) -> None:
        """`guarded` reaches public networks only: for the servers of users."""
        self._forwarder = forwarder
        self._guarded = guarded
        self._clock = clock
        self._kept: dict[Upstream, _Kept] = {}
        self._fetching: dict[Upstream, asyncio.Task[str]] = {}

    async def find(self, upstream: Upstream) -> str:
        """The token for a server. Raises UpstreamError where none is granted."""
        kept = self._kept.get(upstream)
        if kept is not None and self._clock.monotonic_nanos() < kept.ends_at:
            return kept.token
        task = self._fetching.get(upstream)
        if task is None:
            task = self._fetching[upstream] = asyncio.create_task(self._fetch(upstream))
        # Nobody's leaving stops it for the others.
        return await asyncio.shield(task)

    def refuse(self, upstream: Upstream, authorization: str) -> bool:
        """The server has refused a token; says whether another one may be tried: not for a fresh one."""
        kept = self._kept.get(upstream)
        if kept is not None and authorization != f"Bearer {kept.token}":
            return True
        if kept is not None and self._clock.monotonic_nanos() - kept.since < _FRESH_SECONDS * _NANOS:
            return False
        self.forget(upstream)
        return True

    def forget(self, upstream: Upstream) -> None:
        """The server is there no more, or its token does not hold."""
        self._kept.pop(upstream, None)

    async def _fetch(self, upstream: Upstream) -> str:
        try:
            granted = await self._ask(upstream)
            seconds = _DEFAULT_SECONDS if granted.expires_in is None else granted.expires_in
            # A token that ends within the margin is fetched anew after half its time.
            lasts = max(seconds - _EARLY_SECONDS, seconds / 2)
            now = self._clock.monotonic_nanos()
            self._kept[upstream] = _Kept(granted.access_token, now, now + int(lasts * _NANOS))
            return granted.access_token
        finally:
            del self._fetching[upstream]

    async def _ask(self, upstream: Upstream) -> _Granted:
        forwarder = self._guarded if upstream.is_tenants else self._forwarder
        async with forwarder.forward(_build_request(upstream.settings)) as stream:
            chunks: list[bytes] = []
            while chunk := await stream.read_chunk():
                chunks.append(chunk)
        if stream.status != _OK:
            raise UpstreamError(
                f"The token for the MCP server '{upstream.name}' was refused: its 'token_url' answered "
                f"{stream.status}. An administrator can check 'client_id', 'client_secret' and 'scopes'."
            )
        try:
            granted = msgspec.json.decode(b"".join(chunks), type=_Granted)
        except (msgspec.DecodeError, UnicodeDecodeError):
            granted = _Granted("")
        token = granted.access_token
        is_usable = token and token.isascii() and token.isprintable() and " " not in token
        if not is_usable or granted.token_type.lower() != "bearer":
            raise UpstreamGarbled(
                f"The 'token_url' of the MCP server '{upstream.name}' has answered with no bearer token."
            )
        return granted


def _build_request(settings: McpServer) -> ForwardRequest:
    fields = {"grant_type": "client_credentials"}
    if settings.scopes:
        fields["scope"] = " ".join(settings.scopes)
    if settings.audience:
        fields["audience"] = settings.audience
    headers = {
        "accept": "application/json",
        "accept-encoding": "identity",
        "content-type": "application/x-www-form-urlencoded",
    }
    if settings.token_endpoint_auth_method == "client_secret_basic":  # noqa: S105  a method
        pair = f"{quote_plus(settings.client_id)}:{quote_plus(settings.client_secret)}"
        headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        fields |= {"client_id": settings.client_id, "client_secret": settings.client_secret}
    return ForwardRequest(
        method="POST",
        url=settings.token_url,
        headers=tuple(headers.items()),
        body=urlencode(fields).encode(),
        timeout_seconds=_SECONDS,
        silence_seconds=_SECONDS,
        max_response_bytes=_BYTES,
    )
