"""Tools, calls and messages in the form that OpenAI's chat completions give them."""

from collections.abc import Iterator
from typing import Any, cast

from gateway.sdk import Content, Direction, ToolUse

__all__ = ["called_tools", "chat_messages", "offered_tools"]

_Object = dict[str, Any]


def offered_tools(content: Content) -> list[_Object]:
    """The tools that a chat request defines, as they are; functions of old become tools."""
    functions = [_as_function(item) for item in _objects(content.members.get("functions"))]
    return [*_objects(content.members.get("tools")), *functions]


def called_tools(content: Content) -> list[_Object]:
    """The calls in the messages of a request, as they are, and that of MCP; or those of an answer."""
    is_answer = content.direction is Direction.RESPONSE
    found = [_as_call(use) for use in content.tools if is_answer or use.arguments is not None]
    return [*_calls_in(chat_messages(content)), *found]


def chat_messages(content: Content) -> list[_Object]:
    """The messages of a chat request, as they are."""
    return _objects(content.members.get("messages"))


def _calls_in(messages: list[_Object]) -> Iterator[_Object]:
    for message in messages:
        yield from _objects(message.get("tool_calls"))
        yield from (_as_function(item) for item in _objects([message.get("function_call")]))


def _as_call(use: ToolUse) -> _Object:
    """One call. One whose arguments are not known says none, and one without an id none."""
    is_custom = use.type.startswith("custom")
    stated: _Object = {"name": f"{use.server}/{use.name}" if use.server else use.name}
    if use.arguments is not None:
        stated["input" if is_custom else "arguments"] = use.arguments
    kind = "custom" if is_custom else "function"
    return ({"id": use.call_id} if use.call_id else {}) | {"type": kind, kind: stated}


def _as_function(stated: _Object) -> _Object:
    return {"type": "function", "function": stated}


def _objects(value: object) -> list[_Object]:
    items = cast("list[object]", value) if isinstance(value, list) else []  # of JSON values
    return [cast("_Object", item) for item in items if isinstance(item, dict)]  # JSON: text keys
