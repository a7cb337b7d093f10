"""Servers that may not ask clients for something: the clients hear of no such question."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import msgspec

from gateway.errors import UpstreamError, UpstreamGarbled
from gateway.hooks import Forwarder, ForwardRequest, HeaderPairs, UpstreamStream
from gateway.wire.sse import EventSplitter, event_payload, replace_payload
from gateway_mcp.courses import LAST_EVENT
from gateway_mcp.transports.questions import refuse_question
from gateway_mcp.upstreams import Upstream
from gateway_mcp.wire import ANSWER_IS_NO_MESSAGE, INTERNAL_ERROR, Object

__all__ = ["ForbiddingForwarder"]

_CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
_ELICITATION, _ELICITATION_REQUIRED = "elicitation", -32042
_JSON = "application/json"
_OF_THE_BODY = frozenset({"content-length"})
_RESTATED = frozenset({"accept", "accept-encoding", "content-length", "content-type", LAST_EVENT})
_SECONDS = 5.0
_NO_DATA = b"data: \n\n"
_PLAIN = frozenset({"", "identity"})
_Answer = Callable[[Object], Awaitable[None]]


class ForbiddingForwarder:
    """A `gateway.hooks.Forwarder` to a server that may not ask for what is named in `kinds`.

    It is told that clients cannot do that. What it asks all the same is refused in the client's place, or
    makes an error of its answer.
    """

    def __init__(self, forwarder: Forwarder, upstream: Upstream, kinds: Collection[str]) -> None:
        self._forwarder = forwarder
        self._name = upstream.name
        self._kinds = frozenset(kinds)

    @asynccontextmanager
    async def forward(self, request: ForwardRequest) -> AsyncGenerator[UpstreamStream]:
        """Send a request. Raises UpstreamError."""
        headers = {**dict(request.headers), "accept-encoding": "identity"}
        body = request.body
        if isinstance(body, bytes) and body:
            body = self._without_capabilities(body)
            headers.pop("content-length", None)

        async def answer(question: Object) -> None:
            await self._refuse(request, question)

        sent = msgspec.structs.replace(request, headers=tuple(headers.items()), body=body)
        async with self._forwarder.forward(sent) as stream:
            yield _CleanStream(stream, _Censor(self._name, self._kinds), answer)

    async def _refuse(self, request: ForwardRequest, question: Object) -> None:
        """Answer a question of the server's; if that does not reach it, it waits as long as it likes."""
        kept = {name: value for name, value in request.headers if name not in _RESTATED}
        stated = {
            "accept": f"{_JSON}, text/event-stream",
            "accept-encoding": "identity",
            "content-type": _JSON,
        }
        told = {"jsonrpc": "2.0", "id": question["id"], **refuse_question(str(question["method"]))}
        post = msgspec.structs.replace(
            request,
            method="POST",
            headers=tuple({**kept, **stated}.items()),
            body=msgspec.json.encode(told),
            timeout_seconds=_SECONDS,
            silence_seconds=_SECONDS,
        )
        with suppress(UpstreamError):
            async with self._forwarder.forward(post) as stream:
                while await stream.read_chunk():
                    pass

    def _without_capabilities(self, body: bytes) -> bytes:
        """A client's message without what it says that it can do for the server in these matters."""
        message: object = msgspec.json.decode(body)
        params = cast("Object", message).get("params") if isinstance(message, dict) else None
        stated = cast("Object", params) if isinstance(params, dict) else {}
        meta = stated.get("_meta")
        places = (
            stated.get("capabilities"),
            cast("Object", meta).get(_CAPABILITIES) if _is_object(meta) else None,
        )
        found = [cast("Object", place) for place in places if _is_object(place)]
        if not any(kind in place for place in found for kind in self._kinds):
            return body
        for place in found:
            for kind in self._kinds:
                place.pop(kind, None)
        return msgspec.json.encode(message)


