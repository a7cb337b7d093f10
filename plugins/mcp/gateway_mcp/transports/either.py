"""Servers of which nobody has said whether they speak streamable HTTP or the transport before it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from gateway.errors import GatewayError
from gateway.hooks import Forwarder, ForwardRequest, UpstreamStream
from gateway_mcp.made import Made
from gateway_mcp.passing_on import UpstreamRefusalError
from gateway_mcp.sessions import SESSION

__all__ = ["EitherForwarder"]

_FIRST_FAILURE = 400
_NOT_HERE = frozenset({404, 405})
"""What a path answers that takes no messages (the specification's rule for compatibility)."""


class EitherForwarder:
    """A `gateway.hooks.Forwarder` that finds out with the first message which of two ways is the server's."""

    def __init__(self, newer: Forwarder, older: Forwarder) -> None:
        self._newer = newer
        self._older = older
        self._known: Forwarder | None = None

    @property
    def is_newer(self) -> bool:
        """Whether the server has answered by the newer transport."""
        return self._known is self._newer

    @asynccontextmanager
    async def forward(self, request: ForwardRequest) -> AsyncGenerator[UpstreamStream]:
        """Send a request by the newer transport, unless it is known that the server has the older one."""
        async with (self._known or self._newer).forward(request) as stream:
            if not self._is_open(request, stream):
                yield stream
                return
            refusal = Made(stream.status, stream.headers, await _read(stream))
        try:
            async with self._older.forward(request) as stream:
                self._known = self._older
                yield stream
                return
        except UpstreamRefusalError:
            raise
        except GatewayError:
            if self._known is not None:
                raise
        yield refusal

    def _is_open(self, request: ForwardRequest, stream: UpstreamStream) -> bool:
        """Whether this answer may mean that the server has the older transport."""
        if self._known is not None or request.method != "POST" or dict(request.headers).get(SESSION):
            return False
        if stream.status < _FIRST_FAILURE:
            self._known = self._newer
        return stream.status in _NOT_HERE


async def _read(stream: UpstreamStream) -> bytes:
    chunks: list[bytes] = []
    while chunk := await stream.read_chunk():
        chunks.append(chunk)
    return b"".join(chunks)
