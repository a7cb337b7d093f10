"""A stream of the Responses API under guard: held to its end, for its last events repeat all before them."""

from collections.abc import Awaitable, Callable

import msgspec

from gateway.errors import UpstreamGarbled
from gateway.wire.responses import FINAL_EVENTS, ResponseEvent, build_events, encode_event
from gateway.wire.sse import EventSplitter, event_payload

__all__ = ["GuardedResponses"]

_decode_event = msgspec.json.Decoder(ResponseEvent).decode
_decode_response = msgspec.json.Decoder(dict[str, object]).decode


class GuardedResponses:
    """Watches over one stream: its whole response is inspected, and told anew in events of the gateway's own.

    Whatever else came is dropped: nobody has seen that it says the same. `check` takes an answer and returns
    it as the client may get it. It raises as the guardrails.
    """

    def __init__(self, check: Callable[[bytes], Awaitable[bytes]]) -> None:
        self._check = check
        self._splitter = EventSplitter()
        self._response: bytes | None = None

    async def feed(self, events: bytes) -> bytes:
        """Take events, and keep the response that the last one has. Raises UpstreamGarbled."""
        for event in self._splitter.feed(events):
            self._look(event)
        return b""

    async def finish(self, events: bytes) -> bytes:
        """Take the last events; return the stream of what was inspected. Raises as `feed`."""
        await self.feed(events)
        if self._response is None:
            raise UpstreamGarbled("The model provider's stream ended before its response was whole.")
        checked = await self._check(self._response)
        return b"".join(map(encode_event, build_events(_decode_response(checked))))

    def _look(self, event: bytes) -> None:
        payload = event_payload(event)
        if payload is None:
            return
        try:
            found = _decode_event(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise UpstreamGarbled("The guardrails cannot read what was streamed.") from None
        if found.type in FINAL_EVENTS:
            self._response = bytes(found.response)
