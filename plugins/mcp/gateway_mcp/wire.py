"""Messages of JSON-RPC and the names that the Model Context Protocol gives to things.

Sources: https://www.jsonrpc.org/specification and https://modelcontextprotocol.io/specification, revisions
2025-03-26 to 2026-07-28.
"""

from typing import Any, cast

import msgspec

from gateway.domain import MCP_REVISIONS
from gateway.errors import UpstreamGarbled

__all__ = [
    "ANSWER_IS_NO_MESSAGE",
    "CLIENT",
    "HANDSHAKE",
    "HANDSHAKES",
    "INTERNAL_ERROR",
    "INVALID_PARAMS",
    "METHOD_NOT_FOUND",
    "MODERN",
    "NAMED",
    "PROTOCOL",
    "STATED_PROTOCOL",
    "Object",
    "cancellation",
    "decode_object",
    "error_message",
    "request_message",
    "result_message",
]

Object = dict[str, Any]

*_WITH_SESSIONS, MODERN = MCP_REVISIONS
"""The revision without sessions that is spoken."""
HANDSHAKES = tuple(_WITH_SESSIONS)
HANDSHAKE = HANDSHAKES[-1]
"""The newest revision with sessions."""
PROTOCOL = "mcp-protocol-version"
CLIENT = {"name": "gatewright", "version": "0.1"}
METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL_ERROR = -32601, -32602, -32603
NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
"""The methods for a thing, and the parameter that says which; a header repeats it."""
_META = "io.modelcontextprotocol/"
STATED_PROTOCOL = f"{_META}protocolVersion"
"""Where a message of the modern revision says which one it is."""
ANSWER_IS_NO_MESSAGE = "The MCP server answered with something that is no message."


def request_message(identifier: object, method: str, params: Object, *, is_modern: bool) -> bytes:
    """A request; one of the modern revision says in each message who asks, and by which revision."""
    stated = dict(params)
    if is_modern:
        about = {
            STATED_PROTOCOL: MODERN,
            f"{_META}clientCapabilities": {},
            f"{_META}clientInfo": CLIENT,
        }
        stated["_meta"] = {**cast("Object", stated.get("_meta") or {}), **about}
    message: Object = {"jsonrpc": "2.0", "method": method, "params": stated}
    if identifier is not None:
        message["id"] = identifier
    return msgspec.json.encode(message)


def result_message(identifier: object, result: object) -> bytes:
    """What a request came to."""
    return msgspec.json.encode({"jsonrpc": "2.0", "id": identifier, "result": result})


def error_message(identifier: object, code: int, message: str, data: object = None) -> bytes:
    """Why a request came to nothing."""
    error: Object = {"code": code, "message": message}
    if data is not None:
        error["data"] = data
    return msgspec.json.encode({"jsonrpc": "2.0", "id": identifier, "error": error})


def decode_object(data: bytes) -> Object:
    """A message of a server. Raises UpstreamGarbled."""
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UpstreamGarbled(ANSWER_IS_NO_MESSAGE) from None


def cancellation(identifier: object, reason: str) -> bytes:
    """The notification that nobody waits for the answer to a request any more."""
    params = {"requestId": identifier, "reason": reason}
    return msgspec.json.encode({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})
