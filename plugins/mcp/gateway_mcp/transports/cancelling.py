"""Calls of tools that are refused while they are under way: their server is told, where it would not notice.

Source: https://modelcontextprotocol.io/specification/2025-11-25/basic/utilities/cancellation. In the revision
without sessions the end of the stream says it.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import msgspec

from gateway.errors import GatewayError
from gateway.hooks import Beside, Forwarder, ForwardRequest, RequestContext, UpstreamStream
from gateway_mcp.wire import MODERN, PROTOCOL, cancellation

__all__ = ["stop_refused"]

_CALL = "tools/call"
_SECONDS = 2.0
_REASON = "The call was refused while it was under way."


class _Message(msgspec.Struct):
    id: int | float | str | None = None
    method: str = ""


_decode = msgspec.json.Decoder(_Message).decode


def stop_refused(forwarder: Forwarder, context: RequestContext) -> Forwarder:
    """The way to a server, which hears of it when the call is refused by what goes on `beside` it."""
    return forwarder if context.beside is None else _CancellingForwarder(forwarder, context.beside)


class _CancellingForwarder:
    def __init__(self, forwarder: Forwarder, beside: Beside) -> None:
        self._forwarder = forwarder
        self._beside = beside

    @asynccontextmanager
    async def forward(self, request: ForwardRequest) -> AsyncGenerator[UpstreamStream]:
        """Send a request, and what cancels it where nobody waits for its answer any more."""
        is_answered = False
        try:
            async with self._forwarder.forward(request) as stream:
                is_answered = not dict(stream.headers).get("content-type", "").startswith("text/event-stream")
                yield stream
        finally:
            if not is_answered and self._beside.refusal is not None:
                await self._cancel(request)

    async def _cancel(self, request: ForwardRequest) -> None:
        """Tell the server. Nothing depends on it, so that no failure matters, and it may not take long."""
        if not isinstance(request.body, bytes) or dict(request.headers).get(PROTOCOL) == MODERN:
            return
        message = _decode(request.body)
        if message.method != _CALL or message.id is None:
            return
        told = msgspec.structs.replace(request, body=cancellation(message.id, _REASON))
        with suppress(GatewayError, TimeoutError):
            async with asyncio.timeout(_SECONDS), self._forwarder.forward(told) as stream:
                while await stream.read_chunk():
                    pass
