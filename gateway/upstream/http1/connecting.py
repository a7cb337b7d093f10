"""Opens connections."""

import asyncio
import socket
import ssl
from contextlib import suppress

import aiohappyeyeballs

from gateway.errors import UpstreamError
from gateway.upstream import faults
from gateway.upstream.address_guard import AddressGuard, ForbiddenAddressError
from gateway.upstream.client import CONNECT_SECONDS
from gateway.upstream.http1.addresses import Origin
from gateway.upstream.http1.connection import Connection

__all__ = ["Connector"]

_NEXT_SECONDS = 0.25
"""So long one address of a host is waited for before the next is tried beside it (RFC 8305 section 8)."""


class Connector:
    """Connects to the first address of a host that answers; with a guard, only where that allows."""

    def __init__(self, guard: AddressGuard | None) -> None:
        self._guard = guard
        self._tls: ssl.SSLContext | None = None

    async def connect(self, origin: Origin) -> Connection:
        """Open a connection. Raises UpstreamError, which says that nothing was sent."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return await self._wrap(await self._open_socket(origin), origin)
        except TimeoutError:
            raise faults.connection_timed_out() from None
        except (OSError, RuntimeError, ValueError) as error:
            # The event loop raises the last two for what the system says of an address.
            raise _translate(error) from None

    async def _open_socket(self, origin: Origin) -> socket.socket:
        """Look at every address at the last moment, when its socket is made: names were resolved by then."""
        loop, guard = asyncio.get_running_loop(), self._guard
        found = await loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
        return await aiohappyeyeballs.start_connection(  # pyright: ignore[reportUnknownMemberType]  a bare tuple in it
            found,
            happy_eyeballs_delay=_NEXT_SECONDS,
            interleave=1,
            loop=loop,
            socket_factory=None if guard is None else guard.open_socket,
        )

    async def _wrap(self, connected: socket.socket, origin: Origin) -> Connection:
        loop, tls = asyncio.get_running_loop(), self._context() if origin.is_tls else None
        try:
            _, connection = await loop.create_connection(
                Connection, sock=connected, ssl=tls, server_hostname=origin.host.rstrip(".") if tls else None
            )
        except BaseException:
            with suppress(OSError):
                connected.close()
            raise
        return connection

    def _context(self) -> ssl.SSLContext:
        """The certificates of the system; reading them takes a while, so it is done once."""
        if self._tls is None:
            self._tls = ssl.create_default_context()
            self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls


def _translate(error: Exception) -> UpstreamError:
    if isinstance(error, ForbiddenAddressError):
        return faults.address_is_not_public()
    return faults.connection_failed()
