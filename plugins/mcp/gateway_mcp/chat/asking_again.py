"""Streams of several answers of a model, one after the other, of which each but the last calls tools."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Self

from gateway.hooks import HeaderPairs, UpstreamStream
from gateway_mcp.chat.offers import Offers, Refused, read_whole
from gateway_mcp.chat.turns import Form, Turn, go_on
from gateway_mcp.made import Made
from gateway_mcp.wire import Object

__all__ = ["Ask", "AskingAgain", "tell_refused"]

_OK = 200
_Opening = AbstractAsyncContextManager[UpstreamStream]
Ask = Callable[[Object], _Opening]
"""Puts a request to the model."""


class AskingAgain(ABC):
    """An `UpstreamStream` of several answers as one; call `close` at the end."""

    def __init__(self, form: Form, body: Object, offers: Offers, ask: Ask, most: int) -> None:
        self._form = form
        self._body = body
        self._offers = offers
        self._ask = ask
        self._left = most
        self._usage: Object = {}
        self._events = self._run()
        self.status = _OK
        self.headers: HeaderPairs = ()

    async def begin(self) -> Self:
        """Open the first answer. Raises Refused where it is none."""
        await self._open()
        self.headers = self._stream.headers
        return self

    async def read_chunk(self) -> bytes:
        """See UpstreamStream.read_chunk."""
        return await anext(self._events, b"")

    async def close(self) -> None:
        """Leave what is still open."""
        await self._events.aclose()
        await self._opening.__aexit__(None, None, None)

    @abstractmethod
    def _run(self) -> AsyncGenerator[bytes]:
        """The events of all answers."""

    def _goes_on(self, turn: Turn) -> bool:
        """Whether the gateway makes the calls of a turn."""
        return bool(self._left) and self._offers.takes(turn.calls)

    async def _go_on(self, turn: Turn) -> list[str]:
        """Make the calls, and open the next answer; return what they came to. Raises Refused."""
        self._left -= 1
        texts = await self._offers.call(turn.calls)
        self._body = go_on(self._form, self._body, turn, texts)
        await self._opening.__aexit__(None, None, None)
        await self._open()
        return texts

    async def _open(self) -> None:
        self._opening = self._ask(self._body)
        self._stream = stream = await self._opening.__aenter__()
        kind = next((value for name, value in stream.headers if name == "content-type"), "")
        if stream.status != _OK or not kind.startswith("text/event-stream"):
            answer = Made(stream.status, stream.headers, await read_whole(stream))
            await self._opening.__aexit__(None, None, None)
            raise Refused(answer)


async def tell_refused(refused: Refused) -> bytes:
    """An error in the form of an event."""
    return b"data: " + (await refused.answer.read_chunk()).replace(b"\n", b" ") + b"\n\n"
