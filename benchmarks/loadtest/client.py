"""The bundled load generator: connections that ask as soon as they are answered, or by the clock.

By the clock (`rate`) the load is open: a request is due at its time whether or not earlier ones were
answered, and its latency counts from then, so that a server that stalls does not hide its queue.
"""

import asyncio
import re
import time
from collections import deque
from typing import cast
from urllib.parse import urlsplit

import msgspec

__all__ = ["Outcome", "Plan", "build_request", "drive"]

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_EVENT = b"data:"
_LAST_CHUNK = b"0\r\n\r\n"
_TICK_SECONDS = 0.001
_TAIL_SECONDS = 60


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to send where; `rate` is requests per second, None asks as fast as answers come.

    It ends after `seconds`, or after `requests` if that is given.
    """

    host: str
    port: int
    request: bytes
    connections: int
    seconds: float
    rate: float | None = None
    requests: int | None = None


class Outcome(msgspec.Struct, kw_only=True):
    """What came back; times in seconds. `errors` are answers other than 200 and broken connections."""

    requests: int = 0
    errors: int = 0
    seconds: float = 0.0
    events: int = 0
    latencies: list[float] = msgspec.field(default_factory=list)
    first_bytes: list[float] = msgspec.field(default_factory=list)


def build_request(url: str, headers: dict[str, str], body: bytes) -> tuple[str, int, bytes]:
    """The address to connect to, and the bytes of a POST."""
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    named = {"host": f"{host}:{port}", "content-type": "application/json", **headers}
    lines = [f"POST {parts.path} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items())]
    head = "\r\n".join([*lines, f"content-length: {len(body)}", "", ""])
    return host, port, head.encode() + body


async def drive(plan: Plan) -> Outcome:
    """Send what the plan says, wait for every answer, and tell what came back."""
    driver = _Driver(plan)
    loop = asyncio.get_running_loop()
    for _ in range(plan.connections):
        await loop.create_connection(lambda: _Connection(driver), plan.host, plan.port)
    return await driver.run()


class _Driver:
    """Hands requests to idle connections and keeps the score."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.outcome = Outcome()
        self.idle: deque[_Connection] = deque()
        self._busy = 0
        self._sent = 0
        self._started = 0.0
        self._done = asyncio.Event()

    async def run(self) -> Outcome:
        self._started = time.perf_counter()
        self._tick()
        async with asyncio.timeout(self.plan.seconds + _TAIL_SECONDS):
            await self._done.wait()
        for connection in self.idle:
            connection.close()
        self.outcome.seconds = time.perf_counter() - self._started
        return self.outcome

    def finished(self, connection: "_Connection") -> None:
        self._busy -= 1
        self.idle.append(connection)
        self._pump()

    def lost(self) -> None:
        self._busy -= 1
        self.outcome.errors += 1
        self._pump()

    def _is_over(self) -> bool:
        if self.plan.requests is not None:
            return self._sent >= self.plan.requests
        return time.perf_counter() >= self._started + self.plan.seconds

    def _pump(self) -> None:
        while self.idle and not self._is_over():
            due = self._next_due()
            if due > time.perf_counter():
                break
            self._sent += 1
            self._busy += 1
            self.idle.popleft().send(self.plan.request, due)
        if not self._busy and (self._is_over() or not self.idle):
            self._done.set()

    def _tick(self) -> None:
        self._pump()
        if self.plan.rate is not None and not self._done.is_set():
            asyncio.get_running_loop().call_later(_TICK_SECONDS, self._tick)

    def _next_due(self) -> float:
        if self.plan.rate is None:
            return time.perf_counter()
        return self._started + self._sent / self.plan.rate


class _Connection(asyncio.Protocol):
    """One keep-alive connection and the answer that is arriving on it."""

    _transport: asyncio.Transport

    def __init__(self, driver: _Driver) -> None:
        self._driver = driver
        self._due = 0.0
        self._is_waiting = False
        self._is_closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # a TCP client makes nothing else
        self._driver.idle.append(self)

    def send(self, request: bytes, due: float) -> None:
        self._due = due
        self._is_waiting = True
        self._tail = b""
        self._length: int | None = None
        self._is_in_body = self._has_first_byte = False
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        if not self._is_in_body:
            head, separator, data = (self._tail + data).partition(b"\r\n\r\n")
            if not separator:
                self._tail = head
                return
            self._read_head(head)
        if data and not self._has_first_byte:
            self._has_first_byte = True
            self._driver.outcome.first_bytes.append(time.perf_counter() - self._due)
        if self._length is None:
            self._read_chunks(data)
        else:
            self._length -= len(data)
            if self._length <= 0:
                self._finish()

    def _read_head(self, head: bytes) -> None:
        self._is_in_body = True
        self._tail = b""
        found = _LENGTH.search(head)
        self._length = int(found[1]) if found else None
        if head.split(b" ", 2)[1] != b"200":
            self._driver.outcome.errors += 1

    def _read_chunks(self, data: bytes) -> None:
        # Both words may be cut in two: what is kept of the last piece is too short to hold a whole one.
        seen = self._tail + data
        self._driver.outcome.events += seen.count(_EVENT)
        self._tail = seen[-(len(_EVENT) - 1) :]
        if seen.endswith(_LAST_CHUNK):
            self._finish()

    def _finish(self) -> None:
        self._is_waiting = False
        self._driver.outcome.requests += 1
        self._driver.outcome.latencies.append(time.perf_counter() - self._due)
        self._driver.finished(self)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._is_closing:
            return
        if self._is_waiting:
            self._driver.lost()
        else:
            self._driver.idle.remove(self)

    def close(self) -> None:
        self._is_closing = True
        self._transport.close()
