"""The tools in a JSON value: those that a request offers, and those that an answer or a message calls."""

from collections.abc import Iterable, Iterator, Mapping
from typing import cast

import msgspec

from gateway.guardrails.walk import Path
from gateway.sdk import ToolUse

__all__ = ["FoundTool", "drop_called", "drop_offered", "find_called", "find_offered", "show_path"]

_Object = dict[str, object]
_LISTS = ("tools", "functions")
_CHOICES = ("tool_choice", "function_call", "parallel_tool_calls")
"""Members of a request that mean nothing without tools."""
_DECLARED = ("functionDeclarations", "function_declarations")
_MCP_CALL = "tools/call"


class FoundTool(msgspec.Struct, frozen=True, gc=False):
    """A tool and the way to it."""

    use: ToolUse
    path: Path


def find_offered(members: Mapping[str, object], called: str = "") -> Iterator[FoundTool]:
    """The tools that a request offers, and the one that a message of MCP calls, which is `called` so."""
    body = _object(members.get("body"))
    for name in _LISTS:
        yield from _offered_in(members.get(name), (name,))
        yield from _offered_in(body.get(name), ("body", name))
    if body.get("method") == _MCP_CALL:
        params = _object(body.get("params"))
        found = _called(params, ("body", "params"), "mcp", params.get("arguments", {}))
        server, _, tool = called.partition("/")
        use = msgspec.structs.replace(found.use, name=tool, server=server) if called else found.use
        yield FoundTool(use, found.path)


def _offered_in(tools: object, path: Path) -> Iterator[FoundTool]:
    for place, item in enumerate(_items(tools)):
        stated, here = _object(item), (*path, place)
        kind = stated.get("type")
        declared = [one for name in _DECLARED for one in _items(stated.get(name))]
        for name in dict.fromkeys(name for one in declared or [stated] for name in _names_of(_object(one))):
            use = ToolUse(name=name, path=show_path(here), type=kind if isinstance(kind, str) else "function")
            yield FoundTool(use, here)


def _names_of(stated: _Object) -> list[str]:
    """Every name that a provider may take for that of a tool."""
    inner = (_object(stated.get(name)) for name in ("function", "custom"))
    places = [one.get("name") for one in (*inner, stated)]
    return [name for name in places if isinstance(name, str)] or [_text(stated.get("server_label"))]


def find_called(members: Mapping[str, object]) -> Iterator[FoundTool]:
    """The tools that an answer calls, in whatever shape: names that come with arguments."""
    for name, value in members.items():
        yield from _search(value, (name,), "function", "")


def drop_offered(members: Mapping[str, object], paths: Iterable[Path]) -> dict[str, object]:
    """The members of a request that are other ones without some of its tools; None for those that go."""
    changed: dict[str, object] = {}
    gone = {cast("tuple[str, int]", path) for path in paths}
    for name in _LISTS:
        items = _items(members.get(name))
        kept = [item for place, item in enumerate(items) if (name, place) not in gone]
        if len(kept) < len(items):
            changed[name] = kept or None
    lists = {name: changed.get(name, members.get(name)) for name in _LISTS}
    if not any(lists.values()):
        changed |= {name: None for name in _CHOICES if name in members}
    return changed


def drop_called(members: _Object, paths: Iterable[Path], notice: str) -> bool:
    """Take calls out of the choices of an answer, and say so there; changes `members`.

    Says whether that could be done: calls that stand elsewhere stay, and then all do.
    """
    found = list(paths)
    if found and all(path[0] == "output" and len(path) > 1 for path in found):
        _drop_items(members, {cast("int", path[1]) for path in found}, notice)
        return True
    if not all(len(path) >= _LEAST_STEPS and path[0] == "choices" and path[2] == "message" for path in found):
        return False
    choices = cast("list[_Object]", members["choices"])  # the paths lead there
    for place in {cast("int", path[1]) for path in found}:
        choice, message = choices[place], cast("_Object", choices[place]["message"])
        gone = {path[4] for path in found if path[1] == place and path[3] == "tool_calls"}
        if any(path[3] == "function_call" for path in found if path[1] == place):
            message.pop("function_call", None)
        calls = _items(message.get("tool_calls"))
        kept = [call for index, call in enumerate(calls) if index not in gone]
        if kept:
            message["tool_calls"] = kept
        else:
            message.pop("tool_calls", None)
            choice["finish_reason"] = "stop"
        said = message.get("content")
        message["content"] = f"{said}\n\n{notice}" if isinstance(said, str) and said else notice
        choice.pop("logprobs", None)
    return True


def _drop_items(members: _Object, gone: set[int], notice: str) -> None:
    """Take items out of the output of a response; a message in the place of the first says so."""
    items = _items(members["output"])
    first = min(gone)
    part = {"type": "output_text", "text": notice, "annotations": list[object](), "logprobs": list[object]()}
    message = {
        "type": "message",
        "id": f"msg_{_text(_object(items[first]).get('id')).rpartition('_')[2]}",
        "status": "completed",
        "role": "assistant",
        "content": [part],
    }
    kept = [item for place, item in enumerate(items) if place not in gone]
    members["output"] = [*kept[:first], message, *kept[first:]]


_LEAST_STEPS = 4


def show_path(path: Path) -> str:
    """A path as people write it: `choices[0].message`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")


def _search(value: object, path: Path, kind: str, call_id: str) -> Iterator[FoundTool]:
    if isinstance(value, list):
        for place, item in enumerate(cast("list[object]", value)):
            yield from _search(item, (*path, place), kind, call_id)
    elif isinstance(value, dict):
        members = cast("_Object", value)
        stated = members.get("type")
        if isinstance(stated, str):
            kind, call_id = stated, _text(members.get("call_id")) or _text(members.get("id"))
        if isinstance(members.get("name"), str):
            given: object = members.get("arguments", members.get("input"))
            if _is_arguments(given) or kind.endswith(("_call", "tool_use")):
                found = _called(members, path, kind, given)
                yield FoundTool(msgspec.structs.replace(found.use, call_id=call_id), path)
        for name, item in members.items():
            yield from _search(item, (*path, name), kind, call_id)


def _is_arguments(value: object) -> bool:
    return isinstance(value, str | dict)


def _called(members: _Object, path: Path, kind: str, given: object) -> FoundTool:
    name = members.get("name")
    arguments = given if isinstance(given, str) else msgspec.json.encode(given).decode()
    use = ToolUse(
        name=name if isinstance(name, str) else "", path=show_path(path), type=kind, arguments=arguments
    )
    return FoundTool(use, path)


def _items(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []  # of JSON values


def _object(value: object) -> _Object:
    return cast("_Object", value) if isinstance(value, dict) else {}  # JSON objects have text keys


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
