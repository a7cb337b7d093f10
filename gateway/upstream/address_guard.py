"""Which networks an address may lead to that came with a request, and not from the operator."""

import ipaddress
import socket
from collections.abc import Iterable

__all__ = ["AddressGuard", "ForbiddenAddressError", "Networks"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Networks = Iterable[ipaddress.IPv4Network | ipaddress.IPv6Network]

_NOT_FOR_CLIENTS = tuple(
    ipaddress.ip_network(network)
    for network in (
        # Azure's virtual host answers here inside every virtual network; it counts as public.
        "168.63.129.16/32",
        "224.0.0.0/4",
        "192.0.0.0/24",
        # Prefixes that carry an IPv4 address in a way that the network translates.
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2001::/32",
        "2002::/16",
        "ff00::/8",
        "fec0::/10",
    )
)


class ForbiddenAddressError(OSError):
    """An address leads to a network that is not for clients."""


class AddressGuard:
    """Lets connections through to public addresses, and to the networks that the operator added."""

    def __init__(self, networks: Networks = ()) -> None:
        self._networks = tuple(networks)

    def is_allowed(self, host: str) -> bool:
        """Whether an IP address may be connected to; anything that is none may not."""
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        address = _unwrapped(address)
        if any(address in network for network in self._networks):
            return True
        return address.is_global and not any(address in network for network in _NOT_FOR_CLIENTS)

    def open_socket(self, info: tuple[int, int, int, str, tuple[str | int | bytes, ...]]) -> socket.socket:
        """Make the socket for an entry of `getaddrinfo`; raises ForbiddenAddressError instead of one."""
        family, kind, protocol, _, address = info
        if not self.is_allowed(str(address[0])):
            raise ForbiddenAddressError("not a public address")
        return socket.socket(family, kind, protocol)


def _unwrapped(address: Address) -> Address:
    """The IPv4 address that is meant by an IPv6 one which only wraps it."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
