"""What a server is asked with, on behalf of a caller."""

from gateway.hooks import HeaderPairs, RequestContext
from gateway_mcp.upstreams import Upstream

__all__ = ["Credentials"]


class Credentials:
    """The headers by which a server knows the gateway or the caller."""

    async def list_headers(self, upstream: Upstream, context: RequestContext) -> HeaderPairs:
        """The headers for a server, names in lower case; they win over those of the client."""
        del context
        return tuple(upstream.settings.headers().items())

    def audience(self, upstream: Upstream, context: RequestContext) -> str:
        """For whom what a server lists is meant: callers with one text may see what another one was told."""
        del context
        return upstream.id
