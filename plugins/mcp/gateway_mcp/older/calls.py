"""One message of a client: it is sent as one of streamable HTTP, and what comes of it goes to the stream."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, cast

import msgspec

from gateway.errors import GatewayError, NotFound
from gateway.hooks import Inside, OpenAnswer, RequestHead, UpstreamStream
from gateway_mcp.courses import LAST_EVENT, Course
from gateway_mcp.faults import state_in_message
from gateway_mcp.older.revisions import is_too_new, refuse_modern
from gateway_mcp.older.streams import Stream
from gateway_mcp.passing_on import UpstreamRefusalError
from gateway_mcp.revisions import Revisions
from gateway_mcp.sessions import SESSION
from gateway_mcp.wire import INTERNAL_ERROR, PROTOCOL, Object, error_message

__all__ = ["CALL", "Call", "unknown_stream"]

CALL = "gateway_mcp.older"
"""In the state of the request that a message is sent as: its `Call`."""
_ACCEPTED, _FIRST_FAILURE, _UNAUTHORIZED, _NOT_FOUND, _GONE = 202, 400, 401, 404, 503
_OF_THE_WIRE = frozenset({"content-length", "transfer-encoding", "connection", "content-encoding"})
_RESTATED = _OF_THE_WIRE | {
    *("accept", "accept-encoding", "content-type", "expect", LAST_EVENT, "mcp-method", "mcp-name"),
    *(SESSION, PROTOCOL),
}
_LOST = "The MCP server has ended its answer before it was whole."
_PAUSE_SECONDS = 1.0
_LEAVING_SECONDS = 2.0


class Call:
    """A message on its way; `answered` is what its client is told in the answer to the post.

    Who has sent a request hears of what comes of it on the stream, also of a refusal: clients differ in where
    they look. What asks for another credential, or ends the session, has its status in the answer besides.
    Nothing that somebody else posts, or nobody who is known, comes to the stream.
    """

    def __init__(self, stream: Stream, message: Object, revisions: Revisions) -> None:
        self.stream = stream
        method = message.get("method")
        self.method = method if isinstance(method, str) else ""
        self._revisions = revisions
        self._is_too_new = is_too_new(message)
        self._is_owners = False
        self._leave: Callable[[], Awaitable[None]] | None = None
        self.is_request = bool(self.method) and "id" in message
        self.identifier: Any = message.get("id")
        self.answered: asyncio.Future[OpenAnswer] = asyncio.get_running_loop().create_future()

    def check(self, owner: str) -> None:
        """Raise NotFound for somebody else's stream, UnsupportedRevisionError for what is too new for it."""
        if owner != self.stream.owner:
            raise unknown_stream()
        self._is_owners = True
        if self._is_too_new:
            error = refuse_modern(self._revisions)
            state_in_message(error, self.identifier)
            raise error

    def note_admitted(self) -> None:
        """Let the client of a request go on; handshakes and notifications come one after the other."""
        if self.is_request and self.method != "initialize":
            self.accept()

    def accept(self) -> None:
        """Say that the message was taken."""
        self._answer(OpenAnswer(b"Accepted", _ACCEPTED, (("content-type", "text/plain"),)))

    async def carry(self, inside: Inside, head: RequestHead, body: bytes) -> None:
        """Send the message and take what comes of it to the stream."""
        sent = build_head(self.stream, head, "POST")
        self._leave = partial(end_session, inside, self.stream, head)
        try:
            async with inside.ask(sent, body, {CALL: self}) as answer:
                await self._take(inside, head, answer)
            if self.method == "notifications/initialized" and self.stream.session:
                self.stream.run(listen(inside, self.stream, head))
        except GatewayError as error:
            await self._fail(INTERNAL_ERROR, error.message)
        finally:
            self._answer(OpenAnswer(b"", _GONE, ()))

    async def _take(self, inside: Inside, head: RequestHead, answer: UpstreamStream) -> None:
        if answer.status >= _FIRST_FAILURE:
            await self._refuse(answer, await _read(answer))
            return
        if self.method == "initialize":
            self._begin_session(_header(answer, SESSION))
        self.accept()
        course = Course()
        reason = await self._tell_all(answer, course)
        while reason and self.is_request and self.stream.session and course.is_open:
            await asyncio.sleep(course.pause_seconds)
            sent = build_head(self.stream, head, "GET", course.begin()[LAST_EVENT])
            async with inside.ask(sent, b"", {}) as rest:
                if rest.status >= _FIRST_FAILURE:
                    break
                reason = await self._tell_all(rest, course)
        if reason:
            await self._fail(INTERNAL_ERROR, reason)

    async def _tell_all(self, answer: UpstreamStream, course: Course) -> str:
        """Take messages to the stream; why that of them is missing which the client waits for, if it is."""
        reason = _LOST
        async for payload in _payloads(answer, course):
            message = _decode(payload)
            if "jsonrpc" not in message:
                # The gateway's own word for why a stream ends.
                reason = _text_of(message) or reason
                continue
            if self.is_request and "method" not in message and message.get("id") == self.identifier:
                reason = ""
                self._note(message)
            await self.stream.tell(payload)
        return reason

    def _begin_session(self, session: str) -> None:
        self.stream.session = session
        self.stream.leave = self._leave if session else None

    def _note(self, message: Object) -> None:
        result = message.get("result")
        if self.method == "initialize" and isinstance(result, dict):
            self.stream.revision = str(cast("Object", result).get("protocolVersion", ""))

    async def _refuse(self, answer: UpstreamStream, body: bytes) -> None:
        error, status = _decode(body).get("error"), answer.status
        stated = cast("Object", error) if isinstance(error, dict) else {}
        is_session_gone = status == _NOT_FOUND and self._is_owners and bool(self.stream.session)
        is_of_http = (
            *(status == _UNAUTHORIZED, is_session_gone, not self.is_request, not self._is_owners),
            stated.get("type") == UpstreamRefusalError.type,
        )
        if any(is_of_http):
            headers = tuple(pair for pair in answer.headers if pair[0] not in _OF_THE_WIRE)
            self._answer(OpenAnswer(body, status, headers))
        code, text = stated.get("code"), str(stated.get("message") or f"The gateway answered {status}.")
        await self._fail(code if isinstance(code, int) else INTERNAL_ERROR, text, stated.get("data"))
        if is_session_gone:
            self.stream.end()

    async def _fail(self, code: int, text: str, data: object = None) -> None:
        if self.is_request and self._is_owners:
            self.accept()
            await self.stream.tell(error_message(self.identifier, code, text, data))

    def _answer(self, answer: OpenAnswer) -> None:
        if not self.answered.done():
            self.answered.set_result(answer)


