"""Streams of messages that a client listens to beside its calls: each is inspected by itself."""

from collections.abc import Awaitable, Callable

import msgspec

from gateway.errors import UpstreamGarbled
from gateway.wire.sse import EventSplitter, event_payload, replace_payload

__all__ = ["GuardedMessages"]

_ANSWER = "answer"
_encode = msgspec.json.encode


class GuardedMessages:
    """Watches over a stream without end: a message waits for nothing but its own inspection.

    `check` takes an answer and returns it as the client may get it. It raises as the guardrails.
    """

    def __init__(self, check: Callable[[bytes], Awaitable[bytes]]) -> None:
        self._check = check
        self._splitter = EventSplitter()

    async def feed(self, events: bytes) -> bytes:
        """Take events; return them as they may go out. Raises as the guardrails, and UpstreamGarbled."""
        return b"".join([await self._inspect(event) for event in self._splitter.feed(events)])

    async def finish(self, events: bytes) -> bytes:
        """Take the last events; what is no whole one is nothing for a client either."""
        return await self.feed(events)

    async def _inspect(self, event: bytes) -> bytes:
        payload = event_payload(event)
        if not payload:
            return event
        try:
            # Whatever follows the value would not be seen.
            message = msgspec.json.decode(payload, type=msgspec.Raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise UpstreamGarbled("The guardrails cannot read what the server says.") from None
        sent = _encode({_ANSWER: message})
        checked = await self._check(sent)
        if checked == sent:
            return event
        told = msgspec.json.decode(checked, type=dict[str, msgspec.Raw])
        return replace_payload(event, bytes(told[_ANSWER]))
