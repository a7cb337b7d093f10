"""Servers that refuse the token of a user: only the user can help, by a login at the gateway."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from gateway.errors import GatewayError
from gateway.hooks import Forwarder, ForwardRequest, UpstreamStream
from gateway_mcp.oauth.discovery import read_challenge

__all__ = ["AskingForwarder"]

_UNAUTHORIZED, _FORBIDDEN = 401, 403
_MORE = "insufficient_scope"


class AskingForwarder:
    """A `gateway.hooks.Forwarder` that raises what `ask` makes of a status and of the scope that is wanted.

    What the server says itself would lead the client to its own issuer, with whose tokens the client could do
    nothing here.
    """

    def __init__(self, forwarder: Forwarder, ask: Callable[[int, str], GatewayError]) -> None:
        self._forwarder = forwarder
        self._ask = ask

    @asynccontextmanager
    async def forward(self, request: ForwardRequest) -> AsyncGenerator[UpstreamStream]:
        """Send a request. Raises the refusal of a user who has to log in again."""
        async with self._forwarder.forward(request) as stream:
            if stream.status in (_UNAUTHORIZED, _FORBIDDEN):
                told = read_challenge(stream.headers)
                if stream.status == _UNAUTHORIZED or told.get("error") == _MORE:
                    raise self._ask(stream.status, told.get("scope", ""))
            yield stream
