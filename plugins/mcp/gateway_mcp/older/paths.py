"""Which paths belong to the older transport."""

import msgspec

from gateway_mcp.places import find_place, is_plain
from gateway_mcp.upstreams import Upstreams

__all__ = ["ENDS", "MESSAGES", "OlderPath", "find_older", "mount_of"]

_STREAM, MESSAGES = "/sse", "/sse/messages"
ENDS = (_STREAM, MESSAGES)


class OlderPath(msgspec.Struct, frozen=True):
    """A path below `mount`, where the same servers have streamable HTTP: its stream, or where to post."""

    mount: str
    is_stream: bool


def find_older(path: str, upstreams: Upstreams) -> OlderPath | None:
    """What a path is to the older transport; None for others, also for a server that is called so."""
    if not path.endswith(ENDS):
        return None
    end = next(end for end in ENDS if path.endswith(end))
    own, mount = find_place(path, upstreams), path.removesuffix(end)
    if is_plain(path) or is_plain(mount):
        return None
    is_server = own is not None and own.is_single
    if is_server or find_place(mount, upstreams) is None:
        return None
    return OlderPath(mount, end == _STREAM)


def mount_of(path: str, upstreams: Upstreams) -> str:
    """The path of the same servers by streamable HTTP."""
    older = find_older(path, upstreams)
    return path if older is None else older.mount
