"""A model provider for tests: a real server on loopback that speaks OpenAI and fails on demand."""

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self

__all__ = ["Reply", "SeenRequest", "Upstream", "replies"]

_LONGEST_SECONDS = 30.0
USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}


@dataclass(frozen=True)
class SeenRequest:
    """One request as it arrived; header names in lower case, of a repeated one the last."""

    method: str
    path: str
    headers: dict[str, str]
    raw_headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    """One connection, as replies use it."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, upstream: "Upstream"
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.upstream = upstream

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        lines = {"content-type": "application/json", "content-length": str(len(body)), **(headers or {})}
        head = f"HTTP/1.1 {status} X\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        await self.send(head.encode() + b"\r\n" + body)

    async def begin_events(self, headers: dict[str, str] | None = None) -> None:
        lines = {"content-type": "text/event-stream", "transfer-encoding": "chunked", **(headers or {})}
        head = "HTTP/1.1 200 OK\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        await self.send(head.encode() + b"\r\n")

    async def chunk(self, data: bytes) -> None:
        await self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def reset(self) -> None:
        """Close with a TCP RST."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def wait_for_hang_up(self) -> None:
        """Return when the caller closed its end."""
        try:
            while await self.reader.read(1024):
                pass
        except ConnectionError:
            pass
        self.upstream.hung_up.set()


Reply = Callable[[Wire, SeenRequest], Awaitable[None]]


