"""Where a request comes from, behind proxies that are trusted, and whether that is allowed."""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

__all__ = ["Address", "Networks", "client_address", "counted_address", "read_networks"]

Address = IPv4Address | IPv6Address
_Network = IPv4Network | IPv6Network
_WITH_PORT = re.compile(r"\[([0-9a-fA-F:.]+)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")


class Networks:
    """Addresses and networks; an IPv4 address that comes as an IPv6 one is the same address."""

    def __init__(self, networks: Iterable[_Network]) -> None:
        self._networks = tuple(networks)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __contains__(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def read_networks(texts: Iterable[str]) -> Networks:
    """Read addresses and networks (`10.0.0.1`, `10.0.0.0/8`); raises ValueError for what is neither."""
    return Networks(ip_network(text.strip(), strict=False) for text in texts)


def client_address(peer: str | None, forwarded: str, proxies: Networks) -> Address | None:
    """The address of the client, None where it cannot be told.

    `forwarded` is the header `x-forwarded-for`, or empty where it is not to be believed. It is read from its
    end, as each proxy appends whom it heard: the first address that is no proxy's is the client's. What
    stands before it anybody can write. Without a list of proxies the peer is the only one, and of a peer
    that is no proxy nothing is believed.
    """
    found = _read(peer)
    if found is None or (proxies and found not in proxies):
        return found
    for text in reversed(forwarded.split(",")):
        if text.strip():
            found = _read(text)
            if found is None or found not in proxies:
                return found
    return found


def counted_address(forwarded: str, hops: int) -> Address | None:
    """The address in that entry of `x-forwarded-for`, counted from its end; None where none stands there.

    Each of so many proxies has appended whom it heard: the first of them heard the client.
    """
    entries = [text for text in forwarded.split(",") if text.strip()]
    return _read(entries[-hops]) if 0 < hops <= len(entries) else None


def _read(text: str | None) -> Address | None:
    try:
        address = ip_address(_without_port((text or "").strip()))
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _without_port(text: str) -> str:
    """An address as some proxies write it, `10.0.0.1:4711` or `[2001:db8::1]:4711`, without the rest."""
    match = _WITH_PORT.fullmatch(text)
    return text if match is None else match[1] or match[2]
