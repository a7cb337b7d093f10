"""Comment lines in a stream that has nothing to say, so that nobody on the way closes it as idle."""

import asyncio

from gateway.pipeline.exchange import Exchange

__all__ = ["KeepAlive"]

_COMMENT = b": keep-alive\n\n"
"""A comment of the event stream format (WHATWG HTML, section 9.2.6), which clients ignore."""


class KeepAlive:
    """Writes to an exchange, and writes a comment whenever nothing was written for a while.

    `seconds` 0 writes no comments. What is written must be whole events.
    """

    def __init__(self, exchange: Exchange, seconds: float) -> None:
        self._exchange = exchange
        self._seconds = seconds
        self._is_writing = False
        self._comment: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        if seconds:
            self._timer = self._loop.call_later(seconds, self._tick)

    async def write(self, events: bytes) -> None:
        """Write events; a comment that is just being written goes first."""
        if self._comment is not None:
            await self._comment
        self._is_writing = True
        try:
            await self._exchange.write(events)
        finally:
            self._is_writing = False
            self._last = self._loop.time()

    async def close(self) -> None:
        """Write no more comments."""
        if self._timer is not None:
            self._timer.cancel()
        if self._comment is not None:
            await self._comment

    def _tick(self) -> None:
        idle = self._loop.time() - self._last
        if idle >= self._seconds and not self._is_writing and self._comment is None:
            self._comment = self._loop.create_task(self._write_comment())
            idle = 0.0
        self._timer = self._loop.call_later(max(self._seconds - idle, 0.01), self._tick)

    async def _write_comment(self) -> None:
        try:
            await self._exchange.write(_COMMENT)
        finally:
            self._comment = None
            self._last = self._loop.time()
