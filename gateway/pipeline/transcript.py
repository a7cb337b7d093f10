"""What was asked and answered, kept for the spend row where the operator wants prompts stored."""

from collections.abc import Mapping
from typing import Any, cast

import msgspec

from gateway.domain import Endpoint
from gateway.hooks import RequestContext
from gateway.spend.builder import CallDetails
from gateway.wire.responses import FINAL_EVENTS
from gateway.wire.sse import EventSplitter, event_payload

__all__ = ["CONTENT", "Transcript"]

_MOST_BYTES = 1024 * 1024
CONTENT = {
    Endpoint.CHAT: "messages",
    Endpoint.COMPLETIONS: "prompt",
    Endpoint.EMBEDDINGS: "input",
    Endpoint.RESPONSES: "input",
    Endpoint.MCP: "arguments",
}
"""The member of a request that says what the model, or the tool, is asked."""
_SECRET = frozenset({"api_key", "headers", "extra_headers", "litellm_credential_name"})
"""Members of a body that may carry credentials; most are refused long before."""
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Transcript:
    """Collects one answer, whole or as the events of a stream, up to a megabyte."""

    __slots__ = ("_context", "_parts", "_size")

    def __init__(self, context: RequestContext) -> None:
        self._context = context
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, data: bytes) -> None:
        """Take the next bytes of the answer as the client gets them."""
        self._size += len(data)
        if self._size <= _MOST_BYTES:
            self._parts.append(data)

    def add_to(self, details: CallDetails) -> CallDetails:
        """Return the details of the request's record with request and answer."""
        members = self._context.body.members
        asked = members.get(CONTENT[self._context.endpoint])
        kept = {name: raw for name, raw in members.items() if name not in _SECRET}
        return msgspec.structs.replace(
            details,
            is_shared=False,
            messages=None if asked is None else _checked(bytes(asked)),
            response=self._response(),
            proxy_server_request=_checked(_encode(kept)),
        )

    def _response(self) -> msgspec.Raw | None:
        data = b"".join(self._parts)
        if self._size > _MOST_BYTES:
            return msgspec.Raw(_encode({"truncated_bytes": self._size}))
        if not data:
            return None
        return msgspec.Raw(_encode(_join_events(data))) if self._context.is_stream else _checked(data)


def _checked(data: bytes) -> msgspec.Raw | None:
    """JSON that can be stored as it is; None for bytes that are none."""
    try:
        _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return msgspec.Raw(data)


def _join_events(data: bytes) -> dict[str, Any]:
    """Make one answer of the events of a stream: members of the first, text of all, the last usage."""
    answer: dict[str, Any] = {}
    choices: dict[object, dict[str, Any]] = {}
    for event in EventSplitter().feed(data):
        try:
            chunk: object = _decode(event_payload(event) or b"null")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        if not isinstance(chunk, dict):
            continue
        members = cast("dict[str, Any]", chunk)  # JSON objects have text keys
        if members.get("type") in FINAL_EVENTS:
            return cast("dict[str, Any]", members["response"])  # the whole answer, as such events have it
        for choice in cast("list[object]", members.pop("choices", None) or []):
            if isinstance(choice, dict):
                _merge_choice(choices, cast("dict[str, Any]", choice))  # the same
        answer.update({name: value for name, value in members.items() if value is not None})
    answer["choices"] = list(choices.values())
    return answer


def _merge_choice(choices: dict[object, dict[str, Any]], choice: dict[str, Any]) -> None:
    index = choice.get("index", 0)
    merged = choices.setdefault(index if isinstance(index, int) else 0, {})
    delta = choice.pop("delta", None)
    if isinstance(delta, dict):
        _merge(merged.setdefault("message", {}), cast("dict[str, Any]", delta))  # JSON objects have text keys
    _merge(merged, choice)


def _merge(into: dict[str, Any], delta: Mapping[str, Any]) -> None:
    """Append texts, merge lists of indexed items (tool calls), replace everything else."""
    for name, value in delta.items():
        present = into.get(name)
        if value is None and present is not None:
            continue
        if isinstance(value, str) and isinstance(present, str) and name not in {"role", "id", "type"}:
            into[name] = present + value
        elif isinstance(value, dict) and isinstance(present, dict):
            _merge(cast("dict[str, Any]", present), cast("dict[str, Any]", value))  # JSON objects
        elif isinstance(value, list):
            into[name] = _merge_items(present, cast("list[Any]", value))
        else:
            into[name] = value


def _merge_items(present: object, items: list[Any]) -> list[Any]:
    merged = list(cast("list[Any]", present)) if isinstance(present, list) else []
    for item in items:
        at = _index_of(item, merged)
        if at is None:
            merged.append(item)
        else:
            _merge(merged[at], item)
    return merged


def _index_of(item: object, merged: list[Any]) -> int | None:
    """Where the earlier part of an indexed item stands; None for a new one."""
    if not isinstance(item, dict) or "index" not in item:
        return None
    members = cast("dict[str, Any]", item)  # JSON objects have text keys
    return next(
        (
            position
            for position, other in enumerate(merged)
            if isinstance(other, dict) and cast("dict[str, Any]", other).get("index") == members["index"]
        ),
        None,
    )
