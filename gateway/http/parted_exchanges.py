"""Exchanges of pass-throughs: their bodies come in parts, and their answers can break off."""

import asyncio
from typing import cast

from litestar.types import Receive, Scope, Send

from gateway.clock import Clock
from gateway.hooks import RequestHead
from gateway.http.asgi_exchange import AsgiExchange
from gateway.http.rsgi_body import RsgiBody
from gateway.http.rsgi_exchange import RsgiExchange, split_address
from gateway.http.severing import sever
from gateway.pipeline.exchange import ClientLeftError, Headers
from gateway.pipeline.pass_through.body import PartedExchange
from gateway.wire import asgi as wire
from gateway.wire.rsgi import RsgiProtocol, RsgiScope

__all__ = ["PartedAsgiExchange", "PartedRsgiExchange"]


class PartedAsgiExchange(AsgiExchange, PartedExchange):
    """A `PartedExchange` over ASGI."""

    __slots__ = ("_ends",)

    def __init__(self, head: RequestHead, scope: Scope, receive: Receive, send: Send, clock: Clock) -> None:
        # Litestar's types say the same as ours in other words.
        super().__init__(head, cast("wire.Receive", receive), cast("wire.Send", send), clock)
        self._ends = scope["client"], scope["server"]

    async def abort(self) -> None:
        """See PartedExchange.abort."""
        if not self.is_ended:
            self.is_ended = True
            await asyncio.to_thread(sever, *self._ends)

    async def read_part(self) -> tuple[bytes, bool]:
        """See PartedExchange.read_part."""
        message = await self._receive()
        if message["type"] != "http.request":
            raise ClientLeftError
        return message.get("body", b""), message.get("more_body", False)


class PartedRsgiExchange(RsgiExchange, PartedExchange):
    """A `PartedExchange` over granian's own interface; an answer that is whole at once goes out as one."""

    __slots__ = ("_body", "_start")

    def __init__(self, scope: RsgiScope, path: str, protocol: RsgiProtocol, clock: Clock) -> None:
        super().__init__(scope, scope.headers, path, protocol, clock)
        self._body = RsgiBody(scope, protocol)
        self._start: tuple[int, Headers] | None = None

    async def abort(self) -> None:
        """See PartedExchange.abort."""
        if not self.is_ended:
            self.is_ended = True
            scope = self._scope
            await asyncio.to_thread(sever, split_address(scope.client), split_address(scope.server))

    async def read_part(self) -> tuple[bytes, bool]:
        """See PartedExchange.read_part."""
        return await self._body.read_part()

    async def begin(self, status: int, headers: Headers) -> None:
        """See Exchange.begin; the head goes out with the first part, even one of nothing."""
        self.is_begun = True
        self._start = status, headers

    async def write(self, chunk: bytes) -> None:
        """See Exchange.write."""
        if self._start is not None:
            start, self._start = self._start, None
            await super().begin(*start)
        if chunk:
            await super().write(chunk)

    async def end(self, last: bytes = b"") -> None:
        """See Exchange.end."""
        start, self._start = self._start, None
        if start is not None and not self.is_ended:
            await self.answer(*start, last)
        await super().end(last)
