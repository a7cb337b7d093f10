"""The applications that may speak with MCP servers, where the operator has listed them."""

from collections.abc import Collection

import msgspec

from gateway.errors import PermissionDenied
from gateway.hooks import RequestContext

__all__ = ["AllowedClient", "Clients"]

_SETTING = "general_settings.mcp_allowed_clients"
_SOURCES = "'general_settings.mcp_client_id_header' or 'litellm_jwtauth.mcp_client_id_jwt_field'"
_SHOWN = 100


class AllowedClient(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An application that may: what people call it, and what it says that it is."""

    alias: str
    value: str


class Clients:
    """Which applications may ask for anything of MCP; with `allowed` None all of them.

    Whoever has a token that names applications is the one of its token. All others are what they say
    themselves in `header`, if there is one.
    """

    def __init__(self, allowed: Collection[AllowedClient] | None, header: str) -> None:
        self._allowed = None if allowed is None else frozenset(one.value for one in allowed)
        self._header = header.lower()

    def check(self, context: RequestContext) -> None:
        """Raise PermissionDenied for an application that is not allowed, or that is not known."""
        if self._allowed is None:
            return
        named = context.principal.client_application
        told = context.head.headers.get(self._header, "") if named is None else named
        if told and told in self._allowed:
            return
        raise PermissionDenied(
            f"{self._explain(told, from_token=named is not None)} An administrator decides in '{_SETTING}' "
            "which ones reach MCP servers here.",
            param="mcp_client",
            type="mcp_client_access_denied",
        )

    def _explain(self, told: str, *, from_token: bool) -> str:
        if told:
            return f"The application '{told[:_SHOWN]}' may not speak with MCP servers."
        if from_token:
            return "The token does not name the application that it was issued to."
        if self._header:
            return f"The header '{self._header}' is missing: it says which application is asking."
        return f"No application can be told apart: neither {_SOURCES} is set."
