"""Servers that the gateway speaks for: they are asked in here, and clients see streamable HTTP."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Protocol, cast

import msgspec

from gateway.errors import GatewayError
from gateway.hooks import ForwardRequest, HeaderPairs, UpstreamStream
from gateway_mcp.conversation import RefusedError
from gateway_mcp.faults import ServerTimeoutError
from gateway_mcp.kinds import KINDS
from gateway_mcp.made import Made, json_answer
from gateway_mcp.wire import (
    HANDSHAKE,
    HANDSHAKES,
    INTERNAL_ERROR,
    METHOD_NOT_FOUND,
    MODERN,
    PROTOCOL,
    Object,
    error_message,
    result_message,
)

__all__ = ["LocalForwarder", "LocalServer", "Tell"]

Tell = Callable[[Object], None]
"""Takes a notification that comes before an answer."""
_EVENTS: HeaderPairs = (("content-type", "text/event-stream"), ("cache-control", "no-cache"))
_NOT_FOUND, _NOT_ALLOWED = 404, 405
_TOO_LONG = "The MCP server '{}' did not answer in time."
_CACHED = frozenset((*KINDS, "resources/read"))


class LocalServer(Protocol):
    """A server behind something else than streamable HTTP, without sessions of clients."""

    async def describe(self, headers: HeaderPairs) -> Object:
        """What it is: `serverInfo`, `capabilities` and, where it has them, `instructions`."""
        ...

    async def ask(self, method: str, params: Object, headers: HeaderPairs, tell: Tell) -> Object:
        """The result of a request. Raises RefusedError for an error of the server's, and UpstreamError.

        `headers` are what the server is to be asked with, where it has a place for them.
        """
        ...


class LocalForwarder:
    """A `gateway.hooks.Forwarder` to one such server, for both generations of the protocol.

    Every request stands alone; the server's own questions to a client are refused for it. No answer begins
    before a server that `may_refuse` clients has let this one in.
    """

    def __init__(self, server: LocalServer, name: str, *, may_refuse: bool = False) -> None:
        self._server = server
        self._name = name
        self._may_refuse = may_refuse

    @asynccontextmanager
    async def forward(self, request: ForwardRequest) -> AsyncGenerator[UpstreamStream]:
        """Answer a message. Raises UpstreamError."""
        if request.method != "POST":
            yield Made(_NOT_ALLOWED if request.method == "GET" else 200, (("allow", "POST"),), b"")
            return
        body = request.body if isinstance(request.body, bytes) else b""
        asked = _Asked(msgspec.json.decode(body, type=dict[str, Any]), request.headers)
        if not asked.method or "id" not in asked.message:
            yield json_answer(b"")
        elif "progressToken" in asked.meta:
            stream = _Progress(lambda tell: self._answer(asked, tell), request.silence_seconds, self._name)
            try:
                if self._may_refuse:
                    await stream.wait_for_first()
                yield stream
            finally:
                await stream.close()
        else:
            try:
                async with asyncio.timeout(request.silence_seconds):
                    status, answer = await self._answer(asked, _drop)
            except TimeoutError:
                raise ServerTimeoutError(_TOO_LONG.format(self._name)) from None
            yield json_answer(answer, status)

    async def _answer(self, asked: "_Asked", tell: Tell) -> tuple[int, bytes]:
        """The status and the message that answer a request."""
        try:
            return 200, result_message(asked.identifier, asked.finish(await self._find(asked, tell)))
        except RefusedError as error:
            code = error.error.get("code", INTERNAL_ERROR)
            is_unknown = asked.is_modern and code == METHOD_NOT_FOUND
            message = error_message(asked.identifier, code, error.message, error.error.get("data"))
            return _NOT_FOUND if is_unknown else 200, message

    async def _find(self, asked: "_Asked", tell: Tell) -> Object:
        method = asked.method
        if method == "initialize":
            wished = asked.params.get("protocolVersion")
            revision = wished if wished in HANDSHAKES else HANDSHAKE
            return {"protocolVersion": revision, **await self._server.describe(asked.headers)}
        if method == "server/discover":
            return {"supportedVersions": [MODERN], **await self._server.describe(asked.headers)}
        if method in {"ping", "logging/setLevel"}:
            return {}
        if method == "subscriptions/listen":
            raise RefusedError({"code": METHOD_NOT_FOUND, "message": "This server tells no news."})
        return await self._server.ask(method, asked.plain(), asked.headers, tell)


class _Asked:
    """A message of a client."""

    def __init__(self, message: Object, headers: HeaderPairs) -> None:
        self.message = message
        self.headers = headers
        method, params = message.get("method"), message.get("params")
        self.method = method if isinstance(method, str) else ""
        self.params = cast("Object", params) if isinstance(params, dict) else {}
        meta = self.params.get("_meta")
        self.meta = cast("Object", meta) if isinstance(meta, dict) else {}
        self.is_modern = dict(headers).get(PROTOCOL) == MODERN

    @property
    def identifier(self) -> Any:
        return self.message.get("id")

    def plain(self) -> Object:
        """The parameters without what only the modern revision says."""
        meta = {name: value for name, value in self.meta.items() if not name.startswith("io.modelcontext")}
        plain = {name: value for name, value in self.params.items() if name != "_meta"}
        return {**plain, "_meta": meta} if meta else plain

    def finish(self, result: Object) -> Object:
        """A result as the client's revision has it."""
        if not self.is_modern:
            return result
        cached = {"ttlMs": 0, "cacheScope": "private"} if self.method in _CACHED else {}
        return {"resultType": "complete", **cached, **result}


class _Progress:
    """An answer as events: what the server tells of its progress, then the answer."""

    def __init__(
        self,
        answer: Callable[[Tell], Coroutine[Any, Any, tuple[int, bytes]]],
        silence_seconds: float,
        name: str,
    ) -> None:
        self._name = name
        self.status = 200
        self.headers = _EVENTS
        self._silence_seconds = silence_seconds
        self._first = b""
        self._events: asyncio.Queue[bytes] = asyncio.Queue()
        self._failure: GatewayError | None = None
        self._task = asyncio.create_task(self._run(answer))

    async def read_chunk(self) -> bytes:
        """The next event, b"" at the end. Raises what the server's failure is."""
        if self._first:
            first, self._first = self._first, b""
            return first
        try:
            async with asyncio.timeout(self._silence_seconds):
                event = await self._events.get()
        except TimeoutError:
            raise ServerTimeoutError(_TOO_LONG.format(self._name)) from None
        if not event and self._failure is not None:
            raise self._failure
        return event

    async def wait_for_first(self) -> None:
        """Return when there is something to read. Raises the server's failure, if that comes first."""
        self._first = await self.read_chunk()

    async def close(self) -> None:
        """Stop asking, if there is no answer yet."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _run(self, answer: Callable[[Tell], Coroutine[Any, Any, tuple[int, bytes]]]) -> None:
        try:
            _, message = await answer(self._tell)
            self._events.put_nowait(_event(message))
        except GatewayError as error:
            self._failure = error
        finally:
            self._events.put_nowait(b"")

    def _tell(self, notification: Object) -> None:
        self._events.put_nowait(_event(msgspec.json.encode(notification)))


def _event(message: bytes) -> bytes:
    return b"event: message\ndata: " + message + b"\n\n"


def _drop(notification: Object) -> None:
    """Nobody has asked for progress."""
    del notification
