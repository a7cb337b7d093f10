"""Servers that say themselves who may enter."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from gateway.hooks import Forwarder, ForwardRequest, RequestHead, UpstreamStream
from gateway_mcp.bases import Bases
from gateway_mcp.passing_on import REFUSALS, UpstreamRefusalError, read_refusal, state_refusal
from gateway_mcp.upstreams import Upstream, Upstreams

__all__ = ["RefusalForwarder", "StatingForwarder"]


class RefusalForwarder:
    """A `gateway.hooks.Forwarder` that raises what a server refuses, before anybody reads its answer."""

    def __init__(self, forwarder: Forwarder, upstream: Upstream) -> None:
        self._forwarder = forwarder
        self._upstream = upstream

    @asynccontextmanager
    async def forward(self, request: ForwardRequest) -> AsyncGenerator[UpstreamStream]:
        """Send a request. Raises UpstreamRefusalError for an answer of 401 or 403."""
        async with self._forwarder.forward(request) as stream:
            if stream.status in REFUSALS:
                raise read_refusal(self._upstream, stream.status, stream.headers)
            yield stream


class StatingForwarder:
    """A `gateway.hooks.Forwarder` that tells a client of refusals in the form that its path has."""

    def __init__(self, forwarder: Forwarder, head: RequestHead, bases: Bases, upstreams: Upstreams) -> None:
        self._forwarder = forwarder
        self._head = head
        self._bases = bases
        self._upstreams = upstreams

    @asynccontextmanager
    async def forward(self, request: ForwardRequest) -> AsyncGenerator[UpstreamStream]:
        """Send a request. Raises UpstreamRefusalError with its challenge."""
        try:
            async with self._forwarder.forward(request) as stream:
                yield stream
        except UpstreamRefusalError as error:
            raise state_refusal(error, self._head, self._bases, self._upstreams) from None