@dataclass
class Upstream:
    """`async with Upstream() as upstream:` serves at `upstream.base_url` until the block ends.

    Each request takes the next of `script`; when it is empty, `default` answers. `requests` has what came.
    `release` lets go what `replies.held` and `replies.stream_held` hold back. `hung_up` is set when a caller
    closed its connection before the end. It is at the same port when it is entered again.
    """

    script: list[Reply] = field(default_factory=list)
    default: Reply | None = None
    requests: list[SeenRequest] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    async def __aenter__(self) -> Self:
        self.release = asyncio.Event()
        self.hung_up = asyncio.Event()
        self.arrived = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._is_open = True
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._is_open = False
        # A connection that is accepted while its server closes would stay open, and its caller wait for ever.
        for listening in self._server.sockets:
            asyncio.get_running_loop().remove_reader(listening.fileno())
        for _ in range(3):
            await asyncio.sleep(0)
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # What is cancelled before it has begun closes nothing.
        for writer in self._writers:
            writer.close()
        await self._server.wait_closed()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        return f"{self.origin}/v1"

    async def wait_for_requests(self, count: int) -> None:
        """Return when so many requests have arrived; raises TimeoutError where they do not."""
        async with asyncio.timeout(_LONGEST_SECONDS):
            while len(self.requests) < count:
                self.arrived.clear()
                await self.arrived.wait()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._is_open:
            writer.close()
            return
        self.connections += 1
        self._writers.add(writer)
        task = asyncio.get_running_loop().create_task(self._serve(Wire(reader, writer, self)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, wire: Wire) -> None:
        try:
            while (request := await _read(wire.reader)) is not None:
                self.requests.append(request)
                self.arrived.set()
                reply = self.script.pop(0) if self.script else self.default or replies.ok()
                await reply(wire, request)
                if wire.writer.is_closing():
                    return
        except ConnectionError:
            self.hung_up.set()
        finally:
            wire.writer.close()
            self._writers.discard(wire.writer)


async def _read(reader: asyncio.StreamReader) -> SeenRequest | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    method, path, _ = first.split(" ")
    pairs = tuple((name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines))
    headers = dict(pairs)
    try:
        # A body in chunks is left for the reply to read.
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    except asyncio.IncompleteReadError:
        return None
    return SeenRequest(method, path, headers, pairs, body)


class replies:  # noqa: N801  used as a namespace: replies.ok()
    """What the upstream can do; each call makes one Reply."""

    @staticmethod
    def ok(
        text: str = "Hello there", usage: dict[str, Any] | None = USAGE, headers: dict[str, str] | None = None
    ) -> Reply:
        """Answer as the request asks: a chat completion, a completion, embeddings, or a stream of them.

        What is asked of a stored response is answered as if every one were stored.
        """

        async def reply(wire: Wire, request: SeenRequest) -> None:
            if request.method != "POST":
                await wire.answer(200, json.dumps(stored_answer_to(request, text, usage)).encode(), headers)
                return
            if request.json.get("stream"):
                await replies.stream(text.split(" "), usage)(wire, request)
                return
            await wire.answer(200, json.dumps(answer_to(request, text, usage)).encode(), headers)

        return reply

    @staticmethod
    def raw(status: int, body: bytes, headers: dict[str, str] | None = None) -> Reply:
        """Answer these bytes."""
        return lambda wire, _request: wire.answer(status, body, headers)

    @staticmethod
    def error(
        status: int,
        message: str = "Something failed.",
        headers: dict[str, str] | None = None,
        **members: object,
    ) -> Reply:
        """Answer OpenAI's error object; `retry-after` goes into `headers`."""
        error = {"message": message, "type": "some_error", "param": None, "code": None, **members}
        return replies.raw(status, json.dumps({"error": error}).encode(), headers)

    @staticmethod
    def stream(words: list[str], usage: dict[str, Any] | None = USAGE, *, ends: bool = True) -> Reply:
        """One event per word; usage where it was asked for; without `ends` the stream breaks off (FIN)."""

        async def reply(wire: Wire, request: SeenRequest) -> None:
            await wire.begin_events()
            for event in events_of(request, words, usage if ends else None, ends=ends):
                await wire.chunk(event)
            if ends:
                await wire.send(b"0\r\n\r\n")
            else:
                wire.writer.close()

        return reply

    @staticmethod
    def stream_paced(words: int, seconds: float, sent: asyncio.Event) -> Reply:
        """Stream so many words, so many seconds apart, set `sent`, and wait until the caller hangs up."""

        async def reply(wire: Wire, request: SeenRequest) -> None:
            await wire.begin_events()
            for event in events_of(request, ["word "] * words, None, ends=False):
                await wire.chunk(event)
                await asyncio.sleep(seconds)
            sent.set()
            await wire.wait_for_hang_up()
            wire.writer.close()

        return reply

    @staticmethod
    def stream_of(*chunks: bytes) -> Reply:
        """A stream of exactly these chunks."""

        async def reply(wire: Wire, _request: SeenRequest) -> None:
            await wire.begin_events()
            for chunk in chunks:
                await wire.chunk(chunk)
            await wire.send(b"0\r\n\r\n")

        return reply

    @staticmethod
    def stream_held(words: list[str]) -> Reply:
        """Stream the words, then nothing more until the caller hangs up."""

        async def reply(wire: Wire, request: SeenRequest) -> None:
            await wire.begin_events()
            for event in events_of(request, words, None, ends=False):
                await wire.chunk(event)
            await wire.wait_for_hang_up()
            wire.writer.close()

        return reply

    @staticmethod
    def stream_reset(words: list[str]) -> Reply:
        """Stream the words, wait for `release`, and reset the connection."""

        async def reply(wire: Wire, request: SeenRequest) -> None:
            await wire.begin_events()
            for event in events_of(request, words, None, ends=False):
                await wire.chunk(event)
            await wire.upstream.release.wait()
            wire.reset()

        return reply

    @staticmethod
    def held(then: Reply | None = None) -> Reply:
        """Answer only after `release` is set: a slow upstream."""

        async def reply(wire: Wire, request: SeenRequest) -> None:
            await wire.upstream.release.wait()
            await (then or replies.ok())(wire, request)

        return reply

    @staticmethod
    def never() -> Reply:
        """Never answer; notices when the caller hangs up."""

        async def reply(wire: Wire, _request: SeenRequest) -> None:
            await wire.wait_for_hang_up()
            wire.writer.close()

        return reply

    @staticmethod
    def reset() -> Reply:
        """Reset the connection instead of an answer."""

        async def reply(wire: Wire, _request: SeenRequest) -> None:
            wire.reset()

        return reply

    @staticmethod
    def close() -> Reply:
        """Close the connection instead of an answer."""

        async def reply(wire: Wire, _request: SeenRequest) -> None:
            wire.writer.close()

        return reply

    @staticmethod
    def bytes_then_close(data: bytes) -> Reply:
        """Write anything at all, for example what is not HTTP, and close."""

        async def reply(wire: Wire, _request: SeenRequest) -> None:
            await wire.send(data)
            wire.writer.close()

        return reply

    @staticmethod
    def short_body(promised: int = 1000) -> Reply:
        """Promise more bytes than come."""
        return replies.bytes_then_close(b'HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n{"id":' % promised)

    @staticmethod
    def huge(size: int, *, has_length: bool = True) -> Reply:
        """A body of so many bytes, with a Content-Length or chunked."""

        async def reply(wire: Wire, _request: SeenRequest) -> None:
            if has_length:
                await wire.answer(200, b" " * size)
                return
            await wire.begin_events()
            for _ in range(size // 65536 + 1):
                await wire.chunk(b" " * 65536)
            await wire.send(b"0\r\n\r\n")

        return reply

    @staticmethod
    def echo() -> Reply:
        """Say back what came, as the text of a chat completion."""

        async def reply(wire: Wire, request: SeenRequest) -> None:
            await replies.ok(request.body.decode())(wire, request)

        return reply


def answer_to(request: SeenRequest, text: str, usage: dict[str, Any] | None) -> dict[str, Any]:
    body = request.json
    if request.path.endswith("responses"):
        return response_to(request, text, usage)
    if request.path.endswith("embeddings"):
        inputs = body["input"] if isinstance(body["input"], list) else [body["input"]]
        data = [{"object": "embedding", "index": at, "embedding": [0.5, 0.25]} for at in range(len(inputs))]
        answer: dict[str, Any] = {"object": "list", "data": data, "model": body.get("model")}
    elif request.path.endswith("chat/completions"):
        message = {"role": "assistant", "content": text}
        choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
        answer = {
            "id": "chatcmpl-up",
            "object": "chat.completion",
            "created": 1,
            "model": body.get("model"),
            "choices": choices,
        }
    else:
        choices = [{"index": 0, "text": text, "finish_reason": "stop"}]
        answer = {
            "id": "cmpl-up",
            "object": "text_completion",
            "created": 1,
            "model": body.get("model"),
            "choices": choices,
        }
    return answer if usage is None else answer | {"usage": usage}


def stored_answer_to(request: SeenRequest, text: str, usage: dict[str, Any] | None) -> dict[str, Any]:
    """What OpenAI answers to requests below `/v1/responses/{id}`."""
    _, _, below = request.path.partition("?")[0].partition("/responses/")
    identifier, _, part = below.partition("/")
    if part == "input_items":
        item = {"id": "msg_in", "type": "message", "role": "user", "content": []}
        ends = {"first_id": "msg_in", "last_id": "msg_in", "has_more": False}
        return {"object": "list", "data": [item], **ends}
    if request.method == "DELETE":
        return {"id": identifier, "object": "response", "deleted": True}
    asked = SeenRequest("POST", request.path, request.headers, request.raw_headers, b'{"model":"real-model"}')
    return response_to(asked, text, usage) | {"id": identifier}


def response_to(request: SeenRequest, text: str, usage: dict[str, Any] | None) -> dict[str, Any]:
    """What OpenAI answers to `POST /v1/responses`, with the members that its client must have."""
    body = request.json
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    message = {
        "id": "msg_up",
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [part],
    }
    return {
        "id": "resp_up",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": body.get("model"),
        "output": [message],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": body.get("tools", []),
        "instructions": body.get("instructions"),
        "usage": usage
        and {
            "input_tokens": usage["prompt_tokens"],
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": usage["completion_tokens"],
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": usage["total_tokens"],
        },
    }


def response_events_of(
    request: SeenRequest, words: list[str], usage: dict[str, Any] | None, *, ends: bool = True
) -> list[bytes]:
    """The events of a response as OpenAI streams it: a delta per word, then the text again three times."""
    whole = response_to(request, " ".join(words), usage)
    (message,) = whole["output"]
    (part,) = message["content"]
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    at = {"item_id": "msg_up", "output_index": 0, "content_index": 0}
    deltas = [word if place == 0 else " " + word for place, word in enumerate(words)]
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": {**message, "status": "in_progress", "content": []},
        },
        {"type": "response.content_part.added", **at, "part": {**part, "text": ""}},
        *({"type": "response.output_text.delta", **at, "delta": delta, "logprobs": []} for delta in deltas),
    ]
    if ends:
        events += (
            {"type": "response.output_text.done", **at, "text": part["text"], "logprobs": []},
            {"type": "response.content_part.done", **at, "part": part},
            {"type": "response.output_item.done", "output_index": 0, "item": message},
            {"type": "response.completed", "response": whole},
        )
    return [
        f"event: {event['type']}\ndata: {json.dumps({**event, 'sequence_number': number})}\n\n".encode()
        for number, event in enumerate(events)
    ]


