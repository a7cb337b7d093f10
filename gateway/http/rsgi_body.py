"""The body of a request over granian's own interface, part by part."""

from collections.abc import AsyncIterator

from granian.rsgi import ProtocolClosed  # pyright: ignore[reportPrivateImportUsage]  as documented

from gateway.pipeline.exchange import ClientLeftError
from gateway.wire.rsgi import RsgiProtocol, RsgiScope

__all__ = ["RsgiBody"]

_AT_ONCE = 64 * 1024


class RsgiBody:
    """Reads a body; one that is declared to be small comes in one part."""

    __slots__ = ("_empty", "_left", "_parts", "_protocol")

    def __init__(self, scope: RsgiScope, protocol: RsgiProtocol) -> None:
        self._protocol = protocol
        self._parts: AsyncIterator[bytes] | None = None
        self._left = _declared_length(scope)
        self._empty = 0

    async def read_part(self) -> tuple[bytes, bool]:
        """The next part, which may be empty, and whether there is more. Raises ClientLeftError."""
        try:
            if self._parts is None and self._left is not None and self._left <= _AT_ONCE:
                # The server keeps to the length that was declared.
                return await self._protocol(), False
            return await self._read_next()
        except ProtocolClosed:
            raise ClientLeftError from None

    async def _read_next(self) -> tuple[bytes, bool]:
        if self._parts is None:
            self._parts = aiter(self._protocol)
        try:
            # Not `anext` with a default: it cannot wrap the server's own awaitables.
            part = await anext(self._parts)
        except StopAsyncIteration:
            if not self._is_whole():
                raise ClientLeftError from None
            return b"", False
        self._empty += not part
        self._left = None if self._left is None else self._left - len(part)
        return part, True

    def _is_whole(self) -> bool:
        """Whether the body came to its end: the server tells one that breaks off by one more empty part."""
        return self._left == 0 if self._left is not None else self._empty <= 1


def _declared_length(scope: RsgiScope) -> int | None:
    declared = next((value for name, value in scope.headers.items() if name == "content-length"), "")
    return int(declared) if declared.isdecimal() else None
