"""The form of the Responses API: items instead of messages, and calls by MCP that the client is told of.

https://platform.openai.com/docs/guides/tools-remote-mcp
"""

from collections.abc import Mapping, Sequence
from typing import cast

import msgspec

from gateway.hooks import RequestBody
from gateway_mcp.chat.approvals import ask_for, is_ours, new_call_id, read_conversation
from gateway_mcp.chat.offers import Offers
from gateway_mcp.chat.turns import CALLED, Call, Turn
from gateway_mcp.wire import Object

__all__ = ["ResponsesForm", "items_of"]

_OF_STORE = frozenset({"id", "status"})
"""Members of an item that refer to what the provider has stored, or say nothing to it."""


class ResponsesForm:
    """Responses: `input` of items, functions without an object of their own, items for their results.

    One is for one request: it keeps the items that its client is told of.
    """

    path = "/v1/responses"
    member = "input"

    def __init__(self, offers: Offers, body: RequestBody) -> None:
        self._offers = offers
        self.tools = body.read("tools")
        # Its own reasoning a provider knows again by its id, unless it is not to keep it.
        self._is_stored = body.read("store") is not False
        self._told: list[Object] = []
        self.approved: list[Object] = []
        """What the client is told of calls that it has approved."""

    async def read_conversation(self, members: Mapping[str, msgspec.Raw]) -> Sequence[object]:
        """See Form.read_conversation. Calls that the client has approved are made here."""
        found = read_conversation(members[self.member], self._offers)
        calls = [call for call, _ in found.calls]
        texts = await self._offers.call(calls)
        found.fill(texts)
        self.approved = self.tell(calls, texts)
        for item, call in zip(self.approved, calls, strict=True):
            item["approval_request_id"] = call.id
        self._told += self.approved
        return found.items

    def write_tool(self, function: Object) -> Object:
        """See Form.write_tool."""
        return {"type": "function", **function, "strict": False}

    def name_of(self, tool: object) -> str | None:
        """See Form.name_of."""
        name = cast("Object", tool).get("name") if isinstance(tool, dict) else None
        return name if isinstance(name, str) else None

    def write_result(self, call: Call, text: str) -> Object:
        """See Form.write_result."""
        return {"type": "function_call_output", "call_id": call.id, "output": text}

    def with_choice(self, body: Object, choice: object) -> Object:
        """See Form.with_choice: a tool of a server is its function, a server any function."""
        if not isinstance(choice, dict) or cast("Object", choice).get("type") != "mcp":
            return body
        stated = cast("Object", choice)
        name = self._offers.find(str(stated.get("server_label")), str(stated.get("name")))
        return {**body, "tool_choice": "required" if name is None else {"type": "function", "name": name}}

    def read_turn(self, answer: Object) -> Turn:
        """See Form.read_turn."""
        output = items_of(answer)
        calls = [_read_call(item) for item in output if item.get("type") == CALLED]
        return Turn([said for item in output if (said := self._repeat(item)) is not None], calls)

    def note(self, answer: Object, turn: Turn, texts: Sequence[str]) -> None:
        """See Form.note."""
        self._told += [item for item in items_of(answer) if item.get("type") != CALLED]
        self._told += self.tell(turn.calls, texts)

    def finish(self, answer: Object) -> Object:
        """See Form.finish."""
        output = [self.show(item) for item in items_of(answer)]
        return {**answer, "tools": self.tools, "output": [*self._told, *output]}

    def asks_for(self, item: Object) -> bool:
        """Whether an item of the last answer is a call that the gateway could have made."""
        return is_ours(item, self._offers)

    def show(self, item: Object) -> Object:
        """An item of the last answer: such a call is asked for."""
        return ask_for(item, self._offers) if self.asks_for(item) else item

    def tell(self, calls: Sequence[Call], texts: Sequence[str]) -> list[Object]:
        """The items that say which tools were called, and what they came to."""
        return [
            {
                "type": "mcp_call",
                "id": new_call_id(),
                "server_label": self._offers.label_of(call.name),
                "name": self._offers.tool_of(call.name),
                "arguments": call.arguments if isinstance(call.arguments, str) else "{}",
                "output": text,
                "error": None,
                "status": "completed",
                "approval_request_id": None,
            }
            for call, text in zip(calls, texts, strict=True)
        ]

    def _repeat(self, item: Object) -> Object | None:
        """An item as a part of the next request; None for reasoning that its provider would not find."""
        if item.get("type") == "reasoning":
            return item if self._is_stored or item.get("encrypted_content") else None
        return {name: value for name, value in item.items() if name not in _OF_STORE}


def items_of(answer: Object) -> list[Object]:
    """The items of a response."""
    output = answer.get("output")
    items = cast("list[object]", output) if isinstance(output, list) else []
    return [cast("Object", item) for item in items if isinstance(item, dict)]


def _read_call(item: Object) -> Call:
    name = item.get("name")
    return Call(item.get("call_id"), name if isinstance(name, str) else "", item.get("arguments"))
