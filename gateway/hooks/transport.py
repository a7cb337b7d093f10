"""How requests of pass-throughs are sent, by the gateway's own client or by a plugin in its place."""

from collections.abc import AsyncIterable, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

__all__ = ["ForwardRequest", "Forwarder", "HeaderPairs", "OpenAnswer", "ReadBody", "UpstreamStream"]

HeaderPairs = tuple[tuple[str, str], ...]
"""Headers in the order of the wire; a repeated name is there as often as it was sent."""


ReadBody = Callable[[], Awaitable[bytes]]
"""Reads a body whole, once. Raises GatewayError for one that is too long or too slow."""


class OpenAnswer(msgspec.Struct, frozen=True):
    """An answer to anybody who asks."""

    body: bytes
    status: int = 200
    headers: HeaderPairs = (("content-type", "application/json"),)


class ForwardRequest(msgspec.Struct, frozen=True, gc=False):
    """One request of a pass-through; without a `body` it has none.

    `timeout_seconds` bounds the whole call, `silence_seconds` the silence before the head of the answer and
    between two of its chunks. `max_response_bytes` bounds the body of the answer, as it is on the wire.
    """

    method: str
    url: str
    headers: HeaderPairs
    body: AsyncIterable[bytes] | bytes | None
    timeout_seconds: float
    silence_seconds: float
    max_response_bytes: int


class UpstreamStream(Protocol):
    """An answer whose head has arrived and whose body arrives in pieces."""

    @property
    def status(self) -> int:
        """The HTTP status; a status other than 2xx is an answer as well."""
        ...

    @property
    def headers(self) -> HeaderPairs:
        """All headers, names in lower case."""
        ...

    async def read_chunk(self) -> bytes:
        """Return the next piece as it came, or b"" at the end.

        Raises UpstreamTimeout, UpstreamBroken when the body breaks off, UpstreamGarbled past the limit.
        """
        ...


class Forwarder(Protocol):
    """Sends requests of pass-throughs; a call that is cancelled is stopped at once.

    Faults of transport are raised as UpstreamUnreachable, UpstreamTimeout, UpstreamBroken or UpstreamGarbled,
    whose messages name neither address nor credential; redirects are answers. What the body raises ends the
    call, and is raised as a fault of transport: whoever makes the body keeps the reason.
    """

    def forward(self, request: ForwardRequest) -> AbstractAsyncContextManager[UpstreamStream]:
        """Send a request; leaving the context closes the connection unless the answer was read to its end."""
        ...
