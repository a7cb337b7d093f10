"""OpenAI's Responses API on the wire: the events of a stream that tells a whole response.

https://platform.openai.com/docs/api-reference/responses-streaming
"""

from collections.abc import Iterator, Mapping
from typing import cast

import msgspec

__all__ = ["FINAL_EVENTS", "ResponseEvent", "build_events", "encode_event"]

FINAL_EVENTS = frozenset({"response.completed", "response.incomplete", "response.failed"})
"""The types of the events that end a stream; each has the whole response."""
_FINAL = {"incomplete": "response.incomplete", "failed": "response.failed"}
_NOT_YET: dict[str, object] = {"status": "in_progress", "output": [], "usage": None}
_CALLS = {
    # What grows in items of these types, and how its events are called.
    "function_call": ("arguments", "response.function_call_arguments"),
    "custom_tool_call": ("input", "response.custom_tool_call_input"),
    "mcp_call": ("arguments", "response.mcp_call_arguments"),
}
_TEXTS = {"output_text": ("text", "response.output_text"), "refusal": ("refusal", "response.refusal")}
_Object = Mapping[str, object]
_encode = msgspec.json.Encoder().encode


class ResponseEvent(msgspec.Struct, frozen=True):
    """An event of a stream, with the members that the gateway looks at.

    `type` is absent where a provider names the event in its `event` line only. `code` and `message` are
    those of an event of the type `error`.
    """

    type: str = ""
    response: msgspec.Raw = msgspec.Raw(b"null")
    error: msgspec.Raw = msgspec.Raw(b"null")
    code: object = None
    message: object = None


def build_events(response: _Object) -> Iterator[dict[str, object]]:
    """The events in which a provider would have told this response, numbered from 0.

    Texts and arguments come in one piece each.
    """
    for number, event in enumerate(_events(response)):
        yield event | {"sequence_number": number}


def encode_event(event: _Object) -> bytes:
    """The bytes of one event; its type stands in its `event` line as well."""
    return b"event: " + str(event["type"]).encode() + b"\ndata: " + _encode(event) + b"\n\n"


def _events(response: _Object) -> Iterator[dict[str, object]]:
    started = {**response, **_NOT_YET}
    for kind in ("response.created", "response.in_progress"):
        yield {"type": kind, "response": started}
    for place, item in enumerate(_objects(response.get("output"))):
        yield from _item_events(item, place)
    yield {"type": _FINAL.get(str(response.get("status")), "response.completed"), "response": response}


def _item_events(item: _Object, place: int) -> Iterator[dict[str, object]]:
    kind = item.get("type")
    begun: dict[str, object] = dict(item)
    if "status" in item:
        begun["status"] = "in_progress"
    if kind == "message":
        begun["content"] = []
    elif kind in _CALLS:
        begun[_CALLS[str(kind)][0]] = ""
    elif kind == "reasoning":
        begun["summary"] = []
    yield {"type": "response.output_item.added", "output_index": place, "item": begun}
    at = {"item_id": item.get("id", ""), "output_index": place}
    if kind == "message":
        for index, part in enumerate(_objects(item.get("content"))):
            yield from _part_events(part, at | {"content_index": index})
    elif kind in _CALLS:
        name, prefix = _CALLS[str(kind)]
        yield {"type": f"{prefix}.delta", **at, "delta": item.get(name, "")}
        yield {"type": f"{prefix}.done", **at, name: item.get(name, ""), "name": item.get("name", "")}
    elif kind == "reasoning":
        for index, part in enumerate(_objects(item.get("summary"))):
            yield from _summary_events(part, at | {"summary_index": index})
    yield {"type": "response.output_item.done", "output_index": place, "item": item}


def _part_events(part: _Object, at: dict[str, object]) -> Iterator[dict[str, object]]:
    name, prefix = _TEXTS.get(str(part.get("type")), ("", ""))
    if not name:
        yield {"type": "response.content_part.added", **at, "part": part}
    else:
        more: dict[str, object] = {"logprobs": part.get("logprobs") or []} if name == "text" else {}
        yield {"type": "response.content_part.added", **at, "part": {**part, name: ""}}
        yield {"type": f"{prefix}.delta", **at, "delta": part.get(name, ""), **more}
        yield {"type": f"{prefix}.done", **at, name: part.get(name, ""), **more}
    yield {"type": "response.content_part.done", **at, "part": part}


def _summary_events(part: _Object, at: dict[str, object]) -> Iterator[dict[str, object]]:
    prefix, text = "response.reasoning_summary", part.get("text", "")
    yield {"type": f"{prefix}_part.added", **at, "part": {**part, "text": ""}}
    yield {"type": f"{prefix}_text.delta", **at, "delta": text}
    yield {"type": f"{prefix}_text.done", **at, "text": text}
    yield {"type": f"{prefix}_part.done", **at, "part": part}


def _objects(value: object) -> list[_Object]:
    items = cast("list[object]", value) if isinstance(value, list) else []  # of JSON values
    return [cast("_Object", item) for item in items if isinstance(item, dict)]  # JSON: text keys
