"""The bundled upstream: speaks as much OpenAI as the comparison needs, as fast as Python can.

`GET /served` tells how many answers of each kind of traffic were given.
"""

import asyncio
import re
from typing import cast

import msgspec
from loadtest.cases import ANSWER, ANSWER_ID, EVENTS, PACE_SECONDS, TRAFFIC, USAGE

__all__ = ["serve_upstream"]

_ID = ANSWER_ID.encode()
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_END = b"0\r\n\r\n"


def _whole(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % len(body) + body


def _build_events() -> list[bytes]:
    head = {
        "id": ANSWER_ID,
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "gpt-4o-mini",
    }
    texts = [{"index": 0, "delta": {"content": " word"}, "finish_reason": None}] * (EVENTS - 3)
    last = {"index": 0, "delta": {}, "finish_reason": "stop"}
    chunks = [{**head, "choices": [choice], "usage": None} for choice in (*texts, last)]
    chunks.append({**head, "choices": [], "usage": USAGE})
    events = [b"data: " + msgspec.json.encode(chunk) + b"\n\n" for chunk in chunks] + [b"data: [DONE]\n\n"]
    return [b"%x\r\n%b\r\n" % (len(event), event) for event in events]


class _Books:
    """How many answers were given, and the answers themselves."""

    def __init__(self) -> None:
        self.served = dict.fromkeys((*TRAFFIC, "connections"), 0)
        self.answer = _whole(ANSWER)
        self.events = _build_events()
        self._count = 0

    def next_id(self) -> bytes:
        self._count += 1
        return b"chatcmpl-%032x" % self._count


class _Caller(asyncio.Protocol):
    """One connection; requests come one after the other."""

    _transport: asyncio.Transport

    def __init__(self, books: _Books) -> None:
        self._books = books
        self._buffer = bytearray()
        self._missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._books.served["connections"] += 1
        self._transport = cast("asyncio.Transport", transport)  # a TCP server makes nothing else

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= self._missing:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                self._missing = 0
                return
            found = _LENGTH.search(self._buffer, 0, end)
            self._missing = end + 4 + (int(found[1]) if found else 0)
            if len(self._buffer) < self._missing:
                return
            path = bytes(self._buffer[: self._buffer.find(b"\r\n")]).split(b" ")[1]
            del self._buffer[: self._missing]
            self._missing = 1
            self._answer(path.decode())

    def _answer(self, path: str) -> None:
        if path == "/served":
            self._transport.write(_whole(msgspec.json.encode(self._books.served)))
            return
        traffic = path.split("/")[1]
        if traffic == "answer":
            self._transport.write(self._books.answer.replace(_ID, self._books.next_id()))
            self._books.served[traffic] += 1
            return
        self._transport.write(_STREAM_HEAD)
        name = self._books.next_id()
        events = [event.replace(_ID, name) for event in self._books.events]
        if traffic == "burst":
            self._transport.writelines([*events, _END])
            self._books.served[traffic] += 1
            return
        self._write_event([*events[:-1], events[-1] + _END], 0)

    def _write_event(self, events: list[bytes], at: int) -> None:
        self._transport.write(events[at])
        if at + 1 < len(events):
            asyncio.get_running_loop().call_later(PACE_SECONDS, self._write_event, events, at + 1)
        else:
            self._books.served["stream"] += 1


async def serve_upstream(port: int) -> None:
    """Serve on the loopback address until the process is ended."""
    books = _Books()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Caller(books), "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()
