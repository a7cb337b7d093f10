"""The shapes of granian's RSGI interface (RSGI 1.6), as this project uses them."""

from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import Protocol

__all__ = ["RsgiHeaders", "RsgiProtocol", "RsgiScope", "RsgiTransport"]

_Pairs = Sequence[tuple[str, str]]


class RsgiHeaders(Protocol):
    """The request's headers, names in lower case; a value outside visible ASCII is in `keys` only."""

    def __contains__(self, name: str) -> bool: ...

    def __len__(self) -> int:
        """Return how many names there are."""
        ...

    def items(self) -> list[tuple[str, str]]:
        """Return the pairs; a repeated name is there as often as it was sent."""
        ...

    def get(self, name: str) -> str | None:
        """Return the value that was sent first, None also where it is outside visible ASCII."""
        ...

    def keys(self) -> list[str]:
        """Return the names, each once."""
        ...


class RsgiScope(Protocol):
    """The head of one request; addresses are `host:port`."""

    http_version: str
    server: str
    client: str
    scheme: str
    method: str
    path: str
    query_string: str
    headers: RsgiHeaders


class RsgiTransport(Protocol):
    """An answer that is sent in pieces; raises the server's own error once the client is gone."""

    def send_bytes(self, data: bytes) -> Awaitable[None]:
        """Send a part."""
        ...


class RsgiProtocol(Protocol):
    """The body of one request, and its answer."""

    def __call__(self) -> Awaitable[bytes]:
        """Read the whole body."""
        ...

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Read the body part by part."""
        ...

    def client_disconnect(self) -> Awaitable[None]:
        """Wait until the client has left."""
        ...

    def response_bytes(self, status: int, headers: _Pairs, body: bytes) -> None:
        """Send a whole answer."""
        ...

    def response_stream(self, status: int, headers: _Pairs) -> RsgiTransport:
        """Begin an answer that comes in parts; it ends when the transport is dropped."""
        ...
