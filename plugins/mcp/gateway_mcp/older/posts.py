"""Messages that clients post: any worker takes them to the one that holds the stream."""

import asyncio

import msgspec

from gateway.errors import DatabaseUnavailable, MethodNotAllowed
from gateway.hooks import OpenAnswer, PluginServices, ReadBody, RequestHead
from gateway_mcp.messages import read_message
from gateway_mcp.older.calls import Call, unknown_stream
from gateway_mcp.older.paths import MESSAGES
from gateway_mcp.older.revisions import check_stream
from gateway_mcp.older.streams import Stream, Streams
from gateway_mcp.revisions import Revisions
from gateway_mcp.wire import Object

__all__ = ["Posts"]

_QUESTION = "mcp_post"
_PURPOSE = "mcp-sse"
_LONGEST = 6000
_LETTER_SECONDS = 60.0
_DECISION_SECONDS = 5.0
_PLAIN, _PUT_DOWN = "p", "v"
_PARAMETER = "session_id="


class _Session(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The worker that holds a stream, the stream, and the path on which it was opened."""

    worker: str
    stream: str
    mount: str


class _Posted(msgspec.Struct, frozen=True):
    stream: str
    head: RequestHead
    body: bytes


class Posts:
    """Has each message answered by the worker that holds its stream, with the rights of who has posted it.

    To another worker it goes through the database, encrypted; what is too long for that is put down there.
    """

    def __init__(self, services: PluginServices, streams: Streams, revisions: Revisions) -> None:
        self._services = services
        self._revisions = revisions
        self._streams = streams
        services.workers.serve(_QUESTION, self._answer_other)

    def address_of(self, stream: Stream) -> bytes:
        """Where the client of a stream posts its messages."""
        session = _Session(self._services.workers.name, stream.id, stream.mount)
        sealed = self._services.sealing.close(_PURPOSE, msgspec.json.encode(session).decode())
        return f"{self._services.public.root_path}{stream.mount}{MESSAGES}?{_PARAMETER}{sealed}".encode()

    async def answer(self, mount: str, head: RequestHead, read_body: ReadBody) -> OpenAnswer:
        """Take a message. Raises NotFound for a session that is over, BadRequest for what is no message."""
        if head.method != "POST":
            raise MethodNotAllowed("Messages are posted here.", headers={"allow": "POST"})
        check_stream(head, self._revisions)
        session = self._open(head.query)
        if session is None or session.mount != mount:
            raise unknown_stream()
        body = await read_body()
        message = read_message(body)
        if session.worker == self._services.workers.name:
            answer = await self._take(session.stream, message, head, body)
        else:
            answer = await self._ask(session, head, body)
        if answer is None:
            raise unknown_stream()
        return answer

    async def _ask(self, session: _Session, head: RequestHead, body: bytes) -> OpenAnswer | None:
        posted = msgspec.json.encode(_Posted(session.stream, head, body)).decode()
        answer = await self._services.workers.consult(session.worker, _QUESTION, await self._pack(posted))
        found = await self._unpack(answer) if answer else None
        return None if found is None else msgspec.json.decode(found, type=OpenAnswer)

    async def _answer_other(self, argument: str) -> str:
        """Answer another worker; with nothing where there is no such stream."""
        try:
            found = await self._unpack(argument)
            if found is None:
                return ""
            posted = msgspec.json.decode(found, type=_Posted)
            message = read_message(posted.body)
            answer = await self._take(posted.stream, message, posted.head, posted.body)
            return "" if answer is None else await self._pack(msgspec.json.encode(answer).decode())
        except DatabaseUnavailable:
            return ""

    async def _take(
        self, identifier: str, message: Object, head: RequestHead, body: bytes
    ) -> OpenAnswer | None:
        stream = self._streams.find(identifier)
        if stream is None or not stream.is_open:
            return None
        call = Call(stream, message, self._revisions)
        stream.run(call.carry(self._services.inside, head, body))
        await asyncio.wait([call.answered], timeout=_DECISION_SECONDS)
        # Whatever comes of it later stands on the stream.
        call.accept()
        return call.answered.result()

    def _open(self, query: str) -> _Session | None:
        sealed = next((one for one in query.split("&") if one.startswith(_PARAMETER)), "")
        text = self._services.sealing.open(_PURPOSE, sealed.removeprefix(_PARAMETER))
        try:
            return None if text is None else msgspec.json.decode(text, type=_Session)
        except msgspec.DecodeError:
            return None

    async def _pack(self, text: str) -> str:
        sealed = self._services.sealing.close(_PURPOSE, text)
        if len(sealed) < _LONGEST:
            return _PLAIN + sealed
        return _PUT_DOWN + await self._services.vouchers.issue(_PURPOSE, text, _LETTER_SECONDS)

    async def _unpack(self, letter: str) -> str | None:
        kind, rest = letter[:1], letter[1:]
        if kind == _PUT_DOWN:
            return await self._services.vouchers.redeem(_PURPOSE, rest)
        return self._services.sealing.open(_PURPOSE, rest)
