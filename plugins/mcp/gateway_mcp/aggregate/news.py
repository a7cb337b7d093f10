"""What several servers have to say by themselves, in one stream."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import cast

import msgspec

from gateway.errors import GatewayError
from gateway.hooks import UpstreamStream
from gateway.wire.sse import EventSplitter, event_payload
from gateway_mcp.aggregate.asked import Asked
from gateway_mcp.aggregate.marks import mark_message
from gateway_mcp.made import Made
from gateway_mcp.names import split_uri
from gateway_mcp.upstreams import Upstream
from gateway_mcp.wire import MODERN, PROTOCOL, Object, decode_object, request_message

__all__ = ["listen", "wait_for_news"]

_OK, _METHOD_NOT_ALLOWED = 200, 405
_WAITING = 1000
_ACKNOWLEDGED = "notifications/subscriptions/acknowledged"
_Opening = AbstractAsyncContextManager[UpstreamStream]


class _News:
    """A `gateway.hooks.UpstreamStream` of what several tasks put into a queue."""

    status = _OK
    headers = (("content-type", "text/event-stream"), ("cache-control", "no-cache"))

    def __init__(self, sources: int) -> None:
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(_WAITING)
        self._open = sources

    async def put(self, event: bytes) -> None:
        """Take an event; an empty one ends a source."""
        await self._queue.put(event)

    async def read_chunk(self) -> bytes:
        """The next event; nothing when all sources have ended."""
        while self._open:
            if event := await self._queue.get():
                return event
            self._open -= 1
        return b""


@asynccontextmanager
async def wait_for_news(asked: Asked) -> AsyncGenerator[UpstreamStream]:
    """What the servers of a session say beside answers; 405 where no session has such a stream."""
    parts = [(one, part) for one in asked.upstreams if (part := asked.part(one)) and part.session]
    if not parts:
        yield Made(_METHOD_NOT_ALLOWED, (("allow", "POST"),), b"")
        return
    openings: list[tuple[Upstream, _Opening]] = [
        (upstream, asked.sent(upstream, None, part.headers())) for upstream, part in parts
    ]
    async with _merged(asked, openings, lambda _: True) as news:
        yield news


@asynccontextmanager
async def listen(asked: Asked) -> AsyncGenerator[UpstreamStream]:
    """What the servers say that know no sessions, as far as the client has asked for it.

    What they agree to say comes from each; the first is told at once for all, as the client expects one.
    """
    openings: list[tuple[Upstream, _Opening]] = []
    for upstream in asked.upstreams:
        conversation = await asked.listings.converse(upstream, asked.context)
        if await conversation.is_modern():
            body = request_message(asked.identifier, asked.method, _share(asked, upstream), is_modern=True)
            openings.append((upstream, asked.sent(upstream, body, {PROTOCOL: MODERN})))
    first = _First()
    async with _merged(asked, openings, first) as news:
        yield news


class _First:
    """Lets the first acknowledgement through, and all that is none."""

    def __init__(self) -> None:
        self._is_told = False

    def __call__(self, message: Object) -> bool:
        if message.get("method") != _ACKNOWLEDGED:
            return True
        was_told, self._is_told = self._is_told, True
        return not was_told


@asynccontextmanager
async def _merged(
    asked: Asked, openings: Sequence[tuple[Upstream, _Opening]], is_told: Callable[[Object], bool]
) -> AsyncGenerator[UpstreamStream]:
    news = _News(len(openings))
    tasks = [asyncio.create_task(_follow(asked, one, opening, news, is_told)) for one, opening in openings]
    try:
        yield news
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _follow(
    asked: Asked, upstream: Upstream, opening: _Opening, news: _News, is_told: Callable[[Object], bool]
) -> None:
    splitter = EventSplitter()
    try:
        async with opening as stream:
            while stream.status == _OK and (chunk := await stream.read_chunk()):
                for event in splitter.feed(chunk):
                    if (payload := event_payload(event)) and (
                        told := _read(asked, upstream, payload, is_told)
                    ):
                        await news.put(told)
    except GatewayError:
        # The others go on; the client hears of this one when it asks for something.
        return
    finally:
        await news.put(b"")


def _read(asked: Asked, upstream: Upstream, payload: bytes, is_told: Callable[[Object], bool]) -> bytes:
    message = decode_object(payload)
    if not is_told(message):
        return b""
    if str(message.get("method", "")).endswith("/list_changed"):
        asked.listings.forget(upstream)
    mark_message(upstream, message)
    return b"event: message\ndata: " + msgspec.json.encode(message) + b"\n\n"


def _share(asked: Asked, upstream: Upstream) -> Object:
    """What one server is asked for: of the addresses those that are its own."""
    params = dict(asked.params)
    wished = params.get("notifications")
    if isinstance(wished, dict) and "resourceSubscriptions" in wished:
        addresses = cast("Object", wished)["resourceSubscriptions"]
        listed = cast("list[object]", addresses) if isinstance(addresses, list) else []
        split = (split_uri(uri, asked.upstreams) for uri in listed if isinstance(uri, str))
        own = [found[1] for found in split if found is not None and found[0] is upstream]
        params["notifications"] = {**cast("Object", wished), "resourceSubscriptions": own}
    return params
