"""One turn of a model: what it says, which tools it calls, and the forms in which APIs put that."""

from collections.abc import Mapping, Sequence
from typing import Protocol, cast

import msgspec

from gateway.errors import BadRequest
from gateway_mcp.wire import Object

__all__ = ["CALLED", "Call", "ChatForm", "Form", "Turn", "add_usage", "go_on", "split"]


CALLED = "function_call"
"""The type of an item of a response that calls a function."""


class Call(msgspec.Struct, frozen=True):
    """A model's call of a tool; `arguments` are text, where the model keeps to the API."""

    id: object
    name: str
    arguments: object


class Turn(msgspec.Struct, frozen=True):
    """What goes into the conversation of what a model said, and its calls of tools."""

    said: Sequence[object] = ()
    calls: Sequence[Call] = ()


class Form(Protocol):
    """How an API puts conversations and tools; `member` of its requests is the conversation."""

    path: str
    member: str

    async def read_conversation(self, members: Mapping[str, msgspec.Raw]) -> Sequence[object]:
        """The conversation of a request, item by item. Raises BadRequest."""
        ...

    def write_tool(self, function: Object) -> Object:
        """A tool that a model is offered, from its `name`, `description` and `parameters`."""
        ...

    def name_of(self, tool: object) -> str | None:
        """The name of a function among the tools of a request."""
        ...

    def write_result(self, call: Call, text: str) -> Object:
        """What tells a model what its call came to."""
        ...

    def with_choice(self, body: Object, choice: object) -> Object:
        """The body with the functions that are meant by its decoded `tool_choice`."""
        ...

    def read_turn(self, answer: Object) -> Turn:
        """The turn of a whole answer; one without calls where there is nothing to read."""
        ...

    def note(self, answer: Object, turn: Turn, texts: Sequence[str]) -> None:
        """Keep what the client is told of an answer that the conversation went on from."""
        ...

    def finish(self, answer: Object) -> Object:
        """The last answer with what the client is told of those before it."""
        ...


def go_on(form: Form, body: Object, turn: Turn, texts: Sequence[str]) -> Object:
    """The next request: what was said so far, this turn, and what its calls came to."""
    said = cast("list[object]", body[form.member])
    results = [form.write_result(call, text) for call, text in zip(turn.calls, texts, strict=True)]
    # A tool that had to be called was called: the model may end now.
    choice = {"tool_choice": "auto"} if "tool_choice" in body else {}
    return {**body, **choice, form.member: [*said, *turn.said, *results]}


def split(raw: msgspec.Raw) -> list[msgspec.Raw]:
    """The items of an array. Raises BadRequest."""
    try:
        return msgspec.json.decode(raw, type=list[msgspec.Raw])
    except msgspec.DecodeError as error:
        raise BadRequest(f"The request body is not valid JSON: {error}.", param="body") from None


class ChatForm:
    """Chat completions: messages, functions, and messages of the role `tool`."""

    path = "/v1/chat/completions"
    member = "messages"

    async def read_conversation(self, members: Mapping[str, msgspec.Raw]) -> Sequence[object]:
        """See Form.read_conversation."""
        return split(members["messages"])

    def write_tool(self, function: Object) -> Object:
        """See Form.write_tool."""
        return {"type": "function", "function": function}

    def name_of(self, tool: object) -> str | None:
        """See Form.name_of."""
        function = cast("Object", tool).get("function") if isinstance(tool, dict) else None
        name = cast("Object", function).get("name") if isinstance(function, dict) else None
        return name if isinstance(name, str) else None

    def write_result(self, call: Call, text: str) -> Object:
        """See Form.write_result."""
        return {"role": "tool", "tool_call_id": call.id, "content": text}

    def with_choice(self, body: Object, choice: object) -> Object:
        """See Form.with_choice: a chat completion can name functions only."""
        del choice
        return body

    def note(self, answer: Object, turn: Turn, texts: Sequence[str]) -> None:
        """See Form.note: a chat completion tells nothing of calls that were made."""

    def finish(self, answer: Object) -> Object:
        """See Form.finish."""
        return answer

    def read_turn(self, answer: Object) -> Turn:
        """See Form.read_turn."""
        choices = answer.get("choices")
        if not isinstance(choices, list) or not choices:
            return Turn()
        message = cast("Object", choices[0]).get("message") if isinstance(choices[0], dict) else None
        if not isinstance(message, dict):
            return Turn()
        said = cast("Object", message)
        calls = said.get("tool_calls")
        found = cast("list[object]", calls) if isinstance(calls, list) else []
        return self.build_turn(
            said.get("content"), [cast("Object", call) for call in found if isinstance(call, dict)]
        )

    def build_turn(self, content: object, calls: Sequence[Object]) -> Turn:
        """The turn that says so and calls these."""
        said: Object = {"role": "assistant", "content": content, "tool_calls": list(calls)}
        return Turn([said], [_read_call(self.name_of(call), call) for call in calls])


def _read_call(name: str | None, call: Object) -> Call:
    function = call.get("function")
    arguments = cast("Object", function).get("arguments") if isinstance(function, dict) else None
    return Call(call.get("id"), name or "", arguments)


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
