"""One connection to a server: one request at a time, and its answer."""

import asyncio
from typing import cast

from gateway.errors import UpstreamError
from gateway.upstream import faults
from gateway.upstream.http1.bodies import AnswerBody, open_body
from gateway.upstream.http1.heads import END, MOST_BYTES, AnswerHead, is_beginning, read_head

__all__ = ["Connection"]

_HELD_BYTES = 64 * 1024
"""So much of a body waits to be read before the server is made to wait."""
_SWITCHED, _FIRST_FINAL = 101, 200


class Connection(asyncio.Protocol):
    """Speaks HTTP/1.1 (RFC 9112); what the server says unasked ends it."""

    __slots__ = (
        *("_body", "_chunks", "_fault", "_head", "_held", "_is_paused", "_loop", "_method", "_start"),
        *("_transport", "_waiter", "_writable", "has_heard", "idle_since"),
    )

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._is_paused = False
        self.idle_since = 0.0
        self._begin("")

    def _begin(self, method: str) -> None:
        self._method = method
        self._head: AnswerHead | None = None
        self._body: AnswerBody | None = None
        self._fault: UpstreamError | None = None
        self._start = b""
        self._chunks: list[bytes] = []
        self._held = 0
        self.has_heard = False
        """Whether anything has come since the request was sent."""

    @property
    def is_open(self) -> bool:
        """Whether another request can be sent: the last answer was read whole."""
        transport = self._transport
        return transport is not None and not transport.is_closing() and not self._method

    def send(self, method: str, data: bytes) -> None:
        """Send the head of a request, and its body if that is whole."""
        self._begin(method)
        self.write(data)

    def write(self, data: bytes) -> None:
        """Send a part of a body."""
        if self._transport is not None:
            self._transport.write(data)

    async def drain(self) -> None:
        """Wait until the server has taken most of what was sent."""
        if self._writable is not None:
            await self._writable

    async def read_head(self) -> AnswerHead:
        """Wait for the head of the answer. Raises UpstreamError."""
        while self._head is None:
            await self._wait()
        return self._head

    async def read_chunk(self) -> bytes:
        """Wait for more of the body; nothing at its end. Raises UpstreamError."""
        while not self._chunks:
            if self.is_answered:
                return b""
            await self._wait()
        chunks, self._chunks, self._held = self._chunks, [], 0
        self._pace()
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    @property
    def is_answered(self) -> bool:
        """Whether the answer has ended."""
        return self._body is not None and self._body.is_ended and self._fault is None

    def end(self) -> bool:
        """End the request; says whether the connection can have another one. If not, it is closed."""
        body, head = self._body, self._head
        is_whole = self.is_answered and not self._chunks and body is not None and not body.rest
        if not is_whole or head is None or head.is_last or self._writable is not None:
            self.abort()
            return False
        self._begin("")
        return self.is_open

    def abort(self) -> None:
        """Close the connection at once."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()

    def fail(self, fault: UpstreamError) -> None:
        """End the request with a fault, and with it the connection."""
        if self._fault is None:
            self._fault = fault
        self.abort()
        self._wake()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast("asyncio.Transport", transport)  # of a stream of bytes

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        self.has_heard = True
        if not self._method or self._fault is not None:
            self.abort()
        elif self._body is None:
            self._read_head(self._start + data)
        else:
            self._feed(self._body, data)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._transport = None
        self.resume_writing()
        if self._head is None or self._body is None:
            self.fail(faults.connection_lost())
            return
        try:
            if exc is None:
                self._body.finish()
            elif not self._body.is_ended:
                self.fail(faults.answer_broke_off())
        except ValueError:
            self.fail(faults.answer_broke_off())
        self._wake()

    def pause_writing(self) -> None:
        """See asyncio.Protocol."""
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        writable, self._writable = self._writable, None
        if writable is not None and not writable.done():
            writable.set_result(None)

    def _read_head(self, data: bytes) -> None:
        """Read the head of the answer, past those that only say that the server is at work."""
        try:
            while True:
                at = data.find(END)
                if at < 0:
                    self._hold(data)
                    return
                head, data = read_head(data[: at + len(END)]), data[at + len(END) :]
                if head.status >= _FIRST_FINAL or head.status == _SWITCHED:
                    break
            body = open_body(self._method, head)
        except ValueError:
            self.fail(faults.answer_is_not_http())
            return
        self._head, self._body = head, body
        self._feed(body, data)

    def _hold(self, data: bytes) -> None:
        """Keep the beginning of a head. Raises ValueError for one that is none, or too long."""
        if not is_beginning(data) or len(data) > MOST_BYTES:
            raise ValueError("no head")
        self._start = data

    def _feed(self, body: AnswerBody, data: bytes) -> None:
        if body.is_ended:
            body.rest += data
        elif data:
            try:
                chunk = body.feed(data)
            except ValueError:
                self.fail(faults.answer_broke_off())
                return
            if chunk:
                self._chunks.append(chunk)
                self._held += len(chunk)
                self._pace()
        self._wake()

    def _pace(self) -> None:
        """Make the server wait while too much is held."""
        is_full = self._held > _HELD_BYTES
        transport = self._transport
        if is_full is self._is_paused or transport is None:
            return
        self._is_paused = is_full
        if is_full:
            transport.pause_reading()
        else:
            transport.resume_reading()

    async def _wait(self) -> None:
        if self._fault is not None:
            raise self._fault
        waiter = self._waiter = self._loop.create_future()
        try:
            await waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
