"""The applications that may speak with MCP servers, where the operator has listed them."""

from gateway.errors import PermissionDenied
from gateway.hooks import McpSource, RequestContext

__all__ = ["Clients"]

_SETTING = "general_settings.mcp_allowed_clients"
_SOURCES = "'general_settings.mcp_client_id_header' or 'litellm_jwtauth.mcp_client_id_jwt_field'"
_SHOWN = 100


class Clients:
    """Refuses applications that may not ask for anything of MCP, by what `source` says of them now.

    Whoever has a token that names applications is the one of its token. All others are what they say
    themselves.
    """

    def __init__(self, source: McpSource) -> None:
        self._source = source

    def check(self, context: RequestContext) -> None:
        """Raise PermissionDenied for an application that is not allowed, or that is not known."""
        clients = self._source.clients
        if clients.allowed is None:
            return
        named, header = context.principal.client_application, clients.id_header.lower()
        told = context.head.headers.get(header, "") if named is None else named
        if told and told in clients.allowed:
            return
        reason = _explain(told, header, from_token=named is not None)
        raise PermissionDenied(
            f"{reason} An administrator decides in '{_SETTING}' which ones reach MCP servers here.",
            param="mcp_client",
            type="mcp_client_access_denied",
        )


def _explain(told: str, header: str, *, from_token: bool) -> str:
    if told:
        return f"The application '{told[:_SHOWN]}' may not speak with MCP servers."
    if from_token:
        return "The token does not name the application that it was issued to."
    if header:
        return f"The header '{header}' is missing: it says which application is asking."
    return f"No application can be told apart: neither {_SOURCES} is set."
