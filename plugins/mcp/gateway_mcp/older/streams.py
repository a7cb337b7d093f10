"""The streams of clients that this worker holds."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from gateway.errors import RateLimited
from gateway.hooks import HeaderPairs

__all__ = ["Stream", "Streams"]

_OK = 200
_HEADERS: HeaderPairs = (
    ("content-type", "text/event-stream"),
    ("cache-control", "no-cache"),
    ("x-accel-buffering", "no"),
)
_WAITING = 1000
_SILENCE_SECONDS = 15.0
_KEEP_ALIVE = b": keep-alive\n\n"
_MOST_OF_AN_OWNER = 100


class Stream:
    """A `gateway.hooks.UpstreamStream` of what one client is told; `owner` is its key.

    `session` and `revision` are those of the protocol, once its client has shaken hands; `leave` ends them.
    What runs for the stream ends with it.
    """

    def __init__(self, owner: str, mount: str) -> None:
        self.status = _OK
        self.headers = _HEADERS
        self.id = secrets.token_urlsafe(16)
        self.owner = owner
        self.mount = mount
        self.session = self.revision = ""
        self.leave: Callable[[], Awaitable[None]] | None = None
        self.is_open = True
        self._events: asyncio.Queue[bytes] = asyncio.Queue(_WAITING)
        self._tasks: set[asyncio.Task[None]] = set()

    async def tell(self, message: bytes, kind: str = "message") -> None:
        """Send an event, with a message of JSON in one line; waits for a client that is slow to read."""
        if self.is_open:
            await self._events.put(f"event: {kind}\ndata: ".encode() + message + b"\n\n")

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something for as long as there is the stream."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def read_chunk(self) -> bytes:
        """The next event, or something that keeps the connection alive."""
        if not self.is_open and self._events.empty():
            return b""
        try:
            async with asyncio.timeout(_SILENCE_SECONDS):
                return await self._events.get()
        except TimeoutError:
            return _KEEP_ALIVE

    def end(self) -> None:
        """Say nothing more than what was said: the client has to begin anew."""
        self.is_open = False
        if not self._events.full():
            self._events.put_nowait(b"")

    async def close(self) -> None:
        """The client has gone: what it has asked for ends."""
        self.end()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.leave is not None:
            await self.leave()


class Streams:
    """Those that are open, by their ids; they outlive a reload."""

    def __init__(self) -> None:
        self._open: dict[str, Stream] = {}

    def find(self, identifier: str) -> Stream | None:
        """The stream of an id, if it is open here."""
        return self._open.get(identifier)

    @asynccontextmanager
    async def opened(self, owner: str, mount: str) -> AsyncGenerator[Stream]:
        """A stream as long as the context. Raises RateLimited for a key that has many already."""
        if sum(one.owner == owner for one in self._open.values()) >= _MOST_OF_AN_OWNER:
            raise RateLimited(f"This key has {_MOST_OF_AN_OWNER} streams open here; close some of them.")
        stream = Stream(owner, mount)
        self._open[stream.id] = stream
        try:
            yield stream
        finally:
            del self._open[stream.id]
            await stream.close()
