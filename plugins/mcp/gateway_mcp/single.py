"""Sends messages to one server, and keeps its session ids to itself."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec

from gateway.hooks import Forwarder, ForwardRequest, HeaderPairs, UpstreamStream
from gateway_mcp.reach import Reach
from gateway_mcp.sessions import SESSION, Sessions
from gateway_mcp.upstreams import Upstream

__all__ = ["SingleServer", "SingleTools"]


class SingleServer:
    """A `Forwarder` to the server `place` on behalf of the key `owner`, with `credentials` for the server."""

    def __init__(
        self, forwarder: Forwarder, sessions: Sessions, owner: str, place: str, credentials: HeaderPairs
    ) -> None:
        self._forwarder = forwarder
        self._sessions = sessions
        self._owner = owner
        self._place = place
        self._credentials = dict(credentials)

    @asynccontextmanager
    async def forward(self, request: ForwardRequest) -> AsyncGenerator[UpstreamStream]:
        """Send a request as `gateway.hooks.Forwarder` says. Raises NotFound for an unknown session."""
        silence = request.timeout_seconds if request.method == "GET" else request.silence_seconds
        sent = msgspec.structs.replace(
            request, headers=self._unseal(request.headers), silence_seconds=silence
        )
        async with self._forwarder.forward(sent) as stream:
            yield _Answer(stream, self._seal(stream.headers))

    def _unseal(self, headers: HeaderPairs) -> HeaderPairs:
        sent = {name: self._open(value) if name == SESSION else value for name, value in headers}
        return tuple({**sent, **self._credentials}.items())

    def _open(self, sealed: str) -> str:
        return self._sessions.open(self._owner, self._place, sealed).get(self._place, "")

    def _seal(self, headers: HeaderPairs) -> HeaderPairs:
        return tuple((name, self._close(value) if name == SESSION else value) for name, value in headers)

    def _close(self, session: str) -> str:
        return self._sessions.close(self._owner, self._place, {self._place: session})


class SingleTools:
    """The tools of one server, by its own names."""

    def __init__(self, reach: Reach, upstream: Upstream) -> None:
        self._upstream = upstream
        self._may_use = reach.of(upstream)

    async def find(self, name: str) -> tuple[str, str] | None:
        """The names of the server and of its tool; None for one that the caller may not call."""
        return (self._upstream.name, name) if self._may_use(name) else None

    def is_shown(self, name: str) -> bool:
        """Whether a list may have a tool."""
        return self._may_use(name)


class _Answer:
    """An answer under other headers."""

    def __init__(self, stream: UpstreamStream, headers: HeaderPairs) -> None:
        self.status = stream.status
        self.headers = headers
        self.read_chunk = stream.read_chunk
