"""Web pages that speak with MCP servers: none but those that the operator knows."""

from collections.abc import Collection
from urllib.parse import urlsplit

from gateway.errors import PermissionDenied
from gateway.hooks import PublicAddress, RequestContext

__all__ = ["Pages"]

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_SETTING = "gatewright.plugins.settings.mcp"


class Pages:
    """Refuses what a page sends that a browser was lured to (MCP, transports, security warning).

    `origins` are those of pages that may speak with servers, besides pages of the gateway's own host and of
    this machine. A page whose name was bound to the gateway's address (DNS rebinding) is of its host, and has
    no key: who sends none reaches the gateway by a loopback name only, by one of `hosts`, or by the name that
    the operator has given the gateway.
    """

    def __init__(self, hosts: Collection[str], origins: Collection[str], public: PublicAddress) -> None:
        self._public = public
        self._hosts = frozenset(host.lower() for host in hosts) | _LOOPBACK
        self._origins = frozenset(origin.lower().rstrip("/") for origin in origins)

    def check(self, context: RequestContext) -> None:
        """Raise PermissionDenied for an unknown origin, and for an unknown host without a key."""
        headers = context.head.headers
        host, origin = headers.get("host", "").lower(), headers.get("origin")
        if not context.principal.token_hash and not self._is_ours(_name(f"//{host}")):
            raise PermissionDenied(
                f"Without a key this server is not reached by the host name '{host[:100]}'. An administrator "
                f"can add it to '{_SETTING}.allowed_hosts'.",
                param="host",
            )
        if origin is not None and not self._is_known(origin.lower(), host):
            raise PermissionDenied(
                f"Pages of '{origin[:100]}' may not speak with MCP servers. An administrator can add the "
                f"origin to '{_SETTING}.allowed_origins'.",
                param="origin",
            )

    def _is_ours(self, name: str | None) -> bool:
        return name in self._hosts or (name is not None and name == _name(self._public.base_url))

    def _is_known(self, origin: str, host: str) -> bool:
        if origin in self._origins:
            return True
        return origin.partition("://")[2] == host or _name(origin) in _LOOPBACK


def _name(address: str) -> str | None:
    """The name of a host; None for an address that has none."""
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
