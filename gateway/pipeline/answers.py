"""The error bodies of answers, and what becomes of an error that was answered."""

import structlog

from gateway.errors import GatewayError
from gateway.pipeline.exchange import Exchange, Headers
from gateway.wire.errors import error_bytes

__all__ = ["JSON", "as_gateway_error", "drop_frames", "send_error"]

JSON = ("content-type", "application/json")


async def send_error(
    exchange: Exchange, error: GatewayError, call_id: str, *, tells_call_id: bool = False
) -> None:
    """Answer with an OpenAI-shaped error; `tells_call_id` puts the call id into the body as well."""
    body = error_bytes(error, call_id if tells_call_id else None)
    headers: Headers = [("x-litellm-call-id", call_id), *error.headers.items(), JSON]
    await exchange.answer(error.status, headers, body)


def drop_frames(error: BaseException | None) -> None:
    """Cut the circles of an error that was answered: its frames keep it, and with it the request's body.

    Where a provider is down, the bodies of thousands of requests would wait for the garbage collector.
    """
    told: set[int] = set()
    # An error that is raised again while another is on its way becomes part of its own history.
    while error is not None and id(error) not in told:
        told.add(id(error))
        error.__traceback__ = None
        error = error.__cause__ or error.__context__


def as_gateway_error(raised: Exception) -> GatewayError:
    """Return the error that the caller is told; a defect, of a plugin or of ours, is only logged in full."""
    if isinstance(raised, GatewayError):
        return raised
    structlog.get_logger(__name__).error("request_failed", exc_info=raised)
    return GatewayError("The gateway failed at this request; its log says why.")
