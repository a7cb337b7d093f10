"""Paths of logins that begin with the name of a server, which no route can have."""

from urllib.parse import quote

from gateway.hooks import OpenAnswer, RequestHead
from gateway_mcp.upstreams import Upstreams

__all__ = ["find_moved"]

_LAST = "/authorize"
_MOVED = 307


def find_moved(head: RequestHead, upstreams: Upstreams) -> OpenAnswer | None:
    """Send a browser from `/{server}/authorize` to `/authorize/{server}`; None for every other path."""
    name = head.path.removesuffix(_LAST).removeprefix("/")
    upstream = upstreams.by_name(name) if head.path == f"/{name}{_LAST}" and head.method == "GET" else None
    if upstream is None or not upstream.settings.logs_users_in:
        return None
    # As seen from there, so that a prefix of all paths stays.
    up = "../" * (name.count("/") + 1)
    place = f"{up}authorize/{quote(upstream.id, safe='')}" + (f"?{head.query}" if head.query else "")
    return OpenAnswer(b"", _MOVED, (("location", place), ("cache-control", "no-store")))
