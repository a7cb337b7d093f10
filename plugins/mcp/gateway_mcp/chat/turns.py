"""One turn of a model: what it says, and which tools it calls."""

from collections.abc import Sequence
from typing import cast

import msgspec

from gateway_mcp.wire import Object

__all__ = ["Turn", "add_usage", "read_turn"]


class Turn(msgspec.Struct):
    """What a model said, and its calls of tools, as the API of chat completions has them."""

    content: object = None
    calls: Sequence[Object] = ()

    def go_on(self, body: Object, results: Sequence[Object]) -> Object:
        """The next request: what was said so far, this turn, and what its calls came to."""
        messages = cast("list[object]", body["messages"])
        said: Object = {"role": "assistant", "content": self.content, "tool_calls": list(self.calls)}
        # A tool that had to be called was called: the model may end now.
        choice = {"tool_choice": "auto"} if "tool_choice" in body else {}
        return {**body, **choice, "messages": [*messages, said, *results]}


def read_turn(answer: Object) -> Turn:
    """The turn of a whole answer; one without calls where there is nothing to read."""
    choices = answer.get("choices")
    if not isinstance(choices, list) or not choices:
        return Turn()
    message = cast("Object", choices[0]).get("message") if isinstance(choices[0], dict) else None
    if not isinstance(message, dict):
        return Turn()
    said = cast("Object", message)
    calls = said.get("tool_calls")
    found = cast("list[object]", calls) if isinstance(calls, list) else []
    return Turn(said.get("content"), [cast("Object", call) for call in found if isinstance(call, dict)])


def add_usage(total: Object, usage: object) -> None:
    """Add what one answer used, also where it is told in parts, to what those before it did."""
    if not isinstance(usage, dict):
        return
    for name, value in cast("Object", usage).items():
        if isinstance(value, dict):
            part = total.setdefault(name, {})
            if isinstance(part, dict):
                add_usage(cast("Object", part), cast("Object", value))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            total[name] = (total.get(name) or 0) + value
        else:
            total.setdefault(name, value)
