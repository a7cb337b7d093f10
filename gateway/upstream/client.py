"""What the gateway asks of an HTTP client, so that the two libraries behind it can be exchanged."""

from collections.abc import AsyncIterable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

__all__ = [
    "CONNECT_SECONDS",
    "ForwardRequest",
    "Forwarder",
    "HeaderPairs",
    "HeaderSource",
    "UpstreamAnswer",
    "UpstreamClient",
    "UpstreamRequest",
    "UpstreamStream",
]

CONNECT_SECONDS = 10.0
"""How long a connection, TLS included, may take; a host that drops packets is found out this soon."""

HeaderPairs = tuple[tuple[str, str], ...]
"""Headers in the order of the wire; a repeated name is there as often as it was sent."""


class HeaderSource(Protocol):
    """Something that can list headers with lower-case names."""

    def items(self) -> Iterable[tuple[str, str]]:
        """Return the pairs, repeated names included."""
        ...


class UpstreamRequest(msgspec.Struct, frozen=True, gc=False):
    """One POST to a provider.

    `timeout_seconds` bounds the whole call, `read_timeout_seconds` the silence before the head of a stream
    and between two of its chunks. `max_response_bytes` bounds the body of the answer, as it is on the wire.
    """

    url: str
    headers: HeaderPairs
    body: bytes
    timeout_seconds: float
    read_timeout_seconds: float
    max_response_bytes: int


class ForwardRequest(msgspec.Struct, frozen=True, gc=False):
    """One request of a pass-through; without a `body` it has none.

    Times and bytes are bounds as those of an `UpstreamRequest`.
    """

    method: str
    url: str
    headers: HeaderPairs
    body: AsyncIterable[bytes] | bytes | None
    timeout_seconds: float
    silence_seconds: float
    max_response_bytes: int


class UpstreamAnswer(msgspec.Struct, eq=False):
    """A complete answer, of any status.

    `headers` (lower-case names) are converted on first use: that costs some microseconds, which an answer
    that nobody asks for its headers does not pay. Ask for a single one with `header`.
    """

    # A struct, for its constructor is not a Python function.

    status: int
    _headers: HeaderPairs | HeaderSource
    body: bytes

    @property
    def headers(self) -> HeaderPairs:
        """All headers, names in lower case."""
        if not isinstance(self._headers, tuple):
            self._headers = tuple(self._headers.items())
        return self._headers

    def header(self, name: str) -> str | None:
        """Return the first value of the header with this lower-case name."""
        return next((value for key, value in self.headers if key == name), None)


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


class UpstreamClient(Protocol):
    """Sends requests to providers; one per worker, closed at its end.

    Transport faults are raised as UpstreamUnreachable, UpstreamTimeout, UpstreamBroken or UpstreamGarbled,
    whose `is_sent` is False only when the provider certainly did not see the request. Their messages name
    neither address nor credential. Redirects are not followed: they come back as answers.
    """

    async def send(self, request: UpstreamRequest) -> UpstreamAnswer:
        """Return the whole answer.

        A cancelled call may run on at the provider (see `OnDisconnect`): whoever wants its usage keeps the
        task and awaits it elsewhere.
        """
        ...

    def stream(self, request: UpstreamRequest) -> AbstractAsyncContextManager[UpstreamStream]:
        """Open a stream; leaving the context closes the connection unless the body was read to its end.

        A call that is cancelled before its head arrived is cut when the head arrives, or at its timeout.
        """
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


class Forwarder(Protocol):
    """Sends requests of pass-throughs; a call that is cancelled is stopped at once.

    Raises as UpstreamClient does. What the body raises ends the call, and is raised as a fault of transport:
    whoever makes the body keeps the reason.
    """

    def forward(self, request: ForwardRequest) -> AbstractAsyncContextManager[UpstreamStream]:
        """Send a request; leaving the context closes the connection unless the answer was read to its end."""
        ...
