"""Servers that refuse a token before its time."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Protocol

import msgspec

from gateway.hooks import Forwarder, ForwardRequest, UpstreamStream
from gateway_mcp.upstreams import Upstream

__all__ = ["Renewing", "RenewingForwarder"]

_REFUSED = 401


class Renewing(Protocol):
    """What fetches tokens."""

    async def renew(self, upstream: Upstream, authorization: str) -> str | None:
        """Another token in the place of one that the server refuses, None where there is none."""
        ...


class RenewingForwarder:
    """A `gateway.hooks.Forwarder` that asks once more, with a new token, where the old one is refused."""

    def __init__(self, forwarder: Forwarder, upstream: Upstream, tokens: Renewing) -> None:
        self._forwarder = forwarder
        self._upstream = upstream
        self._tokens = tokens

    @asynccontextmanager
    async def forward(self, request: ForwardRequest) -> AsyncGenerator[UpstreamStream]:
        """Send a request; a body that arrives in pieces is sent once only."""
        async with self._forwarder.forward(request) as stream:
            used = dict(request.headers).get(self._upstream.settings.token_header, "")
            is_final = stream.status != _REFUSED or not isinstance(request.body, bytes | None)
            token = None if is_final else await self._tokens.renew(self._upstream, used)
            if token is None:
                yield stream
                return
        sent = {**dict(request.headers), **self._upstream.settings.present(token)}
        again = msgspec.structs.replace(request, headers=tuple(sent.items()))
        async with self._forwarder.forward(again) as stream:
            yield stream
