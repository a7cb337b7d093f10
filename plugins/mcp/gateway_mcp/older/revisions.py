"""Which revisions of the protocol the older transport has."""

from typing import cast

from gateway.errors import BadRequest
from gateway.hooks import RequestHead
from gateway_mcp.faults import state_in_message
from gateway_mcp.wire import HANDSHAKES, MODERN, PROTOCOL, STATED_PROTOCOL, Object

__all__ = ["UnsupportedRevisionError", "check_revision", "is_too_new"]


class UnsupportedRevisionError(BadRequest):
    """The revision without sessions, which has no such stream."""

    rpc_code = -32022

    def __init__(self) -> None:
        message = f"The revision {MODERN} has no such stream; leave '/sse' out of the path."
        data = {"supported": HANDSHAKES, "requested": MODERN}
        super().__init__(message, param=PROTOCOL, details={"data": data})


def check_revision(head: RequestHead) -> None:
    """Raise UnsupportedRevisionError for a client of the revision without sessions."""
    if head.headers.get(PROTOCOL) == MODERN:
        error = UnsupportedRevisionError()
        state_in_message(error, None)
        raise error


def is_too_new(message: Object) -> bool:
    """Whether a message is one of the revision without sessions, as clients send that try it first."""
    params = message.get("params")
    meta = cast("Object", params).get("_meta") if isinstance(params, dict) else None
    return isinstance(meta, dict) and cast("Object", meta).get(STATED_PROTOCOL) == MODERN
