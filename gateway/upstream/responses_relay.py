"""A provider's stream of the Responses API on its way to the client; see `relay` for that of chats."""

from collections.abc import Callable

import msgspec

from gateway.domain import Usage
from gateway.upstream.usage import usage_from_json
from gateway.wire.openai import AnswerEnvelope
from gateway.wire.responses import FINAL_EVENTS, ResponseEvent
from gateway.wire.sse import EventSplitter, event_payload, replace_payload

__all__ = ["ResponsesRelay"]

_decode_event = msgspec.json.Decoder(ResponseEvent).decode
_decode_response = msgspec.json.Decoder(AnswerEnvelope).decode
_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

_BYTES_PER_TOKEN = 4
_FAILED = "response.failed"
_DELTA = b".delta"
_ABSENT = b"null"


class ResponsesRelay:
    """Feed it chunks; it returns what goes to the client and remembers what the gateway has to know.

    `shown_model` is the name that the client gets to see, or None to leave the provider's; `write_ids` puts
    the ids that it gets to see into the members of a response. `usage` is the
    last one stated, `response_id` the provider's id. `error` is the encoded error object of a provider that
    failed within its stream; that event is withheld, with everything after it. `is_done` says that the
    event with the whole response came, after which nothing is expected: this API has no `[DONE]`.
    """

    __slots__ = (
        "_delta_bytes",
        "_events",
        "_shown",
        "_splitter",
        "_write_ids",
        "error",
        "is_done",
        "response_id",
        "usage",
    )

    def __init__(
        self,
        shown_model: str | None,
        write_ids: Callable[[dict[str, msgspec.Raw]], None] | None = None,
    ) -> None:
        self._write_ids = write_ids
        self._shown = None if shown_model is None else msgspec.Raw(_encode(shown_model))
        self._splitter = EventSplitter()
        self._events = 0
        self._delta_bytes = 0
        self.usage: Usage | None = None
        self.response_id: str | None = None
        self.error: bytes | None = None
        self.is_done = False

    def feed(self, chunk: bytes) -> bytes:
        """Return the bytes for the client; b"" while an event is incomplete. Raises UpstreamGarbled."""
        return self._relay(self._splitter.feed(chunk))

    def finish(self) -> bytes:
        """Return the last bytes for the client after the upstream's end; a torn event is dropped."""
        rest = self._splitter.finish().rstrip(b"\r\n")
        return self._relay([rest + b"\n\n"]) if rest and _read(rest + b"\n\n") is not None else b""

    @property
    def is_empty(self) -> bool:
        """Whether nothing came that could be read as an event of the API."""
        return not self._events

    @property
    def estimated_completion_tokens(self) -> int:
        """Tokens that were streamed, where the provider states no usage: a token per four bytes of text."""
        return self._delta_bytes // _BYTES_PER_TOKEN

    def _relay(self, events: list[bytes]) -> bytes:
        parts: list[bytes] = []
        for event in events:
            parts.append(self._pass(event))
            if self.error is not None:
                break
        return b"".join(parts)

    def _pass(self, event: bytes) -> bytes:
        found = _read(event)
        if found is None:
            return event
        self._events += 1
        if found.type.encode().endswith(_DELTA):
            self._delta_bytes += _delta_size(event)
            return event
        if found.type == "error" or (not found.type and bytes(found.error) != _ABSENT):
            self._fail(found)
            return b""
        if bytes(found.response) == _ABSENT:
            return event
        try:
            response = _decode_response(found.response)
        except msgspec.DecodeError:
            return event
        self._notice(found.type, response)
        return b"" if self.error is not None else self._rename(event, found, response)

    def _notice(self, kind: str, response: AnswerEnvelope) -> None:
        if self.response_id is None:
            stated: object = _decode(response.id)
            self.response_id = stated if isinstance(stated, str) else None
        self.usage = usage_from_json(response.usage) or self.usage
        if kind == _FAILED and bytes(response.error) != _ABSENT:
            self.error = bytes(response.error)
        self.is_done = kind in FINAL_EVENTS and self.error is None

    def _fail(self, found: ResponseEvent) -> None:
        stated = bytes(found.error)
        if stated == _ABSENT:
            stated = _encode({"code": found.code, "message": found.message})
        self.error = stated

    def _rename(self, event: bytes, found: ResponseEvent, response: AnswerEnvelope) -> bytes:
        shown = self._shown
        is_renamed = shown is not None and bytes(response.model) not in {_ABSENT, bytes(shown)}
        if not is_renamed and self._write_ids is None:
            return event
        payload = event_payload(event)
        if payload is None:
            return event
        members, inner = _decode_members(payload), _decode_members(found.response)
        if shown is not None and is_renamed:
            inner["model"] = shown
        if self._write_ids is not None:
            self._write_ids(inner)
        members["response"] = msgspec.Raw(_encode(inner))
        return replace_payload(event, _encode(members))


class _Delta(msgspec.Struct):
    delta: msgspec.Raw = msgspec.Raw(b'""')


_decode_delta = msgspec.json.Decoder(_Delta).decode


def _delta_size(event: bytes) -> int:
    payload = event_payload(event)
    return 0 if payload is None else max(len(bytes(_decode_delta(payload).delta)) - 2, 0)


def _read(event: bytes) -> ResponseEvent | None:
    """The event's members; None for a comment, and for what is no object of this API."""
    payload = event_payload(event)
    if payload is None:
        return None
    try:
        return _decode_event(payload)
    except (msgspec.DecodeError, RecursionError):
        return None
