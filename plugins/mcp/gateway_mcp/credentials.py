"""What a server is asked with, on behalf of a caller."""

from gateway.errors import AuthenticationFailed
from gateway.hooks import HeaderPairs, McpSource, RequestContext
from gateway_mcp.upstreams import Upstream

__all__ = ["CredentialMissingError", "Credentials"]


class CredentialMissingError(AuthenticationFailed):
    """A server asks each user for a credential, and the caller's user has stored none."""

    type = "mcp_credential_missing"


class Credentials:
    """The headers by which a server knows the gateway or the caller."""

    def __init__(self, source: McpSource) -> None:
        self._source = source

    async def list_headers(self, upstream: Upstream, context: RequestContext) -> HeaderPairs:
        """The headers for a server, names in lower case; they win over those of the client.

        Raises CredentialMissingError, and DatabaseUnavailable where it cannot be looked up.
        """
        if not upstream.settings.is_byok:
            return tuple(upstream.settings.headers().items())
        user_id = context.principal.user_id
        given = await self._source.find_credential(user_id, upstream.id) if user_id else None
        if not given:
            raise CredentialMissingError(
                f"The MCP server '{upstream.name}' is asked with a credential of your own; there is none. "
                f"Store it: POST /v1/mcp/server/{upstream.id}/user-credential.",
                param="mcp_server",
            )
        return tuple(upstream.settings.headers(given).items())

    def audience(self, upstream: Upstream, context: RequestContext) -> str:
        """For whom what a server lists is meant: callers with one text may see what another one was told."""
        if not upstream.settings.is_byok:
            return upstream.id
        return f"{upstream.id}\n{context.principal.user_id or ''}"
