"""Which revisions of the protocol the older transport has."""

from typing import cast

from gateway.hooks import RequestHead
from gateway_mcp.faults import state_in_message
from gateway_mcp.revisions import Revisions, UnsupportedRevisionError
from gateway_mcp.wire import MODERN, PROTOCOL, STATED_PROTOCOL, Object

__all__ = ["check_stream", "is_too_new", "refuse_modern"]


def refuse_modern(revisions: Revisions) -> UnsupportedRevisionError:
    """The refusal of the revision without sessions, which has no such stream."""
    text = f"The revision {MODERN} has no such stream; leave '/sse' out of the path."
    return UnsupportedRevisionError(text, revisions.handshakes, MODERN)


def check_stream(head: RequestHead, revisions: Revisions) -> None:
    """Raise UnsupportedRevisionError for a client that speaks no revision with sessions, or may not."""
    is_modern = head.headers.get(PROTOCOL) == MODERN
    if is_modern or not revisions.handshakes:
        error = refuse_modern(revisions) if is_modern else revisions.refuse(revisions.oldest)
        state_in_message(error, None)
        raise error


def is_too_new(message: Object) -> bool:
    """Whether a message is one of the revision without sessions, as clients send that try it first."""
    params = message.get("params")
    meta = cast("Object", params).get("_meta") if isinstance(params, dict) else None
    return isinstance(meta, dict) and cast("Object", meta).get(STATED_PROTOCOL) == MODERN
