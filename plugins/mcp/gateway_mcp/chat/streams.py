"""The same conversation where the client has asked for a stream: what the model says goes out as it comes."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, cast

import msgspec

from gateway.hooks import UpstreamStream
from gateway.wire.sse import EventSplitter, event_payload, replace_payload
from gateway_mcp.chat.asking_again import Ask, AskingAgain, tell_refused
from gateway_mcp.chat.offers import Offers, Refused
from gateway_mcp.chat.turns import ChatForm, Turn, add_usage
from gateway_mcp.wire import Object

__all__ = ["StreamedRounds"]

_DONE = b"[DONE]"


class StreamedRounds(AskingAgain):
    """Chat completions: calls, and the end of an answer, wait until it is known whose the calls are."""

    def __init__(self, form: ChatForm, body: Object, offers: Offers, ask: Ask, most: int) -> None:
        super().__init__(form, body, offers, ask, most)
        self._chat = form
        self._identifier: object = None

    async def _run(self) -> AsyncGenerator[bytes]:
        while True:
            answer = _Answer(self._chat, self._usage, self._identifier)
            async with aclosing(answer.read(self._stream)) as events:
                async for out in events:
                    yield out
            self._identifier = answer.identifier
            turn = answer.turn()
            if not self._goes_on(turn):
                for out in answer.list_held():
                    yield out
                return
            try:
                await self._go_on(turn)
            except Refused as refused:
                yield await tell_refused(refused)
                return


class _Answer:
    """One answer of a stream; `identifier` is that of the first answer, whose continuation this is."""

    def __init__(self, form: ChatForm, usage: Object, identifier: object) -> None:
        self._form = form
        self._usage = usage
        self._is_first = identifier is None
        self._held: list[bytes] = []
        self._calls: dict[int, Object] = {}
        self._text: list[str] = []
        self.identifier = identifier

    async def read(self, stream: UpstreamStream) -> AsyncGenerator[bytes]:
        """The events that go out at once."""
        splitter = EventSplitter()
        while chunk := await stream.read_chunk():
            for event in splitter.feed(chunk):
                shown = self._take(event)
                if shown:
                    yield shown

    def turn(self) -> Turn:
        """What was said, and the calls, put together from their parts."""
        calls = [self._calls[index] for index in sorted(self._calls)]
        return self._form.build_turn("".join(self._text) or None, calls)

    def list_held(self) -> list[bytes]:
        """What was held back, with what all answers used."""
        return [self._with_usage(event) for event in self._held]

    def _take(self, event: bytes) -> bytes:
        payload = event_payload(event)
        chunk = None if payload is None or payload == _DONE else _decode(payload)
        if payload is None or (chunk is None and payload != _DONE) or (chunk and "error" in chunk):
            return event
        if chunk is None:
            self._held.append(event)
            return b""
        choice = _first(chunk.get("choices"))
        delta = _object(choice.get("delta"))
        self.identifier = self.identifier or chunk.get("id")
        add_usage(self._usage, chunk.get("usage"))
        self._note(delta)
        shown = event if self._is_first else replace_payload(event, self._continue(chunk, delta))
        if delta.get("tool_calls") or choice.get("finish_reason") or chunk.get("usage") or not choice:
            self._held.append(shown)
            return b""
        return shown

    def _continue(self, chunk: Object, delta: Object) -> bytes:
        """A part of a later answer as one of the first: who speaks was said."""
        delta.pop("role", None)
        return msgspec.json.encode({**chunk, "id": self.identifier})

    def _note(self, delta: Object) -> None:
        content = delta.get("content")
        if isinstance(content, str):
            self._text.append(content)
        calls = delta.get("tool_calls")
        for part in cast("list[object]", calls) if isinstance(calls, list) else []:
            if isinstance(part, dict):
                self._note_call(cast("Object", part))

    def _note_call(self, part: Object) -> None:
        index = part.get("index")
        call = self._calls.setdefault(
            index if isinstance(index, int) else 0,
            {"id": None, "type": "function", "function": {"name": "", "arguments": ""}},
        )
        function, said = cast("Object", call["function"]), _object(part.get("function"))
        for name in ("name", "arguments"):
            function[name] += said.get(name) or ""
        call["id"] = call["id"] or part.get("id")

    def _with_usage(self, event: bytes) -> bytes:
        payload = event_payload(event)
        chunk = None if payload in (None, _DONE) else _decode(payload or b"")
        if chunk is None or not chunk.get("usage"):
            return event
        return replace_payload(event, msgspec.json.encode({**chunk, "usage": self._usage}))


def _decode(payload: bytes) -> Object | None:
    try:
        return msgspec.json.decode(payload, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _first(items: object) -> Object:
    return _object(cast("list[object]", items)[0]) if isinstance(items, list) and items else {}


def _object(value: object) -> Object:
    return cast("Object", value) if isinstance(value, dict) else {}
