"""Requests that the gateway makes to itself, on behalf of a caller whose own request it is answering.

Each is a request like any other: authenticated, authorized, admitted, guarded, settled and recorded.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import MappingProxyType
from typing import Any

from gateway.clock import Clock
from gateway.errors import GatewayError, UpstreamBroken
from gateway.hooks import ForwardRequest, HeaderPairs, RequestContext, RequestHead, UpstreamStream
from gateway.pipeline.exchange import ClientLeftError, Exchange, Headers
from gateway.pipeline.interruption import Interruption
from gateway.pipeline.pass_through.body import PartedExchange
from gateway.runtime import Gateway
from gateway.wire.errors import error_event

__all__ = ["InnerExchange", "InnerGateway", "Serve", "ask_inside", "relay_own"]

_CHUNKS = 64
_OF_THE_OUTER = frozenset(
    {
        *("accept", "accept-encoding", "connection", "content-encoding", "content-length", "content-type"),
        *("expect", "transfer-encoding", "last-event-id", "mcp-protocol-version", "mcp-session-id"),
        *("idempotency-key", "x-litellm-call-id"),
    }
)
"""Headers of the caller's own request that say nothing of those that are made for it."""
_SESSION = "x-litellm-trace-id"
_NO_STATE: Mapping[str, object] = MappingProxyType({})

Serve = Callable[["InnerExchange"], Coroutine[Any, Any, None]]
"""Answers one request."""


class InnerGateway:
    """A `Forwarder` to this gateway itself for one caller: its credentials and addresses go along.

    `url` of a request is a path. Rows of what is asked belong to one session: the caller's, or one that is
    named after its request.
    """

    def __init__(self, gateway: Gateway, context: RequestContext, serve: Serve) -> None:
        self._gateway = gateway
        self._context = context
        self._serve = serve

    @asynccontextmanager
    async def forward(self, request: ForwardRequest) -> AsyncGenerator["InnerExchange"]:
        """See Forwarder.forward. Raises UpstreamBroken for an answer that breaks off."""
        if not isinstance(request.body, bytes | None):
            message = "a request of the gateway to itself has its body whole"
            raise TypeError(message)
        body = request.body or b""
        path, _, query = request.url.partition("?")
        head = RequestHead(
            request.method, path, self._headers(request, body), query, self._context.head.client_host
        )
        async with ask_inside(self._gateway, self._serve, head, body) as exchange:
            yield exchange

    def _headers(self, request: ForwardRequest, body: bytes) -> Mapping[str, str]:
        context = self._context
        told = context.head.headers.items()
        kept = {name: value for name, value in told if name not in _OF_THE_OUTER}
        if context.principal.agent_rules is None:
            # Of an agent it may be asked that it names its session itself.
            kept.setdefault(_SESSION, context.call_id)
        return {**kept, **dict(request.headers), "content-length": str(len(body))}


@asynccontextmanager
async def ask_inside(
    gateway: Gateway, serve: Serve, head: RequestHead, body: bytes, state: Mapping[str, object] = _NO_STATE
) -> AsyncGenerator["InnerExchange"]:
    """Have a gateway answer a request of its own. Raises UpstreamBroken for an answer that breaks off."""
    exchange = InnerExchange(head, body, gateway.clock, state)
    gateway.background(serve(exchange)).add_done_callback(exchange.note_end)
    try:
        await exchange.begun.wait()
        if not exchange.is_begun:
            raise UpstreamBroken("The gateway did not answer its own request; its log says why.")
        yield exchange
    finally:
        exchange.leave()


