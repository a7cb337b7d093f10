"""What the operator demands of callers of MCP servers, whichever server it is."""

import msgspec

from gateway.hooks import RequestHead
from gateway.sdk.addresses import Address, client_address, counted_address, read_networks
from gateway_mcp.brought import AUTH
from gateway_mcp.revisions import Revisions

__all__ = ["OPEN", "Access", "AccessSettings"]

_FORWARDED = "x-forwarded-for"
_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "::1/128", "fc00::/7")


class AccessSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Members of `general_settings`, by LiteLLM's names; the gateway puts them here."""

    require_key_mcp_access_defined: bool = False
    require_end_user_mcp_access_defined: bool = False
    use_x_forwarded_for: bool = False
    mcp_trusted_proxy_ranges: tuple[str, ...] = ()
    mcp_xff_num_trusted_hops: int | None = None
    mcp_internal_ip_ranges: tuple[str, ...] = _PRIVATE
    mcp_allow_all_keys_respects_mcp_scope: bool = False
    mcp_client_side_auth_header_name: str = AUTH
    mcp_advertised_versions: tuple[str, ...] | None = None


class Access:
    """The rules of these settings."""

    def __init__(self, settings: AccessSettings) -> None:
        self.settings = settings
        self.revisions = Revisions(settings.mcp_advertised_versions)
        self.credential_header = settings.mcp_client_side_auth_header_name.lower()
        """In which a client brings its credential for the only server of a path."""
        self._internal = read_networks(settings.mcp_internal_ip_ranges)
        self._proxies = read_networks(settings.mcp_trusted_proxy_ranges)

    def is_internal(self, head: RequestHead) -> bool:
        """Whether a request comes from within; one whose origin cannot be told does not.

        Where `x-forwarded-for` is in use and nobody says whose is to be believed, or how much of it, no
        origin can be told.
        """
        address = self._origin(head)
        return address is not None and address in self._internal

    def hears(self, head: RequestHead) -> bool:
        """Whether a request comes from a proxy whose word counts about what the client has asked for."""
        peer = _peer(head)
        return self.settings.use_x_forwarded_for and peer is not None and peer in self._proxies

    def _origin(self, head: RequestHead) -> Address | None:
        if not self.settings.use_x_forwarded_for:
            return _peer(head)
        told, hops = head.headers.get(_FORWARDED, ""), self.settings.mcp_xff_num_trusted_hops
        if hops is None:
            return client_address(head.client_host, told, self._proxies) if self._proxies else None
        is_heard = self.hears(head) if self._proxies else True
        return counted_address(told, hops) if is_heard else _peer(head)


def _peer(head: RequestHead) -> Address | None:
    return client_address(head.client_host, "", _NOBODY)


_NOBODY = read_networks(())
OPEN = Access(AccessSettings())
"""Demands nothing."""
