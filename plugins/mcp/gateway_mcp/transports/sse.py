"""Servers that speak the transport before streamable HTTP: a stream of events, and an address to post to.

Source: https://modelcontextprotocol.io/specification/2024-11-05/basic/transports.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import cast
from urllib.parse import urljoin, urlsplit

import msgspec

from gateway.errors import UpstreamBroken, UpstreamError, UpstreamGarbled
from gateway.hooks import Forwarder, ForwardRequest, HeaderPairs, UpstreamStream
from gateway.wire.sse import EventSplitter, event_payload
from gateway_mcp.conversation import RefusedError
from gateway_mcp.revisions import read_agreed
from gateway_mcp.transports.local import Tell
from gateway_mcp.transports.questions import refuse_question
from gateway_mcp.upstreams import Upstream
from gateway_mcp.wire import CLIENT, HANDSHAKE, PROTOCOL, Object, decode_object

__all__ = ["SseServer"]

_BYTES = 32 * 1024 * 1024
_OK, _FIRST_REDIRECT = 200, 300
_CANCEL_SECONDS = 2.0
_CHANGED = "/list_changed"
_NOT_PASSED = frozenset(
    {"accept", "accept-encoding", "content-length", "content-type", "host", "last-event-id", PROTOCOL}
)


class SseServer:
    """A `LocalServer` that opens a stream and shakes hands for each request: nothing stays in a worker."""

    def __init__(self, upstream: Upstream, forwarder: Forwarder, note_change: Callable[[], None]) -> None:
        self._upstream = upstream
        self._forwarder = forwarder
        self._note_change = note_change

    async def describe(self, headers: HeaderPairs) -> Object:
        """See LocalServer."""
        async with self._opened(headers) as session:
            return session.described

    async def ask(self, method: str, params: Object, headers: HeaderPairs, tell: Tell) -> Object:
        """See LocalServer."""
        async with self._opened(headers) as session:
            return await session.ask(method, params, tell)

    @asynccontextmanager
    async def _opened(self, headers: HeaderPairs) -> AsyncGenerator["_Session"]:
        passed = {name: value for name, value in headers if _is_passed(name)}
        passed["accept-encoding"] = "identity"
        async with self._send("GET", self._upstream.settings.url, passed, None) as stream:
            if stream.status != _OK:
                raise self._refuse(stream.status)
            kind = dict(stream.headers).get("content-type", "")
            if not kind.startswith("text/event-stream"):
                raise UpstreamGarbled(f"The MCP server '{self._upstream.name}' answers with no events.")
            session = _Session(stream, self._upstream, self._note_change)
            session.post = self._build_post(await session.read_payload(), passed)
            await session.shake_hands()
            yield session

    def _build_post(self, endpoint: bytes, headers: dict[str, str]) -> "_Post":
        own = self._upstream.settings.url
        url = urljoin(own, endpoint.decode(errors="replace").strip())
        if urlsplit(url)[:2] != urlsplit(own)[:2]:
            # Credentials are for this server only.
            raise UpstreamGarbled(f"The MCP server '{self._upstream.name}' wants messages sent elsewhere.")

        async def post(message: Object) -> None:
            body = msgspec.json.encode({"jsonrpc": "2.0", **message})
            sent = {**headers, "content-type": "application/json"}
            async with self._send("POST", url, sent, body) as stream:
                if stream.status >= _FIRST_REDIRECT:
                    raise self._refuse(stream.status)
                while await stream.read_chunk():
                    pass

        return post

    def _refuse(self, status: int) -> UpstreamError:
        return UpstreamError(f"The MCP server '{self._upstream.name}' answered {status}.")

    def _send(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None
    ) -> AbstractAsyncContextManager[UpstreamStream]:
        accepted = "text/event-stream" if method == "GET" else "application/json, text/event-stream"
        seconds = self._upstream.settings.timeout
        request = ForwardRequest(
            method=method,
            url=url,
            headers=tuple({"accept": accepted, **headers}.items()),
            body=body,
            timeout_seconds=max(seconds, 3600.0) if method == "GET" else seconds,
            silence_seconds=seconds,
            max_response_bytes=_BYTES,
        )
        return self._forwarder.forward(request)


_Post = Callable[[Object], Awaitable[None]]


class _Session:
    """One stream of a server; `post` sends it a message."""

    post: _Post

    def __init__(self, stream: UpstreamStream, upstream: Upstream, note_change: Callable[[], None]) -> None:
        self._name = upstream.name
        self._pinned = upstream.settings.protocol_version
        self._stream = stream
        self._note_change = note_change
        self._splitter = EventSplitter()
        self._payloads: list[bytes] = []
        self._last = 0
        self.described: Object = {}

    async def read_payload(self) -> bytes:
        """The data of the next event that has some. Raises UpstreamBroken at the end."""
        while not self._payloads:
            chunk = await self._stream.read_chunk()
            if not chunk:
                raise UpstreamBroken(f"The MCP server '{self._name}' has ended its stream.")
            payloads = (event_payload(event) for event in self._splitter.feed(chunk))
            self._payloads += [payload for payload in payloads if payload]
        return self._payloads.pop(0)

    async def shake_hands(self) -> None:
        """Open the session of the protocol."""
        wished = self._pinned or HANDSHAKE
        params: Object = {"protocolVersion": wished, "capabilities": {}, "clientInfo": CLIENT}
        said = await self.ask("initialize", params, lambda _: None)
        read_agreed(said, self._name, self._pinned)
        members = ("capabilities", "serverInfo", "instructions")
        self.described = {name: said[name] for name in members if name in said}
        await self.post({"method": "notifications/initialized"})

    async def ask(self, method: str, params: Object, tell: Tell) -> Object:
        """The result of a request; one that is given up is cancelled on the server. Raises RefusedError."""
        self._last += 1
        try:
            await self.post({"id": self._last, "method": method, "params": params})
            return await self._wait_for_result(tell)
        except asyncio.CancelledError:
            given_up = {"requestId": self._last, "reason": "Nobody waits for the answer any more."}
            with suppress(UpstreamError, TimeoutError):
                async with asyncio.timeout(_CANCEL_SECONDS):
                    await self.post({"method": "notifications/cancelled", "params": given_up})
            raise

    async def _wait_for_result(self, tell: Tell) -> Object:
        while True:
            message = decode_object(await self.read_payload())
            if "method" in message:
                await self._take(message, tell)
            elif message.get("id") == self._last:
                return _read_result(message)

    async def _take(self, message: Object, tell: Tell) -> None:
        method = str(message["method"])
        if "id" in message:
            await self.post({"id": message["id"], **refuse_question(method)})
        elif method.endswith(_CHANGED):
            self._note_change()
        elif method == "notifications/progress":
            # Nobody else is on this stream: the token is the client's own.
            tell(message)


def _read_result(message: Object) -> Object:
    result, error = message.get("result"), message.get("error")
    if isinstance(result, dict):
        return cast("Object", result)
    raise RefusedError(cast("Object", error) if isinstance(error, dict) else {})


def _is_passed(name: str) -> bool:
    return name not in _NOT_PASSED and not name.startswith("mcp-")
