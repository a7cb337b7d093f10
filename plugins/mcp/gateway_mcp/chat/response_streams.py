"""The same conversation where the client has asked for a response as a stream.

https://platform.openai.com/docs/api-reference/responses-streaming
"""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from typing import Any, cast

import msgspec

from gateway.errors import UpstreamBroken
from gateway.hooks import UpstreamStream
from gateway.wire.responses import FINAL_EVENTS, encode_event
from gateway.wire.sse import EventSplitter, event_payload
from gateway_mcp.chat.asking_again import Ask, AskingAgain, tell_refused
from gateway_mcp.chat.offers import Offers, Refused
from gateway_mcp.chat.responses import ResponsesForm
from gateway_mcp.chat.turns import CALLED, add_usage
from gateway_mcp.wire import Object

__all__ = ["StreamedResponses"]

_BEGINNINGS = frozenset({"response.created", "response.in_progress", "response.queued"})
_ADDED, _DONE = "response.output_item.added", "response.output_item.done"


class StreamedResponses(AskingAgain):
    """Responses: calls of functions, and the end of one, wait until it is known whose the calls are.

    Items and events are numbered anew.
    """

    def __init__(self, form: ResponsesForm, body: Object, offers: Offers, ask: Ask, most: int) -> None:
        super().__init__(form, body, offers, ask, most)
        self._responses = form
        self._told = _Told()
        self._held: list[Object] = []
        self._last: Object | None = None
        self._approved = list(form.approved)

    async def _run(self) -> AsyncGenerator[bytes]:
        while True:
            self._held, self._last = [], None
            async with aclosing(self._relay()) as events:
                async for shown in events:
                    yield shown
            if self._last is None:
                # The response ended by an error, which was told.
                return
            response = cast("Object", self._last["response"])
            add_usage(self._usage, response.get("usage"))
            turn = self._responses.read_turn(response)
            if not self._goes_on(turn):
                for event in self._list_held():
                    yield self._told.tell(event)
                yield self._told.tell(self._end(self._last, response))
                return
            try:
                texts = await self._go_on(turn)
            except Refused as refused:
                yield await tell_refused(refused)
                return
            self._told.end_response()
            for shown in self._tell_calls(self._responses.tell(turn.calls, texts)):
                yield shown

    async def _relay(self) -> AsyncGenerator[bytes]:
        """What of one response goes out at once; its end, and its calls of functions, are kept."""
        async with aclosing(_read(self._stream)) as events:
            async for event in events:
                if not isinstance(event, bytes) and event.get("type") not in _BEGINNINGS:
                    approved, self._approved = self._approved, []
                    for shown in self._tell_calls(approved):
                        yield shown
                if isinstance(event, bytes):
                    yield event
                elif event.get("type") in FINAL_EVENTS:
                    self._last = event
                elif self._told.is_held(event):
                    self._held.append(event)
                elif (shown := self._show(event)) is not None:
                    yield shown

    def _tell_calls(self, items: Sequence[Object]) -> Iterator[bytes]:
        """The events that tell of calls of the gateway's."""
        for place, item in enumerate(items):
            yield from map(self._told.tell, _events_of_call(item, f"called-{place}"))

    def _list_held(self) -> Iterator[Object]:
        """The events that were held; where the gateway asks for a call, those of what it asks."""
        asked = {
            event["output_index"]
            for event in self._held
            if event["type"] == _ADDED and self._responses.asks_for(event["item"])
        }
        for event in self._held:
            if event["output_index"] not in asked:
                yield event
            elif event["type"] == _DONE:
                item = self._responses.show(event["item"])
                yield from ({**event, "type": kind, "item": item} for kind in (_ADDED, _DONE))

    def _show(self, event: Object) -> bytes | None:
        """An event for the client; None for the beginning of a later response."""
        if event.get("type") not in _BEGINNINGS:
            return self._told.tell(event)
        response = self._told.begin(cast("Object", event["response"]))
        if response is None:
            return None
        return self._told.tell({**event, "response": {**response, "tools": self._responses.tools}})

    def _end(self, event: Object, response: Object) -> Object:
        whole = {
            **response,
            "id": self._told.identifier or response.get("id"),
            "tools": self._responses.tools,
            "output": self._told.list_items(),
            "usage": self._usage or response.get("usage"),
        }
        return {**event, "response": whole}


class _Told:
    """What the client has been told: events by their numbers, and items by theirs."""

    def __init__(self) -> None:
        self.identifier: object = None
        self._number = 0
        self._items: list[Object] = []
        self._indexes: dict[object, int] = {}
        self._calling: set[object] = set()
        self._is_first = True

    def begin(self, response: Object) -> Object | None:
        """The response as it begins; None where another one has begun before it."""
        if not self._is_first:
            return None
        self.identifier = response.get("id")
        return response

    def end_response(self) -> None:
        """The numbers of items that come now are those of another response."""
        self._is_first = False
        self._indexes.clear()
        self._calling.clear()

    def is_held(self, event: Object) -> bool:
        """Whether an event is of an item that calls a function."""
        index = event.get("output_index")
        if event.get("type") == _ADDED and cast("Object", event.get("item") or {}).get("type") == CALLED:
            self._calling.add(index)
        return index is not None and index in self._calling

    def tell(self, event: Object) -> bytes:
        """The event with the numbers that the client counts on."""
        numbered = dict(event)
        if "output_index" in event:
            index = self._indexes.get(event["output_index"])
            if index is None or event.get("type") == _ADDED:
                index = self._indexes[event["output_index"]] = len(self._items)
                self._items.append({})
            if event.get("type") == _DONE:
                self._items[index] = cast("Object", event["item"])
            numbered["output_index"] = index
        numbered["sequence_number"] = self._number
        self._number += 1
        return encode_event(numbered)

    def list_items(self) -> list[Object]:
        """The items that were told whole."""
        return [item for item in self._items if item]


def _events_of_call(item: Object, place: str) -> Iterator[Object]:
    """The events of a call that the gateway made, when it is done; `place` is like none of the provider's."""
    at = {"item_id": item["id"], "output_index": place}
    begun = {**item, "status": "in_progress", "arguments": "", "output": None}
    yield {"type": _ADDED, "output_index": at["output_index"], "item": begun}
    yield {"type": "response.mcp_call.in_progress", **at}
    yield {"type": "response.mcp_call_arguments.delta", **at, "delta": item["arguments"]}
    yield {"type": "response.mcp_call_arguments.done", **at, "arguments": item["arguments"]}
    yield {"type": "response.mcp_call.completed", **at}
    yield {"type": _DONE, "output_index": at["output_index"], "item": item}


async def _read(stream: UpstreamStream) -> AsyncGenerator[Object | bytes]:
    """The events of a response decoded, and as they came those that are none of this API.

    Raises UpstreamBroken for a response without its end.
    """
    splitter = EventSplitter()
    while chunk := await stream.read_chunk():
        for event in splitter.feed(chunk):
            members = _decode(event)
            yield event if "type" not in members else members
            if members.get("type") in FINAL_EVENTS or members.get("error"):
                return
    raise UpstreamBroken("The stream of a response ended before the response did.")


def _decode(event: bytes) -> Object:
    """The members of an event; none of a comment, or of what is no event of this API."""
    payload = event_payload(event)
    try:
        return {} if payload is None else msgspec.json.decode(payload, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
