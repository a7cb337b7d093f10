"""A provider's stream on its way to the client: read along, and changed only in the name of the model."""

import sys

import msgspec

from gateway.domain import Usage
from gateway.upstream.usage import usage_from_json
from gateway.wire.openai import AnswerEnvelope
from gateway.wire.sse import EventSplitter, event_payload, replace_payload

__all__ = ["StreamRelay"]

_decode_envelope = msgspec.json.Decoder(AnswerEnvelope).decode
_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

_DONE = b"[DONE]"
_BYTES_PER_TOKEN = 4
_ONE_MATCH = 2


class StreamRelay:
    """Feed it chunks; it returns what goes to the client and remembers what the gateway has to know.

    `shown_model` is the name that the client gets to see in every chunk, or None to leave the provider's.
    Without `wants_usage` the extra chunk that carries nothing but usage is withheld.

    `usage` is the last one stated, `response_id` the provider's id, `error` the encoded error object of a
    provider that failed within its stream: it is withheld, with everything after it, for providers quote
    addresses and credentials. `is_done` says that `[DONE]` came.
    """

    __slots__ = (
        "_events",
        "_new_token",
        "_old_token",
        "_payload_bytes",
        "_shown",
        "_smallest",
        "_splitter",
        "_wants_usage",
        "error",
        "is_done",
        "response_id",
        "usage",
    )

    def __init__(
        self, shown_model: str | None, *, wants_usage: bool, splitter: EventSplitter | None = None
    ) -> None:
        self._shown = None if shown_model is None else msgspec.Raw(_encode(shown_model))
        self._wants_usage = wants_usage
        self._splitter = splitter or EventSplitter()
        self._old_token: bytes | None = None
        self._new_token = b""
        self._events = 0
        self._payload_bytes = 0
        self._smallest = sys.maxsize
        self.usage: Usage | None = None
        self.response_id: str | None = None
        self.error: bytes | None = None
        self.is_done = False

    def feed(self, chunk: bytes) -> bytes:
        """Return the bytes for the client; b"" while an event is incomplete. Raises UpstreamGarbled."""
        events = self._splitter.feed(chunk)
        if len(events) == 1:
            return self._relay(events[0])
        parts: list[bytes] = []
        for event in events:
            parts.append(self._relay(event))
            if self.error is not None:
                break
        return b"".join(parts)

    def finish(self) -> bytes:
        """Return the last bytes for the client after the upstream's end.

        An event that lacks only its blank line is completed; a torn one is dropped.
        """
        rest = self._splitter.finish().rstrip(b"\r\n")
        if not rest:
            return b""
        payload = event_payload(rest + b"\n\n")
        if payload is not None and (payload == _DONE or _read_envelope(payload) is not None):
            return self._relay(rest + b"\n\n")
        return b""

    @property
    def is_empty(self) -> bool:
        """Whether nothing came that could be read as an event of the API."""
        return not (self._events or self.is_done or self.usage)

    @property
    def estimated_completion_tokens(self) -> int:
        """Tokens that were streamed, where the provider states no usage.

        Providers send a token or more per event. What an event is longer than the shortest one is text.
        """
        text = max(self._payload_bytes - self._events * self._smallest, 0)
        return max(self._events, text // _BYTES_PER_TOKEN)

    def _relay(self, event: bytes) -> bytes:
        token = self._old_token
        if token is None or b'"error"' in event:
            return self._read(event)
        at = event.find(b'"usage"')
        if at >= 0 and not event.startswith((b":null", b": null"), at + 7):
            return self._read(event)
        # Inside a JSON string each quote has a backslash before it, so that a single match is the member.
        parts = event.split(token)
        if len(parts) != _ONE_MATCH:
            return self._read(event)
        size = len(event)
        self._events += 1
        self._payload_bytes += size
        self._smallest = min(self._smallest, size)
        return event if self._shown is None else self._new_token.join(parts)

    def _count(self, size: int) -> None:
        self._events += 1
        self._payload_bytes += size
        self._smallest = min(self._smallest, size)

    def _read(self, event: bytes) -> bytes:
        payload = event_payload(event)
        if payload is None:
            return event
        if payload.strip() == _DONE:
            self.is_done = True
            return event
        envelope = _read_envelope(payload)
        if envelope is None:
            return event
        is_only_usage = self._notice(envelope)
        if self.error is not None or (is_only_usage and not self._wants_usage):
            return b""
        self._count(len(event))
        return self._rename(event, payload, envelope)

    def _notice(self, envelope: AnswerEnvelope) -> bool:
        """Remember usage, error and id; True for the chunk that carries nothing but usage."""
        if self.response_id is None:
            found: object = _decode(envelope.id)
            self.response_id = found if isinstance(found, str) else None
        error = bytes(envelope.error)
        if error != b"null":
            self.error = error
        usage = usage_from_json(envelope.usage)
        if usage is None:
            return False
        self.usage = usage
        return bytes(envelope.choices).replace(b" ", b"") == b"[]"

    def _rename(self, event: bytes, payload: bytes, envelope: AnswerEnvelope) -> bytes:
        model = bytes(envelope.model)
        if model[:1] != b'"':
            return event
        if self._old_token is None:
            self._learn(event, model)
        if self._shown is None or model == bytes(self._shown):
            return event
        members = _decode_members(payload)
        members["model"] = self._shown
        return replace_payload(event, _encode(members))

    def _learn(self, event: bytes, model: bytes) -> None:
        if event.count(b'"model"') != 1:
            return
        for separator in (b":", b": "):
            token = b'"model"' + separator + model
            if token in event:
                self._old_token = token
                self._new_token = b'"model"' + separator + bytes(self._shown or b"")
                return


def _read_envelope(payload: bytes) -> AnswerEnvelope | None:
    try:
        return _decode_envelope(payload)
    except (msgspec.DecodeError, RecursionError):
        return None
