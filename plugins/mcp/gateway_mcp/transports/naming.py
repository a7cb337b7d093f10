"""Faults of transport in the words of those who call tools: which server it is, and what is the matter."""

from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Self

from gateway.errors import (
    UpstreamBadRequest,
    UpstreamBroken,
    UpstreamError,
    UpstreamGarbled,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from gateway.hooks import Forwarder, ForwardRequest, HeaderPairs, UpstreamStream
from gateway_mcp.faults import ServerTimeoutError, ServerUnreachableError

__all__ = ["NamingForwarder"]

_FAULTS: tuple[tuple[type[UpstreamError], bool | None, type[UpstreamError], str], ...] = (
    (UpstreamTimeout, True, ServerTimeoutError, "{} did not answer in time."),
    (UpstreamTimeout, False, ServerTimeoutError, "Connecting to {} took too long."),
    (UpstreamUnreachable, True, UpstreamBroken, "{} has hung up without an answer."),
    (UpstreamUnreachable, False, ServerUnreachableError, "Cannot connect to {}."),
    (UpstreamBroken, None, UpstreamBroken, "The answer of {} broke off."),
    (UpstreamGarbled, None, UpstreamGarbled, "The answer of {} cannot be read, or is too large."),
    (
        UpstreamBadRequest,
        None,
        UpstreamError,
        "The address of {} does not lead to a public host, and no other is allowed.",
    ),
)
"""What becomes of a fault, by whether the request was sent, where that matters."""


class NamingForwarder:
    """A `gateway.hooks.Forwarder` whose errors say whom they are about: `who`, as part of a sentence."""

    def __init__(self, forwarder: Forwarder, who: str) -> None:
        self._forwarder = forwarder
        self._who = who

    def forward(self, request: ForwardRequest) -> "_Answer":
        """Send a request. Raises ServerUnreachableError, ServerTimeoutError, and UpstreamError for others."""
        return _Answer(self._forwarder.forward(request), self._who)


class _Answer:
    """An answer and its context in one object: every call of a tool has one."""

    status: int
    headers: HeaderPairs
    _stream: UpstreamStream

    def __init__(self, opening: AbstractAsyncContextManager[UpstreamStream], who: str) -> None:
        self._opening = opening
        self._who = who

    async def __aenter__(self) -> Self:
        try:
            stream = self._stream = await self._opening.__aenter__()
        except UpstreamError as error:
            raise _name(error, self._who) from None
        self.status, self.headers = stream.status, stream.headers
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._opening.__aexit__(exc_type, exc, trace)

    async def read_chunk(self) -> bytes:
        """See UpstreamStream.read_chunk."""
        try:
            return await self._stream.read_chunk()
        except UpstreamError as error:
            raise _name(error, self._who) from None


def _name(error: UpstreamError, who: str) -> UpstreamError:
    """The same fault, told of whom it is; one that is none of transport says that itself."""
    for kind, is_sent, made, sentence in _FAULTS:
        if isinstance(error, kind) and is_sent in {None, error.is_sent}:
            text = sentence.format(who)
            found = made(text[:1].upper() + text[1:], param="mcp_server")
            found.is_sent = error.is_sent
            return found
    return error
