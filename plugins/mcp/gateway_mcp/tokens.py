"""Tokens with which the gateway itself is known to a server (OAuth 2, client credentials: RFC 6749, 4.4)."""

import asyncio

import msgspec

from gateway.clock import Clock
from gateway_mcp.oauth.grants import Client, ask_for_token
from gateway_mcp.oauth.network import Network
from gateway_mcp.upstreams import McpServer, Upstream

__all__ = ["Tokens"]

_NANOS = 1_000_000_000
_EARLY_SECONDS, _DEFAULT_SECONDS, _FRESH_SECONDS = 60, 3600, 10


class _Kept(msgspec.Struct, frozen=True):
    token: str
    since: int
    ends_at: int

    __repr__ = object.__repr__


class Tokens:
    """Fetches tokens, and keeps them until shortly before they end; everybody who waits shares one call."""

    def __init__(self, network: Network, clock: Clock) -> None:
        self._network = network
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

    async def renew(self, upstream: Upstream, authorization: str) -> str | None:
        """Another token in the place of one that the server refuses; None where it refuses a fresh one."""
        kept = self._kept.get(upstream)
        if kept is not None and authorization == f"Bearer {kept.token}":
            if self._clock.monotonic_nanos() - kept.since < _FRESH_SECONDS * _NANOS:
                return None
            self.forget(upstream)
        return await self.find(upstream)

    def forget(self, upstream: Upstream) -> None:
        """The server is there no more, or its token does not hold."""
        self._kept.pop(upstream, None)

    async def _fetch(self, upstream: Upstream) -> str:
        try:
            settings = upstream.settings
            client = _client_of(settings)
            granted = await ask_for_token(
                self._network, upstream, settings.token_url, client, _fields_of(settings)
            )
            seconds = _DEFAULT_SECONDS if granted.expires_in is None else granted.expires_in
            # A token that ends within the margin is fetched anew after half its time.
            lasts = max(seconds - _EARLY_SECONDS, seconds / 2)
            now = self._clock.monotonic_nanos()
            self._kept[upstream] = _Kept(granted.access_token, now, now + int(lasts * _NANOS))
            return granted.access_token
        finally:
            del self._fetching[upstream]


def _client_of(settings: McpServer) -> Client:
    method = settings.token_endpoint_auth_method or "client_secret_post"
    return Client(client_id=settings.client_id, client_secret=settings.client_secret, method=method)


def _fields_of(settings: McpServer) -> dict[str, str]:
    fields = {"grant_type": "client_credentials"}
    if settings.scopes:
        fields["scope"] = " ".join(settings.scopes)
    if settings.audience:
        fields["audience"] = settings.audience
    if settings.upstream_resource:
        fields["resource"] = settings.upstream_resource
    return fields