def events_of(
    request: SeenRequest, words: list[str], usage: dict[str, Any] | None, *, ends: bool = True
) -> list[bytes]:
    """The events of a stream as OpenAI sends them, `usage: null` included where usage was asked for."""
    if request.path.endswith("responses"):
        return response_events_of(request, words, usage, ends=ends)
    body = request.json
    is_chat = request.path.endswith("chat/completions")
    wants_usage = bool((body.get("stream_options") or {}).get("include_usage")) and usage is not None
    head = {
        "id": "chatcmpl-up" if is_chat else "cmpl-up",
        "object": "chat.completion.chunk" if is_chat else "text_completion",
        "created": 1,
        "model": body.get("model"),
    }
    pieces = [word if at == 0 else " " + word for at, word in enumerate(words)]
    choices = [
        {"index": 0, **({"delta": {"content": piece}} if is_chat else {"text": piece}), "finish_reason": None}
        for piece in pieces
    ]
    if ends:
        choices.append({"index": 0, **({"delta": {}} if is_chat else {"text": ""}), "finish_reason": "stop"})
    extra = {"usage": None} if wants_usage else {}
    chunks: list[dict[str, Any]] = [{**head, "choices": [choice], **extra} for choice in choices]
    if ends and wants_usage:
        chunks.append({**head, "choices": [], "usage": usage})
    events = [b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + b"\n\n" for chunk in chunks]
    return [*events, b"data: [DONE]\n\n"] if ends else events
