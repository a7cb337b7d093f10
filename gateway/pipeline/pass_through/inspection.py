"""What guardrails see of a pass-through: the path, the query and the body of the request, and the answer."""

from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import TypeVar

import msgspec

from gateway.errors import (
    GatewayError,
    GuardrailBlocked,
    MalformedBody,
    UnsupportedMediaType,
    UpstreamGarbled,
)
from gateway.hooks import CallGuard, RequestBody, RequestContext, UpstreamStream
from gateway.pipeline.guarding import CallGuards
from gateway.pipeline.pass_through.body import BodySource
from gateway.wire.sse import EventSplitter

__all__ = ["Inspection", "ReadRequest", "read_request"]

_BODY, _ANSWER = "body", "answer"
_WHERE = ("path", "query")
_PLAIN = frozenset({None, "", "identity"})
_CHARSETS = frozenset({"", "utf-8", "utf8", "us-ascii"})
_encode = msgspec.json.encode
_Value = TypeVar("_Value")


class ReadRequest(msgspec.Struct, frozen=True):
    """A request that was read whole: its body as it came, and what guardrails see, as JSON texts."""

    data: bytes
    members: dict[str, msgspec.Raw]


async def read_request(
    context: RequestContext, source: BodySource | None, below: str, query: Sequence[tuple[str, str]]
) -> ReadRequest:
    """Read the whole body, so that hooks see it.

    `below` is the path below the declared one, `query` what is sent of the client's.
    Raises MalformedBody, UnsupportedMediaType, GatewayError and ClientLeftError.
    """
    head = context.head
    data = b"" if source is None else b"".join([part async for part in source])
    kind, encoding = head.headers.get("content-type", ""), head.headers.get("content-encoding")
    members = {"path": msgspec.Raw(_encode(below)), "query": msgspec.Raw(_encode(query))}
    wrapped = _wrap(data, kind, encoding)
    if wrapped:
        members[_BODY] = wrapped
    elif data:
        if _is_json(kind) and encoding in _PLAIN:
            raise MalformedBody("The body is no JSON, which its Content-Type says it is.", param=_BODY)
        raise UnsupportedMediaType(
            "This request is inspected, so its body is JSON or a text, not compressed; send one of these.",
            param=_BODY,
        )
    context.body = RequestBody({**members})
    return ReadRequest(data, members)


class Inspection:
    """The guardrails of one request; there is one only where it has any.

    What they cannot read is refused: bodies other than JSON and texts, unless nobody looks at them.
    """

    def __init__(self, guards: CallGuards, opened: Sequence[CallGuard], context: RequestContext) -> None:
        self._guards = guards
        self._opened = opened
        self._context = context

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the guardrails."""
        return self._guards.names

    async def check_request(self, read: ReadRequest) -> bytes:
        """Have a request inspected; return the body as it may go to the target. Raises as the guardrails."""
        await self._guards.begin(self._opened)
        if self._guards.go_beside:
            self._context.beside = self._guards
        members = self._context.body.members
        if any(members[name] is not read.members[name] for name in _WHERE):
            raise GuardrailBlocked(
                "The path or the query holds what a guardrail masks, and cannot be edited."
            )
        changed = members.get(_BODY)
        if changed is None or changed is read.members.get(_BODY):
            return read.data
        return _unwrap(changed, self._context.head.headers.get("content-type", ""))

    async def check_unsent(self) -> None:
        """Look whether the call is refused beside it already. Raises as the guardrails."""
        await self._guards.check_unsent()

    async def race(self, work: Awaitable[_Value]) -> _Value:
        """Await a part of the call for as long as nothing beside it refuses it. Raises as the guardrails."""
        return await (self._guards.race(work) if self._guards.go_beside else work)

    def has_refused(self, error: GatewayError) -> bool:
        """Whether it is that with which the call was refused beside it."""
        return error is self._guards.refusal

    async def wait_beside(self) -> None:
        """Wait for what goes on beside the call. Raises as the guardrails."""
        await self._guards.wait_beside()

    def is_readable(self, kind: str) -> bool:
        """Whether an answer is read whole and inspected; if not, nobody looks at answers.

        Raises UpstreamGarbled for a type of content that has to be inspected and cannot be.
        """
        if not kind or _is_json(kind) or _is_text(kind):
            return True
        if self._guards.open_streams() is None:
            return False
        raise UpstreamGarbled("The guardrails cannot read what the target answered.")

    async def read_answer(self, stream: UpstreamStream, kind: str) -> bytes:
        """Read a whole answer and have it inspected; return it as the client may get it."""
        chunks: list[bytes] = []
        while chunk := await stream.read_chunk():
            chunks.append(chunk)
        data = b"".join(chunks)
        encoding = next((value for name, value in stream.headers if name == "content-encoding"), None)
        wrapped = _wrap(data, kind, encoding)
        if not data:
            await self._guards.wait_beside()
            return data
        if wrapped is None:
            raise UpstreamGarbled("The guardrails cannot read what the target answered.")
        sent = _encode({_ANSWER: wrapped})
        checked = await self._guards.check_answer(sent)
        if checked == sent:
            return data
        return _unwrap(RequestBody.parse(checked).members[_ANSWER], kind)

    async def read_events(self, stream: UpstreamStream) -> AsyncIterator[bytes]:
        """The events of a stream, as they may go out. Raises as the guardrails."""
        await self._guards.wait_beside()
        streams, splitter = self._guards.open_streams(), EventSplitter()
        while chunk := await stream.read_chunk():
            if streams is None:
                yield chunk
            elif out := await streams.feed(b"".join(splitter.feed(chunk))):
                yield out
        if streams is not None and (out := await streams.finish(splitter.finish())):
            yield out


def _wrap(data: bytes, kind: str, encoding: str | None) -> msgspec.Raw | None:
    """A body as JSON; None for one that is empty, or that nobody can read."""
    if not data or encoding not in _PLAIN:
        return None
    try:
        if _is_json(kind):
            # Whatever follows the value would not be seen.
            return msgspec.json.decode(data, type=msgspec.Raw)
        return msgspec.Raw(_encode(data.decode())) if _is_text(kind) else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _unwrap(raw: msgspec.Raw, kind: str) -> bytes:
    return bytes(raw) if _is_json(kind) else msgspec.json.decode(raw, type=str).encode()


def _media_type(kind: str) -> str:
    return kind.partition(";")[0].strip().lower()


def _is_json(kind: str) -> bool:
    media = _media_type(kind)
    return media == "application/json" or media.endswith("+json")


def _is_text(kind: str) -> bool:
    charset = kind.lower().partition("charset=")[2].partition(";")[0].strip("\"' ")
    media = _media_type(kind)
    is_text = media.startswith("text/") or media in {"application/xml", "application/x-ndjson"}
    return is_text and charset in _CHARSETS
