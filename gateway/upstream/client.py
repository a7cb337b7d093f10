"""What the gateway asks of an HTTP client, so that the two libraries behind it can be exchanged."""

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from gateway.hooks import HeaderPairs, UpstreamStream

__all__ = [
    "CONNECT_SECONDS",
    "HeaderSource",
    "UpstreamAnswer",
    "UpstreamClient",
    "UpstreamRequest",
]

CONNECT_SECONDS = 10.0
"""How long a connection, TLS included, may take; a host that drops packets is found out this soon."""


class HeaderSource(Protocol):
    """Something that can list headers with lower-case names."""

    def items(self) -> Iterable[tuple[str, str]]:
        """Return the pairs, repeated names included."""
        ...


class UpstreamRequest(msgspec.Struct, frozen=True, gc=False):
    """One request to a provider, a POST nearly always; one by another `method` has no body.

    `timeout_seconds` bounds the whole call, `read_timeout_seconds` the silence before the head of a stream
    and between two of its chunks. `max_response_bytes` bounds the body of the answer, as it is on the wire.
    """

    url: str
    headers: HeaderPairs
    body: bytes
    timeout_seconds: float
    read_timeout_seconds: float
    max_response_bytes: int
    method: str = "POST"


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
