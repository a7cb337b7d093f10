"""Refusals of messages, which their clients read as answers of JSON-RPC."""

from gateway.errors import BadRequest, GatewayError
from gateway_mcp.wire import INVALID_PARAMS

__all__ = ["HeaderMismatchError", "NoMessageError", "state_in_message"]

_INVALID_REQUEST, _HEADER_MISMATCH = -32600, -32020


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
    error.details = {**error.details, "code": getattr(error, "rpc_code", INVALID_PARAMS)}
