"""The client for calls that must stop at once when their own client leaves."""

import asyncio
from types import TracebackType
from typing import Self

from gateway.errors import UpstreamUnreachable
from gateway.hooks import ForwardRequest, HeaderPairs
from gateway.upstream import faults
from gateway.upstream.address_guard import AddressGuard
from gateway.upstream.client import UpstreamAnswer, UpstreamRequest
from gateway.upstream.http1.addresses import Address, read_address
from gateway.upstream.http1.answers import AnswerHead
from gateway.upstream.http1.connecting import Connector
from gateway.upstream.http1.connection import Connection
from gateway.upstream.http1.pool import Pool
from gateway.upstream.http1.sending import send_parts, send_request
from gateway.upstream.silence import SilenceGuard

__all__ = ["Http1Client"]

_MEMO_ENTRIES = 4096
_REPEATABLE = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PUT", "TRACE"})
"""Methods of requests that a server may get twice (RFC 9110 section 9.2.2)."""


class Http1Client:
    """UpstreamClient and Forwarder over HTTP/1.1: a cancelled call closes its connection.

    With a guard it connects only where that allows, for addresses that came with a request.
    """

    def __init__(self, guard: AddressGuard | None = None) -> None:
        self._connector = Connector(guard)
        # Hosts that clients choose are many, and none of them is worth an idle connection.
        self._keeps = guard is None
        self._pool: Pool | None = None
        self._addresses: dict[str, Address] = {}

    async def send(self, request: UpstreamRequest) -> UpstreamAnswer:
        """See UpstreamClient.send."""
        async with _Call(self, _as_forward(request, request.timeout_seconds)) as call:
            if any(name == "content-encoding" and value != "identity" for name, value in call.headers):
                raise faults.answer_is_encoded()
            chunks: list[bytes] = []
            while chunk := await call.read_chunk():
                chunks.append(chunk)
            return UpstreamAnswer(call.status, call.headers, b"".join(chunks))

    def stream(self, request: UpstreamRequest) -> "_Call":
        """See UpstreamClient.stream."""
        return _Call(self, _as_forward(request, request.read_timeout_seconds))

    def forward(self, request: ForwardRequest) -> "_Call":
        """See Forwarder.forward."""
        return _Call(self, request)

    async def close(self) -> None:
        """See UpstreamClient.close."""
        if self._pool is not None:
            self._pool.close()

    @property
    def pool(self) -> Pool:
        """The connections; they belong to the running loop, so that the first call makes it."""
        self._pool = self._pool or Pool(self._connector)
        return self._pool

    def find_address(self, url: str) -> Address:
        """An address, taken apart. Raises ValueError."""
        found = self._addresses.get(url)
        if found is None:
            if len(self._addresses) >= _MEMO_ENTRIES:
                self._addresses.clear()
            found = self._addresses[url] = read_address(url)
        return found

    def leave(self, address: Address, connection: Connection) -> None:
        """End the request of a connection, which may wait for another one."""
        if connection.end() and self._keeps:
            self.pool.keep(address.origin, connection)
        else:
            self.pool.drop(connection)


def _as_forward(request: UpstreamRequest, silence_seconds: float) -> ForwardRequest:
    return ForwardRequest(
        request.method,
        request.url,
        request.headers,
        request.body if request.method == "POST" else None,
        request.timeout_seconds,
        silence_seconds,
        request.max_response_bytes,
    )


class _Call:
    """A call and its context in one object: UpstreamStream of Http1Client."""

    __slots__ = (
        *("_address", "_client", "_connection", "_deadline", "_guard", "_head", "_left", "_request"),
        "_sending",
    )

    _address: Address
    _connection: Connection
    _head: AnswerHead

    def __init__(self, client: "Http1Client", request: ForwardRequest) -> None:
        self._client = client
        self._request = request
        self._guard = SilenceGuard(request.silence_seconds)
        self._left = request.max_response_bytes
        self._deadline: asyncio.TimerHandle | None = None
        self._sending: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        try:
            self._address = self._client.find_address(self._request.url)
            with self._guard:
                await self._ask(asyncio.get_running_loop().time() + self._request.timeout_seconds)
        except ValueError:
            raise faults.request_is_unsendable() from None
        finally:
            # The first chunk arms it again.
            self._guard.close()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._guard.close()
        if self._stop():
            self._client.leave(self._address, self._connection)
        else:
            self._client.pool.drop(self._connection)

    @property
    def status(self) -> int:
        return self._head.status

    @property
    def headers(self) -> HeaderPairs:
        return self._head.headers

    async def read_chunk(self) -> bytes:
        """See UpstreamStream.read_chunk."""
        chunk = self._connection.take_chunk()
        if chunk is None:
            with self._guard:
                chunk = await self._connection.read_chunk()
        self._left -= len(chunk)
        if self._left < 0:
            raise faults.answer_is_too_large(self._request.max_response_bytes)
        return chunk

    async def _ask(self, deadline: float) -> None:
        """Send the request and wait for the head of its answer, on a fresh connection if need be."""
        pool, origin = self._client.pool, self._address.origin
        while (connection := pool.take(origin)) is not None:
            if await self._try(connection, deadline):
                return
        try:
            async with asyncio.timeout_at(deadline):
                connection = await pool.open(origin)
        except TimeoutError:
            raise faults.connection_timed_out() from None
        await self._try(connection, deadline, is_fresh=True)

    async def _try(self, connection: Connection, deadline: float, *, is_fresh: bool = False) -> bool:
        """Ask on one connection; False where it was closed before the server can have read the request."""
        self._connection, request = connection, self._request
        self._deadline = asyncio.get_running_loop().call_at(deadline, self._expire)
        try:
            send_request(connection, self._address, request)
            if not isinstance(request.body, bytes | None):
                self._sending = asyncio.create_task(send_parts(connection, request, request.body))
            self._head = await connection.read_head()
        except BaseException as error:
            is_final = is_fresh or connection.has_heard or not self._is_repeatable
            self._stop()
            self._client.pool.drop(connection)
            if is_final or not isinstance(error, UpstreamUnreachable):
                raise
            return False
        return True

    @property
    def _is_repeatable(self) -> bool:
        """Whether a server may get the request twice: it may have closed a connection as it was used."""
        return self._request.method in _REPEATABLE and isinstance(self._request.body, bytes | None)

    def _stop(self) -> bool:
        """Stop what goes on beside the call; says whether the request was sent whole."""
        if self._deadline is not None:
            self._deadline.cancel()
        return self._sending is None or self._sending.done() or not self._sending.cancel()

    def _expire(self) -> None:
        self._connection.fail(faults.no_answer_in_time(self._request.timeout_seconds))
