"""The headers and the error bodies of answers."""

from gateway.errors import GatewayError
from gateway.pipeline.exchange import Exchange
from gateway.wire.errors import error_bytes

__all__ = ["JSON", "Headers", "send_error", "with_length"]

Headers = list[tuple[bytes, bytes]]
JSON = (b"content-type", b"application/json")


def with_length(headers: Headers, body: bytes) -> Headers:
    """Add the content type of JSON and the length of the body."""
    headers += (JSON, (b"content-length", b"%d" % len(body)))
    return headers


async def send_error(
    exchange: Exchange, error: GatewayError, call_id: str, *, tells_call_id: bool = False
) -> None:
    """Answer with an OpenAI-shaped error; `tells_call_id` puts the call id into the body as well."""
    body = error_bytes(error, call_id if tells_call_id else None)
    headers: Headers = [(b"x-litellm-call-id", call_id.encode("latin-1", "replace"))]
    headers += [(name.encode(), value.encode("latin-1", "replace")) for name, value in error.headers.items()]
    await exchange.begin(error.status, with_length(headers, body))
    await exchange.end(body)
