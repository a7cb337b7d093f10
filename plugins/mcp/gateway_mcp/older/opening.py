"""How a client of the older transport begins: it opens a stream, and is told where to post."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from gateway.hooks import ForwardRequest, UpstreamStream
from gateway_mcp.older.posts import Posts
from gateway_mcp.older.streams import Streams

__all__ = ["OlderServer"]


class OlderServer:
    """A `gateway.hooks.Forwarder` that opens a stream for the key `owner`, unless `probe` raises."""

    def __init__(
        self, streams: Streams, posts: Posts, owner: str, mount: str, probe: Callable[[], Awaitable[None]]
    ) -> None:
        self._streams = streams
        self._posts = posts
        self._owner = owner
        self._mount = mount
        self._probe = probe

    @asynccontextmanager
    async def forward(self, request: ForwardRequest) -> AsyncGenerator[UpstreamStream]:
        """Open the stream. Raises RateLimited, and what a server refuses."""
        del request
        await self._probe()
        async with self._streams.opened(self._owner, self._mount) as stream:
            await stream.tell(self._posts.address_of(stream), "endpoint")
            yield stream
