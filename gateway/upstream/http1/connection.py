"""One connection to a server: one request at a time, and its answer."""

import asyncio
from typing import cast

from gateway.errors import UpstreamError
from gateway.upstream import faults
from gateway.upstream.http1.answers import AnswerHead, AnswerReader

__all__ = ["Connection"]

_HELD_BYTES = 64 * 1024
"""So much of a body waits to be read before the server is made to wait."""


class Connection(asyncio.Protocol):
    """Speaks HTTP/1.1 (RFC 9112); what the server says unasked ends it."""

    __slots__ = (
        *("_answer", "_chunks", "_fault", "_held", "_is_paused", "_loop", "_transport", "_waiter"),
        *("_writable", "has_heard", "idle_since"),
    )

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._is_paused = False
        self.idle_since = 0.0
        self._begin(None)

    def _begin(self, answer: AnswerReader | None) -> None:
        self._answer = answer
        self._fault: UpstreamError | None = None
        self._chunks: list[bytes] = []
        self._held = 0
        self.has_heard = False
        """Whether anything has come since the request was sent."""

    @property
    def is_open(self) -> bool:
        """Whether another request can be sent: the last answer was read whole."""
        transport = self._transport
        return transport is not None and not transport.is_closing() and self._answer is None

    def send(self, method: str, data: bytes) -> None:
        """Send the head of a request, and its body if that is whole."""
        self._begin(AnswerReader(method))
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
        while self._answer is None or self._answer.head is None:
            await self._wait()
        return self._answer.head

    async def read_chunk(self) -> bytes:
        """Wait for more of the body; nothing at its end. Raises UpstreamError."""
        while (chunk := self.take_chunk()) is None:
            await self._wait()
        return chunk

    def take_chunk(self) -> bytes | None:
        """What is there of the body, nothing at its end; None where it has to be waited for."""
        if not self._chunks:
            return b"" if self.is_answered else None
        chunks, self._chunks, self._held = self._chunks, [], 0
        if self._is_paused:
            self._pace()
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    @property
    def is_answered(self) -> bool:
        """Whether the answer has ended."""
        return self._answer is not None and self._answer.is_ended and self._fault is None

    def end(self) -> bool:
        """End the request; says whether the connection can have another one. If not, it is closed."""
        answer, is_read = self._answer, self.is_answered and not self._chunks
        head = None if answer is None or answer.has_more else answer.head
        if not is_read or head is None or head.is_last or self._writable is not None:
            self.abort()
            return False
        self._begin(None)
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
        answer = self._answer
        if answer is None or self._fault is not None:
            self.abort()
            return
        try:
            chunk = answer.feed(data)
        except ValueError:
            self.fail(faults.answer_is_not_http() if answer.head is None else faults.answer_broke_off())
            return
        if chunk:
            self._chunks.append(chunk)
            self._held += len(chunk)
            self._pace()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._transport = None
        self.resume_writing()
        answer = self._answer
        if answer is None or answer.head is None:
            self.fail(faults.connection_lost())
            return
        try:
            if exc is None:
                answer.finish()
            elif not answer.is_ended:
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
