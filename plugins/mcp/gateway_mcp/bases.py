"""By which address a client knows the gateway."""

import re
from collections.abc import Collection
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from gateway.hooks import PublicAddress, RequestHead
from gateway_mcp.access import Access

__all__ = ["Bases"]

_HOST = re.compile(r"(?:[A-Za-z0-9_.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_MOST_HOSTS = 256
_SCHEMES = frozenset({"http", "https"})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Bases:
    """Makes addresses absolute: by what the operator says, else by what a request says of itself.

    A request is believed that names an IP address, this machine, or one of `hosts`: what else is in a `Host`
    header is anybody's to write.
    """

    def __init__(self, public: PublicAddress, access: Access, hosts: Collection[str] = ()) -> None:
        self._public = public
        self._access = access
        self._hosts = frozenset(host.lower() for host in hosts)
        self._is_here = lru_cache(_MOST_HOSTS)(_is_here)

    def of(self, head: RequestHead) -> str:
        """The address below which a client finds every path, without a slash; empty if it cannot be told.

        Of proxies only those are heard that the operator trusts.
        """
        if self._public.base_url:
            return self._named
        scheme, host = head.scheme, head.headers.get("host", "")
        is_told = False
        if self._access.hears(head):
            scheme = _first(head.headers.get("x-forwarded-proto", "")).lower() or scheme
            told = _first(head.headers.get("x-forwarded-host", ""))
            host, is_told = told or host, bool(told)
        if scheme not in _SCHEMES or not _HOST.fullmatch(host) or not (is_told or self._is_known(host)):
            return ""
        return f"{scheme}://{host}{self.root_path}"

    def of_logins(self, head: RequestHead) -> str:
        """The same, where people log in: that is where the operator says, or on this machine."""
        if self._public.base_url:
            return self._named
        host = head.headers.get("host", "")
        return f"http://{host}{self.root_path}" if self._is_here(host) else ""

    @property
    def root_path(self) -> str:
        """The prefix of all paths, which requests come without."""
        return self._public.root_path

    @property
    def _named(self) -> str:
        root, named = self.root_path, self._public.base_url
        return named if not root or named.endswith(root) else named + root

    def _is_known(self, host: str) -> bool:
        name = _name_of(host)
        if name in _LOOPBACK or name in self._hosts:
            return True
        try:
            ip_address(name)
        except ValueError:
            return False
        return True


def _is_here(host: str) -> bool:
    """Whether a `Host` header names this machine."""
    return _HOST.fullmatch(host) is not None and _name_of(host) in _LOOPBACK


def _name_of(host: str) -> str:
    """The name or the address, without a port; empty for what is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _first(values: str) -> str:
    """What the proxy has said that is nearest to the client."""
    return values.partition(",")[0].strip()
