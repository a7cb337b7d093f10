"""The provider `mock/`: answers without any upstream, so that a gateway can be tried offline."""

import asyncio
import re
from types import TracebackType
from typing import Self

import msgspec

from gateway.domain import Endpoint
from gateway.errors import (
    ContentPolicyViolation,
    ContextWindowExceeded,
    UpstreamAuthenticationFailed,
    UpstreamBadRequest,
    UpstreamError,
    UpstreamGarbled,
    UpstreamInternalError,
    UpstreamNotFound,
    UpstreamPermissionDenied,
    UpstreamRateLimited,
    UpstreamTimeout,
    UpstreamUnavailable,
    UpstreamUnprocessable,
    UpstreamUnreachable,
)
from gateway.hooks import HeaderPairs
from gateway.upstream.client import UpstreamAnswer, UpstreamRequest
from gateway.upstream.mock_responses import answer_stored, mock_response, mock_response_events
from gateway.upstream.mock_text import mock_answer, mock_chunks

__all__ = ["MockClient"]

_decode = msgspec.json.Decoder(dict[str, object]).decode
_encode = msgspec.json.Encoder().encode

_JSON: HeaderPairs = (("content-type", "application/json"),)
_EVENTS: HeaderPairs = (("content-type", "text/event-stream"),)

_ERRORS: dict[str, type[UpstreamError]] = {
    kind.litellm_class: kind
    for kind in (
        ContentPolicyViolation,
        ContextWindowExceeded,
        UpstreamAuthenticationFailed,
        UpstreamBadRequest,
        UpstreamGarbled,
        UpstreamInternalError,
        UpstreamNotFound,
        UpstreamPermissionDenied,
        UpstreamRateLimited,
        UpstreamTimeout,
        UpstreamUnavailable,
        UpstreamUnprocessable,
        UpstreamUnreachable,
    )
}
_NAMES_ERROR = re.compile(r"litellm\.(\w+)")


class MockClient:
    """UpstreamClient that answers by itself; the address is `mock:` and the endpoint's path.

    The body's member `mock_response` is the text to answer with; `litellm.RateLimitError` and the other
    class names of the contract raise that error.
    """

    async def send(self, request: UpstreamRequest) -> UpstreamAnswer:
        """See UpstreamClient.send."""
        path, body = _path(request), request.body
        if request.method != "POST":
            return UpstreamAnswer(200, _JSON, _encode(answer_stored(request.method, path)))
        members = _read(request)
        is_response = path == Endpoint.RESPONSES
        answer = mock_response(members, body) if is_response else mock_answer(path, members, body)
        return UpstreamAnswer(200, _JSON, _encode(answer))

    def stream(self, request: UpstreamRequest) -> "_MockStream":
        """See UpstreamClient.stream."""
        return _MockStream(request)

    async def close(self) -> None:
        """See UpstreamClient.close."""


class _MockStream:
    """A stream and its context in one object: UpstreamStream of MockClient."""

    status = 200
    headers = _EVENTS

    def __init__(self, request: UpstreamRequest) -> None:
        self._request = request
        self._chunks: list[bytes] = []

    async def __aenter__(self) -> Self:
        members = _read(self._request)
        path, body = _path(self._request), self._request.body
        is_response = path == Endpoint.RESPONSES
        self._chunks = (
            mock_response_events(members, body) if is_response else mock_chunks(path, members, body)
        )
        self._chunks.reverse()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._chunks.clear()

    async def read_chunk(self) -> bytes:
        """See UpstreamStream.read_chunk."""
        # A real upstream lets others run between two chunks.
        await asyncio.sleep(0)
        return self._chunks.pop() if self._chunks else b""


def _path(request: UpstreamRequest) -> str:
    return request.url.removeprefix("mock:")


def _read(request: UpstreamRequest) -> dict[str, object]:
    members = _decode(request.body)
    text = members.get("mock_response")
    found = _NAMES_ERROR.search(text) if isinstance(text, str) else None
    kind = _ERRORS.get(found.group(1)) if found else None
    if kind is not None:
        raise kind(f"litellm.{kind.litellm_class}: This is a mock error.")
    return members
