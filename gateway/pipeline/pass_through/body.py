"""The body of a pass-through's request, which goes to the target part by part as it comes."""

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator

from gateway.admission.slow_bodies import SlowBodies
from gateway.errors import GatewayError
from gateway.hooks import RequestContext
from gateway.pipeline.exchange import ClientLeftError, Exchange, too_large

__all__ = ["BodySource", "PartedExchange"]


class PartedExchange(Exchange):
    """An exchange whose body can be read in parts, and whose answer can break off."""

    __slots__ = ()

    def tell(self, context: RequestContext) -> None:
        """Say what hooks find in the state of the request from its beginning; nothing of what clients say."""
        del context

    @abstractmethod
    async def read_part(self) -> tuple[bytes, bool]:
        """Return the next part, which may be empty, and whether there is more. Raises ClientLeftError."""

    @abstractmethod
    async def abort(self) -> None:
        """End an answer that has begun and will never be whole, so that the client sees that."""


class BodySource:
    """Reads a body of at most `limit` bytes that has to be there `seconds` after its head.

    `fault` is why it could not be read; `is_read` is set when it was read whole.
    """

    def __init__(self, exchange: PartedExchange, limit: int, seconds: float, bodies: SlowBodies) -> None:
        self.fault: GatewayError | ClientLeftError | None = None
        self.is_read = asyncio.Event()
        self._exchange = exchange
        self._limit = limit
        self._seconds = seconds
        self._bodies = bodies
        self._size = 0
        self._first = b""

    async def begin(self) -> bool:
        """Read the first part; says whether there is a body. Raises GatewayError or ClientLeftError."""
        declared = self._exchange.head.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self._limit:
            raise too_large(self._limit)
        while not self._first and not self.is_read.is_set():
            self._first = await self._read()
        return bool(self._first)

    async def read_whole(self) -> bytes:
        """Read the body. Raises GatewayError or ClientLeftError."""
        return b"".join([part async for part in self]) if await self.begin() else b""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._first
        while not self.is_read.is_set():
            try:
                part = await self._read()
            except (GatewayError, ClientLeftError) as fault:
                self.fault = fault
                raise
            if part:
                yield part

    async def wait_until_gone(self) -> None:
        """Return when the client has left after its body was read."""
        await self.is_read.wait()
        await self._exchange.wait_until_gone()

    async def _read(self) -> bytes:
        exchange = self._exchange
        part, has_more = await self._bodies.read(
            exchange.read_part(), exchange.started_monotonic, self._seconds
        )
        self._size += len(part)
        if self._size > self._limit:
            raise too_large(self._limit)
        if not has_more:
            self.is_read.set()
        return part
