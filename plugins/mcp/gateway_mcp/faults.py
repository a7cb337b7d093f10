"""Refusals of messages, which their clients read as answers of JSON-RPC."""

from gateway.errors import (
    BadRequest,
    BudgetExceeded,
    GatewayError,
    RateLimited,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from gateway_mcp.wire import INVALID_PARAMS

__all__ = [
    "CallFailedError",
    "HeaderMismatchError",
    "NoMessageError",
    "ServerTimeoutError",
    "ServerUnreachableError",
    "ToolFailedError",
    "state_in_message",
]

_FIRST_FAULT = 500
_INVALID_REQUEST, _HEADER_MISMATCH, _SERVER_ERROR = -32600, -32020, -32000


class CallFailedError(GatewayError):
    """A server answered a call with an error of JSON-RPC, which HTTP calls a success."""

    status = 502
    type = "mcp_error"


class ToolFailedError(GatewayError):
    """A tool has run, and says in its result that it failed."""

    status = 502
    type = "mcp_tool_error"


class ServerUnreachableError(UpstreamUnreachable):
    """A server is not there, or cannot be started."""

    status = 503


class ServerTimeoutError(UpstreamTimeout):
    """A server takes too long."""

    status = 504


class NoMessageError(BadRequest):
    """A body is no message, or not one that everybody reads in the same way."""

    rpc_code = _INVALID_REQUEST


class HeaderMismatchError(BadRequest):
    """A header says something else than the message."""

    rpc_code = _HEADER_MISMATCH


def state_in_message(error: GatewayError, identifier: object) -> None:
    """Make the answer to an error one of JSON-RPC as well; without a fitting `identifier` it has none."""
    is_known = isinstance(identifier, str) or (isinstance(identifier, int) and identifier is not True)
    error.envelope = {"jsonrpc": "2.0", **({"id": identifier} if is_known else {})}
    error.details = {**error.details, "code": getattr(error, "rpc_code", _code_of(error))}


def _code_of(error: GatewayError) -> int:
    """The code of an error that is none of the protocol's own: whether the message was at fault."""
    is_refusal = isinstance(error, (BudgetExceeded, RateLimited)) or error.status >= _FIRST_FAULT
    return _SERVER_ERROR if is_refusal else INVALID_PARAMS
