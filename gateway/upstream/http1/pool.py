"""Connections that are open, of which some wait for another request."""

import asyncio

from gateway.upstream.http1.addresses import Origin
from gateway.upstream.http1.connecting import Connector
from gateway.upstream.http1.connection import Connection

__all__ = ["Pool"]

_IDLE_SECONDS = 4.0
"""A connection that waited longer is closed: uvicorn and Node close theirs after 5, perhaps as it is used."""


class Pool:
    """Hands out connections; one that was used last is used next. Close it at the end."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._loop = asyncio.get_running_loop()
        self._idle: dict[Origin, list[Connection]] = {}
        self._busy: set[Connection] = set()
        self._sweeping: asyncio.TimerHandle | None = None

    def take(self, origin: Origin) -> Connection | None:
        """A connection that waits, if there is one."""
        idle = self._idle.get(origin)
        while idle:
            connection = idle.pop()
            if connection.is_open and self._loop.time() - connection.idle_since < _IDLE_SECONDS:
                self._busy.add(connection)
                return connection
            connection.abort()
        return None

    async def open(self, origin: Origin) -> Connection:
        """Another connection. Raises UpstreamError."""
        connection = await self._connector.connect(origin)
        self._busy.add(connection)
        return connection

    def drop(self, connection: Connection) -> None:
        """Close a connection."""
        self._busy.discard(connection)
        connection.abort()

    def keep(self, origin: Origin, connection: Connection) -> None:
        """Have a connection wait for another request."""
        self._busy.discard(connection)
        connection.idle_since = self._loop.time()
        self._idle.setdefault(origin, []).append(connection)
        if self._sweeping is None:
            self._sweeping = self._loop.call_later(_IDLE_SECONDS, self._sweep)

    def close(self) -> None:
        """Close all connections."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        for connection in (*self._busy, *(one for idle in self._idle.values() for one in idle)):
            connection.abort()
        self._busy.clear()
        self._idle.clear()

    def _sweep(self) -> None:
        """Close what has waited too long."""
        self._sweeping, since = None, self._loop.time() - _IDLE_SECONDS
        for origin, idle in list(self._idle.items()):
            kept = [one for one in idle if one.is_open and one.idle_since > since]
            for one in idle:
                if one not in kept:
                    one.abort()
            if kept:
                self._idle[origin] = kept
            else:
                del self._idle[origin]
        if self._idle:
            self._sweeping = self._loop.call_later(_IDLE_SECONDS, self._sweep)
