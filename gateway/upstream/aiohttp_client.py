"""The HTTP client for calls that must stop at once when their client leaves: aiohttp."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from types import TracebackType
from typing import Self

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientPayloadError,
    ClientResponse,
    ClientResponseError,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
    InvalidURL,
    NonHttpUrlClientError,
    ServerDisconnectedError,
    TCPConnector,
)
from yarl import URL

from gateway.errors import UpstreamError
from gateway.hooks import ForwardRequest, HeaderPairs
from gateway.upstream import faults
from gateway.upstream.address_guard import AddressGuard, ForbiddenAddressError
from gateway.upstream.client import CONNECT_SECONDS, UpstreamAnswer, UpstreamRequest
from gateway.upstream.silence import SilenceGuard

__all__ = ["AiohttpClient"]

_READ_BYTES = 64 * 1024
_HEADER_BYTES = 64 * 1024
_FAULTS = (ClientError, TimeoutError, OSError, ValueError)


class AiohttpClient:
    """UpstreamClient over aiohttp: half as fast as pyreqwest, but a cancelled call closes its connection.

    With a guard it connects only where that allows, for addresses that came with a request.
    """

    def __init__(self, guard: AddressGuard | None = None) -> None:
        self._guard = guard
        self._session: ClientSession | None = None

    async def send(self, request: UpstreamRequest) -> UpstreamAnswer:
        """See UpstreamClient.send."""
        try:
            async with self.post(request) as response:
                body = await _read_body(response, request.max_response_bytes)
                return UpstreamAnswer(response.status, _headers(response), body)
        except _FAULTS as error:
            raise _translate(error, request.timeout_seconds) from None

    def stream(self, request: UpstreamRequest) -> "_OpenStream":
        """See UpstreamClient.stream."""
        call = partial(self.post, request)
        return _OpenStream(
            call, request.timeout_seconds, request.read_timeout_seconds, request.max_response_bytes
        )

    async def close(self) -> None:
        """See UpstreamClient.close."""
        if self._session is not None:
            await self._session.close()

    def post(self, request: UpstreamRequest) -> AbstractAsyncContextManager[ClientResponse]:
        """Start a request; entering the context waits for the head of the answer."""
        # A session binds to the running loop, so that it is made with the first call.
        self._session = self._session or _open_session(self._guard)
        return self._session.post(
            request.url,
            data=request.body,
            headers=request.headers,
            timeout=ClientTimeout(total=request.timeout_seconds, sock_connect=CONNECT_SECONDS),
            allow_redirects=False,
        )

    def forward(self, request: ForwardRequest) -> "_OpenStream":
        """See Forwarder.forward."""
        call = partial(self._start, request)
        return _OpenStream(call, request.timeout_seconds, request.silence_seconds, request.max_response_bytes)

    def _start(self, request: ForwardRequest) -> AbstractAsyncContextManager[ClientResponse]:
        self._session = self._session or _open_session(self._guard)
        return self._session.request(
            request.method,
            # As it stands: the library would take dots and escapes for its own to resolve.
            URL(request.url, encoded=True),
            data=request.body,
            headers=request.headers,
            timeout=ClientTimeout(total=request.timeout_seconds, sock_connect=CONNECT_SECONDS),
            allow_redirects=False,
        )


class _OpenStream:
    """A stream and its context in one object: UpstreamStream of AiohttpClient."""

    def __init__(
        self,
        start: Callable[[], AbstractAsyncContextManager[ClientResponse]],
        timeout_seconds: float,
        silence_seconds: float,
        max_bytes: int,
    ) -> None:
        self._start = start
        self._timeout_seconds = timeout_seconds
        self._guard = SilenceGuard(silence_seconds)
        self._most = self._left = max_bytes

    async def __aenter__(self) -> Self:
        self._call = self._start()
        try:
            with self._guard:
                self._response = await self._call.__aenter__()
        except _FAULTS as error:
            raise _translate(error, self._timeout_seconds) from None
        finally:
            self._guard.close()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._guard.close()
        if not self._response.content.at_eof():
            # Releasing would keep the connection, and the provider working.
            self._response.close()
        await self._call.__aexit__(exc_type, exc, trace)

    @property
    def status(self) -> int:
        return self._response.status

    @property
    def headers(self) -> HeaderPairs:
        return _headers(self._response)

    async def read_chunk(self) -> bytes:
        """See UpstreamStream.read_chunk."""
        try:
            with self._guard:
                chunk = await self._response.content.readany()
        except _FAULTS as error:
            raise _translate(error, self._timeout_seconds) from None
        self._left -= len(chunk)
        if self._left < 0:
            raise faults.answer_is_too_large(self._most)
        return chunk


def _open_session(guard: AddressGuard | None) -> ClientSession:
    return ClientSession(
        connector=TCPConnector(limit=0) if guard is None else _guarded_connector(guard),
        cookie_jar=DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent"),
        headers={"User-Agent": "gatewright"},
        max_line_size=_HEADER_BYTES,
        max_field_size=_HEADER_BYTES,
        read_bufsize=_READ_BYTES,
    )


def _guarded_connector(guard: AddressGuard) -> TCPConnector:
    """Look at every address at the last moment, when its socket is made: names were resolved by then."""
    # Hosts that clients choose are many, and none of them is worth an idle connection.
    return TCPConnector(limit=0, force_close=True, socket_factory=guard.open_socket)


def _headers(response: ClientResponse) -> HeaderPairs:
    return tuple((name.lower(), value) for name, value in response.headers.items())


async def _read_body(response: ClientResponse, limit: int) -> bytes:
    if response.headers.get("content-encoding") not in {None, "identity"}:
        raise faults.answer_is_encoded()
    chunks: list[bytes] = []
    left = limit
    while chunk := await response.content.readany():
        left -= len(chunk)
        if left < 0:
            raise faults.answer_is_too_large(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def _translate(error: Exception, timeout_seconds: float) -> UpstreamError:
    match error:
        case InvalidURL() | NonHttpUrlClientError():
            return faults.request_is_unsendable()
        case ConnectionTimeoutError():
            return faults.connection_timed_out()
        case ClientConnectorError():
            is_forbidden = isinstance(error.os_error, ForbiddenAddressError)
            return faults.address_is_not_public() if is_forbidden else faults.connection_failed()
        case TimeoutError():
            return faults.no_answer_in_time(timeout_seconds)
        case ClientPayloadError():
            return faults.answer_broke_off()
        case _:
            return _translate_rest(error)


def _translate_rest(error: Exception) -> UpstreamError:
    match error:
        case ClientResponseError():
            return faults.answer_is_not_http()
        case ServerDisconnectedError() | OSError():
            # The connection went before an answer came.
            return faults.connection_lost()
        case ValueError():
            return faults.request_is_unsendable()
        case _:
            return faults.answer_broke_off()
