"""Servers that are programs on the gateway's machine."""

import asyncio
from collections.abc import Callable

from gateway.clock import Clock
from gateway.errors import GatewayError
from gateway.hooks import Closing, HeaderPairs
from gateway_mcp.faults import ServerTimeoutError, ServerUnreachableError
from gateway_mcp.transports.local import Tell
from gateway_mcp.transports.process import Process
from gateway_mcp.upstreams import Upstream
from gateway_mcp.wire import Object

__all__ = ["StdioServer"]

_START_SECONDS = 30.0
_IDLE_SECONDS = 600.0
_PAUSE_NANOS = 2_000_000_000


class StdioServer:
    """A server by its command: run when it is first asked, again when it has died, ended when it is idle.

    Each worker has a process of its own. After a failed start there is none for two seconds.
    """

    def __init__(
        self, upstream: Upstream, clock: Clock, closing: Closing, note_change: Callable[[], None]
    ) -> None:
        self._upstream = upstream
        self._clock = clock
        self._closing = closing
        self._note_change = note_change
        self._process: Process | None = None
        self._starting = asyncio.Lock()
        self._pause_ends_at = 0
        self._idle: asyncio.Task[None] | None = None

    async def describe(self, headers: HeaderPairs) -> Object:
        """See LocalServer."""
        del headers
        return (await self._running()).described

    async def ask(self, method: str, params: Object, headers: HeaderPairs, tell: Tell) -> Object:
        """See LocalServer; what it is asked with is in its environment."""
        del headers
        process = await self._running()
        return await process.ask(method, params, tell)

    async def close(self) -> None:
        """End the process, if there is one."""
        async with self._starting:
            await self._end()

    async def _running(self) -> Process:
        async with self._starting:
            if self._process is None or not self._process.is_alive:
                await self._end()
                self._process = await self._start()
        return self._process

    async def _start(self) -> Process:
        name, settings = self._upstream.name, self._upstream.settings
        if self._clock.monotonic_nanos() < self._pause_ends_at:
            raise ServerUnreachableError(f"The MCP server '{name}' did not start; it is tried again soon.")
        process = Process(name, self._note_change, settings.protocol_version)
        try:
            async with asyncio.timeout(_START_SECONDS):
                await process.start((settings.command, *settings.args), settings.env)
        except (GatewayError, TimeoutError) as error:
            self._pause_ends_at = self._clock.monotonic_nanos() + _PAUSE_NANOS
            if isinstance(error, TimeoutError):
                raise ServerTimeoutError(f"The MCP server '{name}' took too long to start.") from None
            raise
        self._closing.add(process.close)
        self._idle = asyncio.create_task(self._end_idle(process))
        return process

    async def _end(self) -> None:
        former, self._process = self._process, None
        if self._idle is not None:
            self._idle.cancel()
        if former is not None:
            self._closing.discard(former.close)
            await former.close()

    async def _end_idle(self, process: Process) -> None:
        """End a process that nobody has asked for a while, as one whose configuration was replaced."""
        asked = -1
        while process.is_alive and (process.is_busy or process.asked != asked):
            asked = process.asked
            await asyncio.sleep(_IDLE_SECONDS)
        async with self._starting:
            if process is self._process:
                self._process = None
        self._closing.discard(process.close)
        await process.close()
