"""Server-sent events, cut out of a byte stream without changing a byte (WHATWG HTML, section 9.2.5)."""

import re

from gateway.errors import UpstreamGarbled

__all__ = ["EventSplitter", "event_payload", "replace_payload"]

# A blank line ends an event; each of CRLF, LF and CR ends a line.
_EVENT_END = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n))")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_LONGEST_END = 4


class EventSplitter:
    """Turns chunks of any size into complete events, each with the blank line that ends it.

    Comments and keep-alives are events too. An event of more than `max_event_bytes` raises UpstreamGarbled.
    """

    __slots__ = ("_max_event_bytes", "_pending", "_scanned")

    def __init__(self, max_event_bytes: int = 8 * 1024 * 1024) -> None:
        self._max_event_bytes = max_event_bytes
        self._pending = bytearray()
        self._scanned = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take the next chunk and return the events that it completes."""
        if not self._pending and chunk.endswith(b"\n\n") and b"\r" not in chunk:
            # Whole events with plain line ends: what nearly every chunk is.
            if chunk.find(b"\n\n") == len(chunk) - 2:
                return [chunk]
            return [event + b"\n\n" for event in chunk[:-2].split(b"\n\n")]
        self._pending += chunk
        return self._cut()

    def finish(self) -> bytes:
        """Return what came after the last complete event."""
        rest = bytes(self._pending)
        self._pending.clear()
        self._scanned = 0
        return rest

    def _cut(self) -> list[bytes]:
        events: list[bytes] = []
        start = 0
        # A CR at the very end may be the first half of a CRLF.
        end = len(self._pending) - self._pending.endswith(b"\r")
        for match in _EVENT_END.finditer(self._pending, self._scanned, end):
            events.append(bytes(self._pending[start : match.end()]))
            start = match.end()
        if start:
            del self._pending[:start]
        self._scanned = max(len(self._pending) - _LONGEST_END, 0)
        if len(self._pending) > self._max_event_bytes:
            sentence = f"The answer of the model provider is larger than {self._max_event_bytes} bytes."
            raise UpstreamGarbled(f"litellm.{UpstreamGarbled.litellm_class}: {sentence}")
        return events


def event_payload(event: bytes) -> bytes | None:
    """Return the data of an event, its `data` lines joined by LF; None when it has none."""
    if event.startswith(b"data: ") and event.find(b"\n") == len(event) - 2:
        return event[6:-2]
    lines = [_data_of(line) for line in _LINE_END.split(event) if line.startswith(b"data")]
    found = [line for line in lines if line is not None]
    return b"\n".join(found) if found else None


def replace_payload(event: bytes, payload: bytes) -> bytes:
    """Return the event with other data (one line); its other fields stay."""
    kept = [line for line in _LINE_END.split(event) if line and _data_of(line) is None]
    return b"\n".join([*kept, b"data: " + payload, b"", b""])


def _data_of(line: bytes) -> bytes | None:
    name, _, value = line.partition(b":")
    if name != b"data":
        return None
    return value.removeprefix(b" ")
