"""From a provider's error answer to the error that drives retries, fallbacks and the caller's answer."""

import math
from collections.abc import Iterator, Mapping
from typing import cast
from urllib.parse import urlsplit

import msgspec

from gateway.domain import Deployment
from gateway.errors import UpstreamBadRequest, UpstreamError, UpstreamInternalError
from gateway.hooks import HeaderPairs
from gateway.upstream.error_table import BY_CODE, BY_PHRASE, BY_STATUS, CODED_STATUSES
from gateway.upstream.retry_after import parse_retry_after
from gateway.upstream.scrub import scrub_message
from gateway.wire.openai import ErrorEnvelope

__all__ = ["UpstreamSource", "error_from_answer", "error_from_event", "upstream_source"]

_decode = msgspec.json.Decoder(ErrorEnvelope).decode
_decode_value = msgspec.json.Decoder().decode
_FIRST_SERVER_ERROR = 500
_FIRST_CLIENT_ERROR = 400
_SHORTEST_SECRET = 4


class UpstreamSource(msgspec.Struct, frozen=True):
    """Who answered, and the texts that must not be repeated.

    `secrets` are the credentials and addresses of the deployment, `now_nanos` the time of day (nanoseconds
    since 1970) for dates in `retry-after`.
    """

    provider: str
    secrets: tuple[str, ...] = ()
    now_nanos: int = 0


def upstream_source(deployment: Deployment, now_nanos: int) -> UpstreamSource:
    """Return the source for one deployment; `now_nanos` is the time of day."""
    values = [secret.reveal() for secret in deployment.headers.values()]
    bare = [value.partition(" ")[2] for value in values]
    addresses = [deployment.api_base, *deployment.urls.values()]
    hosts = [urlsplit(address).netloc for address in addresses]
    found = {text for text in (*values, *bare, *addresses, *hosts) if len(text) >= _SHORTEST_SECRET}
    # The longest first: an address goes as a whole, not its host out of its middle.
    return UpstreamSource(deployment.provider, tuple(sorted(found, key=len, reverse=True)), now_nanos)


def error_from_answer(
    status: int, headers: HeaderPairs, body: bytes, source: UpstreamSource
) -> UpstreamError:
    """Return (not raise) the error for an answer that is not 2xx; the message is the provider's, scrubbed.

    A status without a class of its own keeps its number: 402 and 413 reach the caller as they are. A
    redirect, which is never followed, counts as a bad answer (502).
    """
    envelope = _read(body)
    message, codes = _message(envelope), tuple(_codes(envelope))
    kind = _kind(status, message, codes)
    error = _build(kind, message or f"The model provider answered with status {status}.", source)
    if status not in BY_STATUS and status >= _FIRST_CLIENT_ERROR:
        error.status = status
    first = dict(reversed(headers))
    seconds = error.retry_after_seconds = parse_retry_after(first.get, source.now_nanos)
    if seconds is not None:
        error.headers = {"retry-after": str(math.ceil(seconds))}
    return error


def error_from_event(error: bytes, source: UpstreamSource) -> UpstreamError:
    """Return the error for the `error` member of an answer or a stream that had begun well."""
    try:
        found: object = _decode_value(error)
    except msgspec.DecodeError:
        found = None
    envelope = ErrorEnvelope(error=found)
    message, codes = _message(envelope), tuple(_codes(envelope))
    status = next((int(code) for code in codes if code.isdecimal() and int(code) in BY_STATUS), None)
    kind = _kind(status or _FIRST_SERVER_ERROR, message, codes)
    for code in codes:
        kind = BY_CODE.get(code, kind)
    return _build(kind, message or "The model provider failed in the middle of its answer.", source)


def _build(kind: type[UpstreamError], message: str, source: UpstreamSource) -> UpstreamError:
    text = scrub_message(message, source.secrets)
    return kind(f"litellm.{kind.litellm_class}: {source.provider}: {text}")


def _kind(status: int, message: str, codes: tuple[str, ...]) -> type[UpstreamError]:
    if status in CODED_STATUSES:
        for code in codes:
            if code in BY_CODE:
                return BY_CODE[code]
        for phrase, kind in BY_PHRASE:
            if phrase.search(message):
                return kind
    if status in BY_STATUS:
        return BY_STATUS[status]
    if status >= _FIRST_SERVER_ERROR:
        return UpstreamInternalError
    return UpstreamBadRequest if status >= _FIRST_CLIENT_ERROR else BY_STATUS[502]


def _read(body: bytes) -> ErrorEnvelope:
    try:
        return _decode(body)
    except (msgspec.DecodeError, RecursionError):
        pass
    try:
        # Gemini's OpenAI endpoint wraps its error object in a list.
        found = msgspec.json.decode(body, type=list[ErrorEnvelope])
        return found[0] if found else ErrorEnvelope()
    except (msgspec.DecodeError, RecursionError):
        return ErrorEnvelope()


def _message(envelope: ErrorEnvelope) -> str:
    error = _object(envelope.error)
    for value in (error.get("message"), envelope.error, envelope.message, envelope.detail):
        if isinstance(value, str) and value:
            return value
    return ""


def _codes(envelope: ErrorEnvelope) -> Iterator[str]:
    """The machine-readable words, the most specific first."""
    error = _object(envelope.error)
    inner = _object(error.get("innererror") or error.get("inner_error"))
    for value in (inner.get("code"), error.get("code"), error.get("type"), envelope.code, envelope.type):
        if isinstance(value, (str, int)):
            yield str(value)


def _object(value: object) -> Mapping[str, object]:
    # JSON object keys are strings.
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}
