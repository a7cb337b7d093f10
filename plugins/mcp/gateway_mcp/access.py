"""What the operator demands of callers of MCP servers, whichever server it is."""

import msgspec

from gateway.hooks import RequestHead
from gateway.sdk.addresses import client_address, read_networks
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

        Where `x-forwarded-for` is in use and nobody says whose is to be believed, no origin can be told.
        """
        is_forwarded = self.settings.use_x_forwarded_for
        if is_forwarded and not self._proxies:
            return False
        told = head.headers.get(_FORWARDED, "") if is_forwarded else ""
        address = client_address(head.client_host, told, self._proxies if is_forwarded else _NOBODY)
        return address is not None and address in self._internal

    def hears(self, head: RequestHead) -> bool:
        """Whether a request comes from a proxy whose word counts about what the client has asked for."""
        peer = client_address(head.client_host, "", _NOBODY)
        return self.settings.use_x_forwarded_for and peer is not None and peer in self._proxies


_NOBODY = read_networks(())
OPEN = Access(AccessSettings())
"""Demands nothing."""
