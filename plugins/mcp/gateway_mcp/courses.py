"""Answers by events that their server breaks off: the rest is there under the id of the last event.

Source: https://modelcontextprotocol.io/specification/2025-11-25/basic/transports (resumability).
"""

import re

from gateway.wire.sse import EventSplitter, event_payload

__all__ = ["LAST_EVENT", "Course", "event_id"]

LAST_EVENT = "last-event-id"
_FIELD = re.compile(rb"^(id|retry):[ ]?(.*)$", re.MULTILINE)
_USUAL_SECONDS, _SHORTEST_SECONDS = 1.0, 0.05
_TRIES = 3


class Course:
    """How far an answer has come; `is_open` as long as its server may go on with it.

    A server that is asked again and again and tells nothing new has nothing more to tell.
    """

    def __init__(self) -> None:
        self.last = ""
        self.pause_seconds = _USUAL_SECONDS
        self._left = _TRIES
        self._splitter = EventSplitter()

    @property
    def is_open(self) -> bool:
        """Whether there is something to come back to."""
        return bool(self.last) and self._left > 0

    def begin(self) -> dict[str, str]:
        """The headers with which the rest is asked for."""
        self._left -= 1
        self._splitter = EventSplitter()
        return {"accept": "text/event-stream", LAST_EVENT: self.last}

    def read(self, chunk: bytes) -> list[bytes]:
        """The messages that a chunk completes."""
        events = self._splitter.feed(chunk)
        for event in events:
            self._note(event)
        return [payload for event in events if (payload := event_payload(event))]

    def _note(self, event: bytes) -> None:
        last = event_id(event)
        if last and last != self.last:
            self.last, self._left = last, _TRIES
        for name, value in _FIELD.findall(event.replace(b"\r", b"\n")):
            if name == b"retry" and value.isdigit() and len(value) < len("86400000"):
                self.pause_seconds = max(int(value) / 1000, _SHORTEST_SECONDS)


def event_id(event: bytes) -> str:
    """The id of an event, empty where it has none that a header can hold."""
    found = [value for name, value in _FIELD.findall(event.replace(b"\r", b"\n")) if name == b"id"]
    text = found[-1].decode(errors="replace") if found else ""
    return text if text.isascii() and text.isprintable() else ""