class _Censor:
    """Says what of a server's messages may go out."""

    def __init__(self, name: str, kinds: frozenset[str]) -> None:
        self._name = name
        self._kinds = kinds

    def is_question(self, message: Object) -> bool:
        """Whether a message asks for what may not be asked, or is about such a question."""
        method = message.get("method")
        return isinstance(method, str) and self._find(method.removeprefix("notifications/")) is not None

    def edit(self, message: Object) -> bool:
        """Make an error of an answer that asks for it; says whether it did."""
        kind = next(self._wished(message), None)
        if kind is None:
            return False
        message.pop("result", None)
        text = f"The MCP server '{self._name}' asks for {kind}, which its operator here does not allow."
        message["error"] = {"code": INTERNAL_ERROR, "message": text}
        return True

    def _wished(self, message: Object) -> Iterator[str]:
        result, error = message.get("result"), message.get("error")
        wishes = cast("Object", result).get("inputRequests") if _is_object(result) else None
        for wish in cast("Object", wishes).values() if _is_object(wishes) else ():
            method = cast("Object", wish).get("method") if _is_object(wish) else None
            kind = self._find(method) if isinstance(method, str) else None
            if kind is not None:
                yield kind
        code = cast("Object", error).get("code") if _is_object(error) else None
        if _ELICITATION in self._kinds and code == _ELICITATION_REQUIRED:
            yield _ELICITATION

    def _find(self, method: str) -> str | None:
        kind = method.partition("/")[0]
        return kind if kind in self._kinds else None


class _CleanStream:
    """A `gateway.hooks.UpstreamStream` without questions that may not be asked; `answer` answers each."""

    def __init__(self, stream: UpstreamStream, censor: _Censor, answer: _Answer) -> None:
        headers = dict(stream.headers)
        self.status = stream.status
        self.headers: HeaderPairs = tuple(pair for pair in stream.headers if pair[0] not in _OF_THE_BODY)
        self._is_json = headers.get("content-type", "").startswith(_JSON)
        self._is_readable = headers.get("content-encoding", "") in _PLAIN
        self._stream = stream
        self._censor = censor
        self._answer = answer
        self._splitter = EventSplitter()
        self._is_over = False

    async def read_chunk(self) -> bytes:
        """The next events, or the whole message where it comes alone. Raises UpstreamGarbled."""
        if self._is_over:
            return b""
        if not self._is_readable:
            raise UpstreamGarbled(ANSWER_IS_NO_MESSAGE)
        if self._is_json:
            return await self._read_whole()
        while chunk := await self._stream.read_chunk():
            cleaned = [await self._clean(event) for event in self._splitter.feed(chunk)]
            if events := b"".join(cleaned):
                return events
        self._is_over = True
        return await self._clean(self._splitter.finish())

    async def _read_whole(self) -> bytes:
        self._is_over = True
        chunks: list[bytes] = []
        while chunk := await self._stream.read_chunk():
            chunks.append(chunk)
        body = b"".join(chunks)
        return await self._clean_payload(body) or b"{}" if body else body

    async def _clean(self, event: bytes) -> bytes:
        payload = event_payload(event)
        if not payload:
            return event
        cleaned = await self._clean_payload(payload)
        if cleaned is payload:
            return event
        # A client that comes back by the id of the event goes on behind it, whether it has data or not.
        changed = replace_payload(event, cleaned)
        return changed if cleaned else changed.removesuffix(_NO_DATA) + b"\n"

    async def _clean_payload(self, payload: bytes) -> bytes:
        """A message as it may go out, also several in a list; empty where nothing of it may."""
        try:
            decoded: object = msgspec.json.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            # Clients may be less strict.
            raise UpstreamGarbled(ANSWER_IS_NO_MESSAGE) from None
        messages = cast("list[Any]", decoded) if isinstance(decoded, list) else [decoded]
        kept: list[Any] = []
        is_changed = False
        for message in messages:
            said = cast("Object", message) if _is_object(message) else {}
            if self._censor.is_question(said):
                is_changed = True
                if "id" in said:
                    await self._answer(said)
            else:
                is_changed |= self._censor.edit(said)
                kept.append(message)
        if not is_changed:
            return payload
        if not kept:
            return b""
        return msgspec.json.encode(kept if isinstance(decoded, list) else kept[0])


def _is_object(value: object) -> bool:
    return isinstance(value, dict)
