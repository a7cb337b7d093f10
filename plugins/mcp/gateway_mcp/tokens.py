"""Tokens with which the gateway itself is known to a server (OAuth 2, client credentials: RFC 6749, 4.4)."""

from functools import partial

from gateway.clock import Clock
from gateway_mcp.oauth.grants import Granted, Grants, build_stated
from gateway_mcp.oauth.keeping import Keeping
from gateway_mcp.oauth.network import Network
from gateway_mcp.server_terms import McpServer
from gateway_mcp.upstreams import Upstream

__all__ = ["Tokens"]

_CAPACITY = 4_096


class Tokens:
    """Fetches tokens, one for all callers of a server, and keeps them."""

    def __init__(self, network: Network, clock: Clock) -> None:
        self._grants = Grants(network, clock)
        self._kept: Keeping[Upstream] = Keeping(clock, _CAPACITY)

    async def find(self, upstream: Upstream) -> str:
        """The token for a server. Raises UpstreamError where none is granted."""
        return await self._kept.find(upstream, partial(self._ask, upstream))

    async def renew(self, upstream: Upstream, authorization: str) -> str | None:
        """Another token in the place of one that the server refuses; None where it refuses a fresh one."""
        if not self._kept.take_back(upstream, authorization.removeprefix("Bearer ")):
            return None
        return await self.find(upstream)

    def forget(self, upstream: Upstream) -> None:
        """The server is there no more, or its token does not hold."""
        self._kept.forget((upstream,))

    async def _ask(self, upstream: Upstream) -> Granted:
        settings = upstream.settings
        client = build_stated(settings)
        return await self._grants.ask(upstream, settings.token_url, client, _fields_of(settings))


def _fields_of(settings: McpServer) -> dict[str, str]:
    fields = {
        "grant_type": "client_credentials",
        "scope": " ".join(settings.scopes),
        "audience": settings.audience or "",
        "resource": settings.resource,
    }
    return {name: value for name, value in fields.items() if value}
