"""By which address a client knows the gateway."""

import re

from gateway.hooks import PublicAddress, RequestHead
from gateway_mcp.access import Access

__all__ = ["Bases"]

_HOST = re.compile(r"(?:[A-Za-z0-9_.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_SCHEMES = frozenset({"http", "https"})


class Bases:
    """Makes addresses absolute: by what the operator says, else by what a request says of itself."""

    def __init__(self, public: PublicAddress, access: Access) -> None:
        self._public = public
        self._access = access

    def of(self, head: RequestHead) -> str:
        """The address below which a client finds every path, without a slash; empty if it cannot be told.

        Of proxies only those are heard that the operator trusts.
        """
        root, named = self.root_path, self._public.base_url
        if named:
            return named if not root or named.endswith(root) else named + root
        scheme, host = head.scheme, head.headers.get("host", "")
        if self._access.hears(head):
            scheme = _first(head.headers.get("x-forwarded-proto", "")).lower() or scheme
            host = _first(head.headers.get("x-forwarded-host", "")) or host
        if scheme not in _SCHEMES or not _HOST.fullmatch(host):
            return ""
        return f"{scheme}://{host}{root}"

    @property
    def root_path(self) -> str:
        """The prefix of all paths, which requests come without."""
        return self._public.root_path


def _first(values: str) -> str:
    """What the proxy has said that is nearest to the client."""
    return values.partition(",")[0].strip()