async def end_session(inside: Inside, stream: Stream, head: RequestHead) -> None:
    """Have servers forget the session of a client that has left."""
    # Nothing depends on it: a server forgets sessions by itself.
    with suppress(GatewayError, TimeoutError):
        async with (
            asyncio.timeout(_LEAVING_SECONDS),
            inside.ask(build_head(stream, head, "DELETE"), b"", {}),
        ):
            pass


async def listen(inside: Inside, stream: Stream, head: RequestHead) -> None:
    """Take to the stream what servers say by themselves, as long as they have somewhere to say it."""
    course = Course()
    while stream.is_open:
        sent = build_head(stream, head, "GET", course.begin()[LAST_EVENT])
        try:
            async with inside.ask(sent, b"", {}) as answer:
                if answer.status >= _FIRST_FAILURE:
                    if answer.status in (_UNAUTHORIZED, _NOT_FOUND):
                        stream.end()
                    return
                async for payload in _payloads(answer, course):
                    if "jsonrpc" in _decode(payload):
                        await stream.tell(payload)
        except GatewayError:
            # It broke off: what was missed is asked for by the id of the last event.
            pass
        await asyncio.sleep(max(_PAUSE_SECONDS, course.pause_seconds))


def unknown_stream() -> NotFound:
    """The refusal of a session that is not there, or somebody else's: which of both is not said."""
    return NotFound("There is no stream of this session; open another one.", param="session_id")


def build_head(stream: Stream, head: RequestHead, method: str, last: str = "") -> RequestHead:
    """The head of a request of streamable HTTP for what came with another one."""
    kept = {name: value for name, value in head.headers.items() if name not in _RESTATED}
    stated = {
        "accept": "application/json, text/event-stream" if method == "POST" else "text/event-stream",
        "content-type": "application/json" if method == "POST" else "",
        SESSION: stream.session,
        PROTOCOL: stream.revision,
        LAST_EVENT: last,
    }
    headers = {**kept, **{name: value for name, value in stated.items() if value}}
    return RequestHead(method, stream.mount, headers, "", head.client_host, head.scheme)


async def _payloads(answer: UpstreamStream, course: Course) -> AsyncGenerator[bytes]:
    """The messages of an answer, each in one line; `course` learns how far it has come."""
    if not _header(answer, "content-type").startswith("text/event-stream"):
        if body := await _read(answer):
            yield _in_one_line(body)
        return
    while chunk := await answer.read_chunk():
        for payload in course.read(chunk):
            yield _in_one_line(payload)


def _in_one_line(message: bytes) -> bytes:
    # Within JSON the end of a line is a space: texts have it escaped.
    return b" ".join(message.splitlines())


def _decode(data: bytes) -> Object:
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


def _text_of(message: Object) -> str:
    error = message.get("error")
    return str(cast("Object", error).get("message", "")) if isinstance(error, dict) else ""


def _header(answer: UpstreamStream, name: str) -> str:
    return next((value for one, value in answer.headers if one == name), "")


async def _read(answer: UpstreamStream) -> bytes:
    chunks: list[bytes] = []
    while chunk := await answer.read_chunk():
        chunks.append(chunk)
    return b"".join(chunks)
