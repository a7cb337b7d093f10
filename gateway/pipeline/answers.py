"""The error bodies of answers."""

from gateway.errors import GatewayError
from gateway.pipeline.exchange import Exchange, Headers
from gateway.wire.errors import error_bytes

__all__ = ["JSON", "send_error"]

JSON = ("content-type", "application/json")


async def send_error(
    exchange: Exchange, error: GatewayError, call_id: str, *, tells_call_id: bool = False
) -> None:
    """Answer with an OpenAI-shaped error; `tells_call_id` puts the call id into the body as well."""
    body = error_bytes(error, call_id if tells_call_id else None)
    headers: Headers = [("x-litellm-call-id", call_id), *error.headers.items(), JSON]
    await exchange.answer(error.status, headers, body)
