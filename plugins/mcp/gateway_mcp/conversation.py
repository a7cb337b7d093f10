"""What the gateway itself asks a server: in whichever generation of the protocol the server speaks."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from types import MappingProxyType
from typing import cast

from gateway.errors import GatewayError, UpstreamBroken, UpstreamError, UpstreamGarbled
from gateway.hooks import Forwarder, ForwardRequest, HeaderPairs, UpstreamStream
from gateway_mcp.courses import Course
from gateway_mcp.faults import ServerTimeoutError
from gateway_mcp.header_texts import write_header
from gateway_mcp.revisions import UNSUPPORTED, read_agreed
from gateway_mcp.sessions import SESSION
from gateway_mcp.upstreams import Upstream
from gateway_mcp.wire import (
    ANSWER_IS_NO_MESSAGE,
    CLIENT,
    HANDSHAKE,
    MODERN,
    NAMED,
    PROTOCOL,
    Object,
    decode_object,
    request_message,
)

__all__ = ["Conversation", "Eras", "RefusedError", "read_answer"]

_ID = 1
_PAGES = 1000
_BYTES = 32 * 1024 * 1024
_OK, _FIRST_FAILURE = 200, 400
_NOTHING: Mapping[str, str] = MappingProxyType({})


class RefusedError(GatewayError):
    """A server answered a request with an error of JSON-RPC."""

    status = 502
    type = "mcp_error"

    def __init__(self, error: Object) -> None:
        super().__init__(str(error.get("message", "The MCP server refused the request."))[:1000])
        self.error = error


class Eras:
    """Which generation a server speaks, as far as this worker has found out; it may ask anew at any time."""

    def __init__(self) -> None:
        self._modern: dict[str, bool] = {}

    def known(self, upstream: Upstream) -> bool | None:
        """Whether a server speaks the modern revision; None where nobody says it and it was not asked yet."""
        pinned = upstream.settings.protocol_version
        return self._modern.get(upstream.id) if pinned is None else pinned == MODERN

    def learn(self, upstream: Upstream, *, is_modern: bool) -> None:
        """Keep what was found out."""
        self._modern[upstream.id] = is_modern

    def forget(self, upstream: Upstream) -> None:
        """Another server may stand in its place."""
        self._modern.pop(upstream.id, None)


class Conversation:
    """Requests to one server, with the gateway as the client, which can do nothing for the server."""

    def __init__(
        self, forwarder: Forwarder, upstream: Upstream, credentials: HeaderPairs, eras: Eras, seconds: float
    ) -> None:
        self._forwarder = forwarder
        self._upstream = upstream
        self._credentials = credentials
        self._eras = eras
        self._seconds = seconds
        self._session: str | None = None
        self._revision = HANDSHAKE

    async def ask(self, method: str, params: Object, repeated: Mapping[str, str] = _NOTHING) -> Object:
        """The result of one request; `repeated` are headers that a modern server compares with it.

        Raises RefusedError for an error of the server's, UpstreamError for what the transport makes of it.
        """
        async with self._opened() as is_modern:
            return await self._ask(method, params, repeated, is_modern=is_modern)

    async def list_all(self, method: str, member: str) -> list[Object]:
        """All pages of a list."""
        async with self._opened() as is_modern:
            found: list[Object] = []
            params: Object = {}
            for _ in range(_PAGES):
                result = await self._ask(method, params, _NOTHING, is_modern=is_modern)
                items = result.get(member)
                found += cast("list[Object]", items) if isinstance(items, list) else []
                cursor = result.get("nextCursor")
                if not cursor:
                    return [item for item in found if isinstance(cast("object", item), dict)]
                params = {"cursor": cursor}
        raise UpstreamGarbled(f"The MCP server '{self._upstream.name}' lists without end.")

    async def is_modern(self) -> bool:
        """Whether the server speaks the revision without sessions; it is asked once, if nobody says it."""
        known = self._eras.known(self._upstream)
        if known is None:
            known = await self._discover()
            self._eras.learn(self._upstream, is_modern=known)
        return known

    @asynccontextmanager
    async def _opened(self) -> AsyncGenerator[bool]:
        """Yields whether the server is modern; another one has a session as long as the context."""
        if await self.is_modern():
            yield True
            return
        await self._begin()
        try:
            yield False
        finally:
            await self._end()

    async def _discover(self) -> bool:
        try:
            result = await self._ask("server/discover", {}, _NOTHING, is_modern=True)
        except RefusedError as refusal:
            return _names_modern(refusal.error)
        versions = result.get("supportedVersions")
        return isinstance(versions, list) and MODERN in versions

    async def _begin(self) -> None:
        pinned = self._upstream.settings.protocol_version
        wished = pinned or HANDSHAKE
        params: Object = {"protocolVersion": wished, "capabilities": {}, "clientInfo": CLIENT}
        body = request_message(_ID, "initialize", params, is_modern=False)
        async with self._sent("POST", body, {}) as stream:
            result = await self._result(stream, Course())
            self._session = next((value for name, value in stream.headers if name == SESSION), None)
        if result is None:
            raise UpstreamGarbled(ANSWER_IS_NO_MESSAGE)
        self._revision = read_agreed(result, self._upstream.name, pinned)
        body = request_message(None, "notifications/initialized", {}, is_modern=False)
        async with self._sent("POST", body, self._of_session()):
            pass

    async def _end(self) -> None:
        if self._session is None:
            return
        headers, self._session = self._of_session(), None
        # Nothing depends on it: a server forgets sessions by itself.
        with suppress(UpstreamError, TimeoutError):
            async with asyncio.timeout(2), self._sent("DELETE", None, headers):
                pass

    async def _ask(
        self, method: str, params: Object, repeated: Mapping[str, str], *, is_modern: bool
    ) -> Object:
        headers = self._of_session()
        if is_modern:
            headers = {**repeated, PROTOCOL: MODERN, "mcp-method": method}
            if method in NAMED:
                headers["mcp-name"] = write_header(str(params[NAMED[method]]))
        body = request_message(_ID, method, params, is_modern=is_modern)
        course = Course()
        async with self._sent("POST", body, headers) as stream:
            result = await self._result(stream, course)
        return await self._wait_for_rest(course) if result is None else result

    async def _wait_for_rest(self, course: Course) -> Object:
        """The result of which the answer had only the beginning, and said where the rest is."""
        try:
            async with asyncio.timeout(self._seconds):
                while course.is_open:
                    await asyncio.sleep(course.pause_seconds)
                    headers = {**self._of_session(), **course.begin()}
                    async with self._sent("GET", None, headers) as stream:
                        result = await self._result(stream, course)
                    if result is not None:
                        return result
        except TimeoutError:
            raise ServerTimeoutError(f"The MCP server '{self._upstream.name}' took too long.") from None
        raise UpstreamBroken(f"The MCP server '{self._upstream.name}' has broken off its answer.")

    def _of_session(self) -> dict[str, str]:
        known = {} if self._session is None else {SESSION: self._session}
        return {PROTOCOL: self._revision, **known}

    @asynccontextmanager
    async def _sent(
        self, method: str, body: bytes | None, headers: dict[str, str]
    ) -> AsyncGenerator[UpstreamStream]:
        plain = {"accept": "application/json, text/event-stream", "accept-encoding": "identity"}
        if body is not None:
            plain["content-type"] = "application/json"
        request = ForwardRequest(
            method=method,
            url=self._upstream.settings.url,
            headers=tuple({**plain, **headers, **dict(self._credentials)}.items()),
            body=body,
            timeout_seconds=self._seconds,
            silence_seconds=self._seconds,
            max_response_bytes=_BYTES,
        )
        async with self._forwarder.forward(request) as stream:
            yield stream

    async def _result(self, stream: UpstreamStream, course: Course) -> Object | None:
        """The result that an answer has; None where the rest of it is elsewhere."""
        if stream.status != _OK and not _is_json(stream):
            status = stream.status
            raise RefusedError({"message": f"The MCP server '{self._upstream.name}' answered {status}."})
        message = await read_answer(stream, _ID, course)
        if message is None:
            return None
        if stream.status >= _FIRST_FAILURE or "result" not in message:
            error = message.get("error")
            raise RefusedError(cast("Object", error) if isinstance(error, dict) else {})
        result = message["result"]
        if not isinstance(result, dict):
            raise UpstreamGarbled(ANSWER_IS_NO_MESSAGE)
        return cast("Object", result)


async def read_answer(stream: UpstreamStream, identifier: object, course: Course) -> Object | None:
    """The message that answers a request, whether it comes alone or among events.

    None where its server has said how to come back for it. Raises UpstreamGarbled where there is none.
    """
    if not _is_json(stream):
        return await _find_answer(stream, identifier, course)
    chunks: list[bytes] = []
    while chunk := await stream.read_chunk():
        chunks.append(chunk)
    message = decode_object(b"".join(chunks))
    if "result" in message and message.get("id") != identifier:
        raise UpstreamGarbled(ANSWER_IS_NO_MESSAGE)
    return message


async def _find_answer(stream: UpstreamStream, identifier: object, course: Course) -> Object | None:
    try:
        while chunk := await stream.read_chunk():
            for payload in course.read(chunk):
                message = decode_object(payload)
                if "method" not in message and message.get("id") == identifier:
                    return message
    except UpstreamBroken:
        if not course.is_open:
            raise
    if not course.is_open:
        raise UpstreamGarbled(ANSWER_IS_NO_MESSAGE)
    return None


def _names_modern(error: Object) -> bool:
    """Whether a server that does not know the revision it was asked by says that it knows it.

    What stands before a server may refuse a first request so; the next one is served.
    """
    data = error.get("data") if error.get("code") == UNSUPPORTED else None
    known = cast("Object", data).get("supported") if isinstance(data, dict) else None
    return isinstance(known, list) and MODERN in known


def _is_json(stream: UpstreamStream) -> bool:
    kind = next((value for name, value in stream.headers if name == "content-type"), "")
    return kind.partition(";")[0].strip().lower() == "application/json"