class InnerExchange(PartedExchange):
    """Both ends of a request of the gateway to itself: an exchange, and an `UpstreamStream`."""

    __slots__ = ("_body", "_chunks", "_has_left", "_is_broken", "_state", "begun", "headers", "status")

    def __init__(
        self, head: RequestHead, body: bytes, clock: Clock, state: Mapping[str, object] = _NO_STATE
    ) -> None:
        super().__init__(head, clock)
        self._body = body
        self._state = state
        self._chunks: asyncio.Queue[bytes] = asyncio.Queue(_CHUNKS)
        self._has_left = asyncio.Event()
        self._is_broken = False
        self.begun = asyncio.Event()
        self.status = 0
        self.headers: HeaderPairs = ()

    def check_head(self) -> None:
        """See Exchange.check_head: the caller's head was checked."""

    def tell(self, context: RequestContext) -> None:
        """See PartedExchange.tell."""
        context.state.update(self._state)

    async def _read_body(self, length: int, limit: int) -> bytes:
        del length, limit
        return self._body

    async def read_part(self) -> tuple[bytes, bool]:
        """See PartedExchange.read_part."""
        return self._body, False

    async def wait_until_gone(self) -> None:
        """See Exchange.wait_until_gone."""
        await self._has_left.wait()

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """See Exchange.answer."""
        await self.begin(status, headers)
        await self.end(body)

    async def begin(self, status: int, headers: Headers) -> None:
        """See Exchange.begin."""
        self.is_begun = True
        self.status, self.headers = status, tuple(headers)
        self.begun.set()

    async def write(self, chunk: bytes) -> None:
        """See Exchange.write; waits for a reader that is slow."""
        if chunk and not self._has_left.is_set():
            await self._chunks.put(chunk)

    async def end(self, last: bytes = b"") -> None:
        """See Exchange.end."""
        if not self.is_ended:
            self.is_ended = True
            await self.write(last)
            if not self._has_left.is_set():
                await self._chunks.put(b"")

    async def abort(self) -> None:
        """See PartedExchange.abort."""
        self._is_broken = True
        await self.end()

    async def read_chunk(self) -> bytes:
        """See UpstreamStream.read_chunk. Raises UpstreamBroken."""
        chunk = await self._chunks.get()
        if not chunk:
            # Whoever reads on gets the same again.
            self._chunks.put_nowait(b"")
            if self._is_broken:
                raise UpstreamBroken("The answer broke off.")
        return chunk

    def leave(self) -> None:
        """Stop reading: what is not whole yet is treated as any request whose client has left."""
        self._has_left.set()
        while not self._chunks.empty():
            self._chunks.get_nowait()

    def note_end(self, serving: "asyncio.Task[None]") -> None:
        """Let nobody wait for an answer that will not come."""
        error = None if serving.cancelled() else serving.exception()
        if not self.is_ended:
            self.is_ended = self._is_broken = True
            self.begun.set()
            if not self._chunks.full():
                self._chunks.put_nowait(b"")
        if error is not None and not isinstance(error, ClientLeftError):
            raise error


async def relay_own(exchange: Exchange, own: AbstractAsyncContextManager[UpstreamStream]) -> None:
    """Send an answer that a plugin makes; a client that leaves ends the making.

    Raises GatewayError before the answer has begun, and ClientLeftError.
    """
    interruption = Interruption(exchange.wait_until_gone)
    interruption.watch()
    interruption.arm()
    try:
        async with own as stream:
            await _relay(exchange, stream)
    except asyncio.CancelledError:
        if not interruption.absorb():
            raise
        raise ClientLeftError from None
    except GatewayError as error:
        if not exchange.is_begun:
            raise
        await exchange.end(error_event(error))
    finally:
        interruption.close()


async def _relay(exchange: Exchange, stream: UpstreamStream) -> None:
    headers = [pair for pair in stream.headers if pair[0] != "content-length"]
    kind = next((value for name, value in headers if name == "content-type"), "")
    if kind.startswith("text/event-stream"):
        await exchange.begin(stream.status, headers)
        while chunk := await stream.read_chunk():
            await exchange.write(chunk)
        await exchange.end()
        return
    chunks: list[bytes] = []
    while chunk := await stream.read_chunk():
        chunks.append(chunk)
    await exchange.answer(stream.status, headers, b"".join(chunks))
