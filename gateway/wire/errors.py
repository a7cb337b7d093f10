"""The OpenAI-shaped error object (behaviour of the contract: `code` is the status as a string)."""

import msgspec

from gateway.errors import GatewayError

__all__ = ["error_bytes", "error_event", "error_object"]

_encode = msgspec.json.Encoder().encode


def error_object(error: GatewayError, call_id: str | None = None) -> dict[str, object]:
    """Build the object under `error`: message, type, param, code, and the error's own details."""
    found: dict[str, object] = {
        "message": error.message,
        "type": error.type,
        "param": error.param,
        "code": str(error.status),
        **error.details,
    }
    if call_id is not None:
        found["litellm_call_id"] = call_id
    return found


def error_bytes(error: GatewayError, call_id: str | None = None) -> bytes:
    """Encode the body of an error answer."""
    return _encode({**error.envelope, "error": error_object(error, call_id)})


def error_event(error: GatewayError) -> bytes:
    """Encode the server-sent event that ends a stream which is already under way."""
    return b"data: " + error_bytes(error) + b"\n\n"
