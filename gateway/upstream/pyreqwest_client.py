"""The default HTTP client: pyreqwest."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import timedelta
from types import TracebackType
from typing import Self

from pyreqwest.exceptions import (
    BodyDecodeError,
    BuilderError,
    ConnectError,
    ConnectTimeoutError,
    DecodeError,
    PyreqwestError,
    ReadTimeoutError,
    RequestTimeoutError,
)
from pyreqwest.http import Url
from pyreqwest.request import RequestBuilder, StreamRequest
from pyreqwest.response import Response

from gateway.errors import UpstreamError
from gateway.hooks import HeaderPairs
from gateway.upstream import faults
from gateway.upstream.client import UpstreamAnswer, UpstreamRequest
from gateway.upstream.pyreqwest_setup import build_pyreqwest
from gateway.upstream.silence import SilenceGuard

__all__ = ["PyreqwestClient"]

_MEMO_ENTRIES = 4096
_Abandon = Callable[[Coroutine[None, None, None]], None]

_CONNECT_CAUSE = "client error (Connect)"


class PyreqwestClient:
    """UpstreamClient over pyreqwest.

    It cannot stop a call before the head of the answer: cancelling `send` leaves the call running at the
    provider; a cancelled `stream` is cut when its head arrives.
    """

    def __init__(self) -> None:
        self._client = build_pyreqwest()
        # Parsing an address and building a timedelta cost 1 us each; both repeat from call to call.
        self._urls: dict[str, Url] = {}
        self._timeouts: dict[float, timedelta] = {}
        self._abandoned: set[asyncio.Task[None]] = set()

    async def send(self, request: UpstreamRequest) -> UpstreamAnswer:
        """See UpstreamClient.send."""
        try:
            # A streamed request is 1 us dearer than `build().send()`, which has no limit on the body.
            async with self._prepare(request).build_streamed() as response:
                most = request.max_response_bytes
                fits = _is_bounded(response, most)
                body = bytes(await response.bytes()) if fits else await _read_counting(response, most)
                return UpstreamAnswer(response.status, response.headers, body)
        except PyreqwestError as error:
            raise _translate(error, request) from None

    def stream(self, request: UpstreamRequest) -> "_OpenStream":
        """See UpstreamClient.stream."""
        # With any other limit the head is held back until the buffer is full.
        stream = self._prepare(request).streamed_read_buffer_limit(0).build_streamed()
        return _OpenStream(stream, request, self._abandon)

    async def close(self) -> None:
        """See UpstreamClient.close."""
        for task in list(self._abandoned):
            task.cancel()
        await asyncio.gather(*self._abandoned, return_exceptions=True)
        await self._client.close()

    def _abandon(self, cut: Coroutine[None, None, None]) -> None:
        """Let a stream that nobody waits for any more be cut when its head comes."""
        task = asyncio.get_running_loop().create_task(cut)
        self._abandoned.add(task)
        task.add_done_callback(self._abandoned.discard)

    def _prepare(self, request: UpstreamRequest) -> RequestBuilder:
        try:
            url = self._urls.get(request.url) or self._parse_url(request.url)
            timeout = self._timeouts.get(request.timeout_seconds) or self._make_timeout(
                request.timeout_seconds
            )
            if request.method != "POST":
                return self._client.request(request.method, url).headers(request.headers).timeout(timeout)
            return self._client.post(url).headers(request.headers).timeout(timeout).body_bytes(request.body)
        except ValueError:
            raise faults.request_is_unsendable() from None

    def _parse_url(self, text: str) -> Url:
        if len(self._urls) >= _MEMO_ENTRIES:
            self._urls.clear()
        url = self._urls[text] = Url(text)
        return url

    def _make_timeout(self, seconds: float) -> timedelta:
        if len(self._timeouts) >= _MEMO_ENTRIES:
            self._timeouts.clear()
        timeout = self._timeouts[seconds] = timedelta(seconds=seconds)
        return timeout


class _OpenStream:
    """A stream and its context in one object: UpstreamStream of PyreqwestClient."""

    __slots__ = ("_abandon", "_guard", "_left", "_reader", "_request", "_response", "_stream")

    _response: Response

    def __init__(self, stream: StreamRequest, request: UpstreamRequest, abandon: _Abandon) -> None:
        self._stream = stream
        self._abandon = abandon
        self._request = request
        self._guard = SilenceGuard(request.read_timeout_seconds)
        self._left = request.max_response_bytes

    async def __aenter__(self) -> Self:
        # A task of its own: a cancelled entering would neither stop the call nor close what it opened.
        opening = asyncio.ensure_future(self._stream.__aenter__())
        try:
            with self._guard:
                self._response = await asyncio.shield(opening)
        except PyreqwestError as error:
            raise _translate(error, self._request) from None
        except BaseException:
            self._abandon(_cut(opening, self._stream))
            raise
        finally:
            # A stream that fails here is never left through its context; the first chunk arms it again.
            self._guard.close()
        self._reader = self._response.body_reader
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._guard.close()
        await self._stream.__aexit__(exc_type, exc, trace)

    @property
    def status(self) -> int:
        return self._response.status

    @property
    def headers(self) -> HeaderPairs:
        return tuple(self._response.headers.items())

    async def read_chunk(self) -> bytes:
        """See UpstreamStream.read_chunk."""
        try:
            with self._guard:
                chunk = await self._reader.read_chunk()
        except PyreqwestError as error:
            raise _translate(error, self._request) from None
        if chunk is None:
            return b""
        self._left -= len(chunk)
        if self._left < 0:
            raise faults.answer_is_too_large(self._request.max_response_bytes)
        return bytes(chunk)


async def _cut(opening: asyncio.Future[Response], stream: StreamRequest) -> None:
    with suppress(PyreqwestError):
        await opening
        # Dropping the references would leave the connection open until the provider writes again.
        await stream.__aexit__(None, None, None)


def _is_bounded(response: Response, limit: int) -> bool:
    """Whether the answer says how long it is, so that it need not be counted; raises UpstreamError."""
    if response.get_header("content-encoding") not in {None, "identity"}:
        raise faults.answer_is_encoded()
    length = response.get_header("content-length")
    if length is None or not length.isdigit():
        return False
    if int(length) > limit:
        raise faults.answer_is_too_large(limit)
    return True


async def _read_counting(response: Response, limit: int) -> bytes:
    reader = response.body_reader
    chunks: list[bytes] = []
    left = limit
    while (chunk := await reader.read_chunk()) is not None:
        left -= len(chunk)
        if left < 0:
            raise faults.answer_is_too_large(limit)
        chunks.append(bytes(chunk))
    return b"".join(chunks)


def _translate(error: PyreqwestError, request: UpstreamRequest) -> UpstreamError:
    """Name the fault. The library says ConnectError and ConnectTimeoutError also of calls that were sent."""
    if isinstance(error, BuilderError):
        return faults.request_is_unsendable()
    if isinstance(error, ConnectTimeoutError) and _is_connecting(error):
        return faults.connection_timed_out()
    if isinstance(error, (ConnectTimeoutError, ReadTimeoutError, RequestTimeoutError)):
        return faults.no_answer_in_time(request.timeout_seconds)
    if isinstance(error, ConnectError):
        return faults.connection_failed() if _is_connecting(error) else faults.connection_lost()
    if isinstance(error, DecodeError) and not isinstance(error, BodyDecodeError):
        return faults.answer_is_not_http()
    return faults.answer_broke_off()


def _is_connecting(error: ConnectError | ConnectTimeoutError) -> bool:
    """Whether the library's own chain of causes says that no connection came about; unsure means no."""
    causes = (error.details or {}).get("causes") or []
    return any(cause["message"] == _CONNECT_CAUSE for cause in causes)
