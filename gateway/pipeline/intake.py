"""From bytes to a request context: what is decoded is what the gateway acts on."""

import msgspec

from gateway.domain import Endpoint, Principal
from gateway.errors import MalformedBody
from gateway.hooks import RequestBody, RequestContext
from gateway.ids import new_charge_id
from gateway.pipeline.exchange import Exchange
from gateway.pipeline.stored_state import check_stateless

__all__ = ["begin_context", "fill_context"]

_CALL_ID_LENGTH = 128
_GZIP = b"\x1f\x8b"
_OPENING_BRACKET, _CLOSING_BRACKET = b"[]"
_RESPONSES = Endpoint.RESPONSES
_CONTENT_MEMBERS = {
    Endpoint.CHAT: ("messages", b"["),
    Endpoint.COMPLETIONS: ("prompt", b'"['),
    Endpoint.EMBEDDINGS: ("input", b'"['),
    Endpoint.RESPONSES: ("input", b'"['),
}
"""The member without which an endpoint has nothing to do, and the first bytes that its value may have."""


def begin_context(
    exchange: Exchange, principal: Principal, endpoint: Endpoint, client_address: str | None
) -> RequestContext:
    """Build the context of a request whose body is still unread."""
    charge_id = new_charge_id()
    return RequestContext(
        head=exchange.head,
        principal=principal,
        endpoint=endpoint,
        body=RequestBody({}),
        model="",
        is_stream=False,
        call_id=call_id_of(exchange, charge_id),
        charge_id=charge_id,
        started_nanos=exchange.started_nanos,
        started_monotonic=exchange.started_monotonic,
        client_address=client_address,
    )


def call_id_of(exchange: Exchange, fallback: str) -> str:
    """Return the call id that the caller chose, if it can stand in a header, else ours."""
    chosen = exchange.head.headers.get("x-litellm-call-id")
    if chosen and len(chosen) <= _CALL_ID_LENGTH and chosen.isascii() and chosen.isprintable():
        return chosen
    return fallback


def fill_context(context: RequestContext, data: bytes, path_model: str) -> None:
    """Read the body into the context; `path_model` is the model named by the path, or empty.

    Raises MalformedBody when the body is not a JSON object, is nested beyond the decoder's depth (about a
    thousand levels), or has no usable `model`, `stream` or content member, and as `check_stateless`.
    """
    context.body = body = _parse(data)
    context.model = context.routed_model = _read_model(body, path_model)
    if "stream" in body.members:
        context.is_stream = _read_stream(context)
    _check_content(body, context.endpoint)
    if context.endpoint is _RESPONSES:
        check_stateless(body)


def _parse(data: bytes) -> RequestBody:
    if not data:
        raise MalformedBody("The request has no body; this route reads a JSON object.", param="body")
    try:
        if not data.isascii():
            # JSON is UTF-8 (RFC 8259 section 8.1); the decoder looks only at the members that are read.
            data.decode()
        return RequestBody.parse(data)
    except RecursionError:
        raise MalformedBody("The JSON of the request body is nested too deeply.", param="body") from None
    except UnicodeDecodeError:
        raise MalformedBody(
            f"The request body is not a JSON object: {_say_what(data)}.", param="body"
        ) from None
    except msgspec.DecodeError as error:
        raise MalformedBody(f"The request body is not a JSON object: {error}.", param="body") from None


def _say_what(data: bytes) -> str:
    if data.startswith(_GZIP):
        return "it is compressed with gzip, which is not read here"
    return "it is not UTF-8"


def _read_model(body: RequestBody, path_model: str) -> str:
    if path_model:
        body.write("model", path_model)
        return path_model
    model = body.read("model")
    if model is None:
        raise MalformedBody("The member 'model' is missing; name the model to be used.", param="model")
    if not isinstance(model, str) or not model:
        raise MalformedBody("The member 'model' must be a non-empty string.", param="model")
    return model


def _read_stream(context: RequestContext) -> bool:
    stream = context.body.read("stream")
    if stream is not None and not isinstance(stream, bool):
        raise MalformedBody("The member 'stream' must be true or false.", param="stream")
    if stream and context.endpoint is Endpoint.EMBEDDINGS:
        raise MalformedBody("Embeddings cannot be streamed; leave 'stream' out.", param="stream")
    return bool(stream)


def _check_content(body: RequestBody, endpoint: Endpoint) -> None:
    name, first_bytes = _CONTENT_MEMBERS[endpoint]
    raw = body.members.get(name)
    if raw is None:
        raise MalformedBody(f"The member '{name}' is missing.", param=name)
    view = memoryview(raw)
    first = view[0]
    if first not in first_bytes or (first == _OPENING_BRACKET and view[1] == _CLOSING_BRACKET):
        kind = "a non-empty array" if first_bytes == b"[" else "a string or a non-empty array"
        raise MalformedBody(f"The member '{name}' must be {kind}.", param=name)
