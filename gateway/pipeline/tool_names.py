"""Which tools a request offers and an answer calls, for the registry of tools: names only."""

from collections.abc import Iterator
from typing import cast

import msgspec

from gateway.hooks import RequestBody
from gateway.wire.sse import event_payload

__all__ = ["list_called", "list_offered", "list_streamed"]

_CALLS, _CALL = b'"tool_calls"', b'"function_call"'
_ITEMS = frozenset({"function_call", "custom_tool_call", "mcp_call"})
"""Types of the items of a response that call a tool."""
_MOST, _LONGEST = 128, 256
_decode = msgspec.json.Decoder().decode


def list_offered(body: RequestBody) -> tuple[str, ...]:
    """The names of the tools that a request offers; what has another form is the provider's to refuse."""
    if "tools" not in body.members and "functions" not in body.members:
        return ()
    items = [*_objects(body.read("tools")), *_objects(body.read("functions"))]
    return _clean(_described(item).get("name", item.get("name")) for item in items)


def list_called(answer: bytes) -> tuple[str, ...]:
    """The names of the tools that a whole answer calls."""
    if not _may_call(answer):
        return ()
    try:
        return _clean(_find(_decode(answer)))
    except (msgspec.DecodeError, RecursionError):
        return ()


def list_streamed(events: bytes) -> tuple[str, ...]:
    """The names of the tools that whole events of a stream begin to call."""
    if not _may_call(events):
        return ()
    found: list[object] = []
    for event in events.split(b"\n\n"):
        payload = event_payload(event + b"\n\n")
        if payload is not None:
            try:
                found += _find(_decode(payload))
            except (msgspec.DecodeError, RecursionError):
                continue
    return _clean(found)


def _may_call(text: bytes) -> bool:
    # `in` first asks whether it was given a number, by an error that is raised and caught; this copies
    # nothing of a text that calls none.
    return bool(text.partition(_CALLS)[1] or text.partition(_CALL)[1])


def _find(answer: object) -> Iterator[object]:
    found = _object(answer)
    response = _object(found.get("response"))
    for item in (*_objects(found.get("output")), *_objects(response.get("output"))):
        if item.get("type") in _ITEMS:
            yield item.get("name")
    for choice in _objects(found.get("choices")):
        said = _object(choice.get("message") or choice.get("delta"))
        yield from (_described(call).get("name") for call in _objects(said.get("tool_calls")))
        yield _object(said.get("function_call")).get("name")


def _described(tool: dict[str, object]) -> dict[str, object]:
    """What says the name of a tool of the caller's."""
    return _object(tool.get("function")) or _object(tool.get("custom"))


def _clean(names: Iterator[object] | list[object]) -> tuple[str, ...]:
    texts = (name[:_LONGEST].replace("\0", "") for name in names if isinstance(name, str))
    return tuple(dict.fromkeys(name for name in texts if name))[:_MOST]


def _objects(value: object) -> list[dict[str, object]]:
    items = cast("list[object]", value) if isinstance(value, list) else []  # of JSON values
    return [_object(item) for item in items]


def _object(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}  # JSON objects have text keys
