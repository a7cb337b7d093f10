"""The strings of a JSON value, each with its place, its kind and its role."""

from collections.abc import Iterator, Mapping
from typing import cast

import msgspec

from gateway.sdk import Piece, PieceKind

__all__ = ["Found", "Path", "drop_probabilities", "edit_at", "find_pieces"]

Path = tuple[str | int, ...]
"""Names of members and places in lists, from the body down."""

_NAMES = frozenset(
    {
        *(
            "id",
            "role",
            "type",
            "name",
            "object",
            "model",
            "tool_call_id",
            "call_id",
            "finish_reason",
            "format",
        ),
        *("detail", "cache_control", "service_tier", "system_fingerprint", "user", "safety_identifier"),
        *(
            "prompt_cache_key",
            "reasoning_effort",
            "verbosity",
            "tool_choice",
            "function_call_name",
            "modalities",
        ),
        *("stop_reason", "native_finish_reason", "encoding_format", "required", "enum", "signature", "voice"),
        *(
            "status",
            "truncation",
            "effort",
            "encrypted_content",
            "previous_response_id",
            "item_id",
            "include",
        ),
        *("approval_request_id", "server_label", "file_id", "prompt_cache_retention", "phase", "code"),
    }
)
"""Members whose strings are names, ids or switches."""
_MEDIA = frozenset({"image_url", "input_audio", "audio", "file", "video_url", "b64_json", "embedding", "url"})
_REASONING = frozenset({"reasoning_content", "reasoning", "thinking", "thinking_blocks", "reasoning_details"})
_DEFINITIONS = frozenset({"tools", "functions", "response_format", "json_schema"})
_KNOWN_KEYS = frozenset(
    {
        *("content", "text", "refusal", "arguments", "input", "output", "function", "tool_calls", "parts"),
        *(
            "messages",
            "message",
            "delta",
            "choices",
            "index",
            "prompt",
            "suffix",
            "prediction",
            "description",
        ),
        *(
            "parameters",
            "properties",
            "items",
            "strict",
            "schema",
            "title",
            "default",
            "data",
            "usage",
            "created",
        ),
        *("logprobs", "annotations", "transcript", "function_call", "stop", "stream", "stream_options", "n"),
        *("temperature", "top_p", "max_tokens", "max_completion_tokens", "seed", "presence_penalty", "tool"),
        *("frequency_penalty", "logit_bias", "parallel_tool_calls", "include_usage", "additionalProperties"),
        *(
            "search_context_size",
            "web_search_options",
            "dimensions",
            "store",
            "anyOf",
            "oneOf",
            "allOf",
            "const",
        ),
        *(
            "url_citation",
            "start_index",
            "end_index",
            "minimum",
            "maximum",
            "minLength",
            "maxLength",
            "pattern",
        ),
    }
).union(_NAMES, _MEDIA, _REASONING, _DEFINITIONS)
"""Names of members of the API; any other name is a string of the caller's or the provider's own."""
_RESPONSE_KEYS = frozenset(
    {
        *("instructions", "max_output_tokens", "max_tool_calls", "created_at", "completed_at", "background"),
        *(
            "error",
            "incomplete_details",
            "top_logprobs",
            "summary",
            "output_text",
            "input_tokens",
            "metadata",
        ),
        *("output_tokens", "input_tokens_details", "output_tokens_details", "cached_tokens", "total_tokens"),
        *(
            "reasoning_tokens",
            "conversation",
            "filename",
            "file_data",
            "action",
            "query",
            "queries",
            "results",
        ),
    }
)
"""Names of members of the Responses API."""
_ROLES = {"instructions": "system"}
"""Members that say something in a role."""
_UNSEEN = frozenset({"logprobs"})
"""The same text once more, token by token; it is dropped where the text is edited."""


class Found(msgspec.Struct, frozen=True, gc=False):
    """One string and the way to it."""

    piece: Piece
    path: Path


def find_pieces(value: object, name: str) -> Iterator[Found]:
    """Every string below the member `name` of a body, and every name of a member that no API knows."""
    yield from _walk(value, (name,), name, _kind_of(name, PieceKind.TEXT), _ROLES.get(name, ""))


def edit_at(root: object, path: Path, text: str) -> None:
    """Put another string in a place; changes `root`."""
    parent = root
    for step in path[:-1]:
        parent = cast("dict[str | int, object]", parent)[
            step
        ]  # a list takes its places as a mapping its names
    cast("dict[str | int, object]", parent)[path[-1]] = text


def drop_probabilities(root: object, path: Path) -> None:
    """Drop the log probabilities of an edited text, which spell it out; changes `root`."""
    depth = {"choices": 2, "output": 4}.get(str(path[0]))
    if depth is not None and len(path) > depth:
        value = root
        for step in path[:depth]:
            value = cast("dict[str | int, object]", value)[step]  # as above
        cast("dict[str, object]", value).pop("logprobs", None)  # a choice, or a part of an item


def _walk(value: object, path: Path, shown: str, kind: PieceKind, role: str) -> Iterator[Found]:
    if isinstance(value, str):
        if value:
            yield Found(Piece(value, shown, kind, role), path)
    elif isinstance(value, list):
        for place, item in enumerate(cast("list[object]", value)):  # of JSON values
            yield from _walk(item, (*path, place), f"{shown}[{place}]", kind, role)
    elif isinstance(value, dict):
        yield from _walk_object(cast("dict[str, object]", value), path, shown, kind, role)  # JSON: text keys


def _walk_object(
    members: Mapping[str, object], path: Path, shown: str, kind: PieceKind, role: str
) -> Iterator[Found]:
    stated = members.get("role")
    if isinstance(stated, str):
        role = stated
        if role in {"tool", "function"}:
            kind = PieceKind.TOOL_RESULT
    kind = _kind_of_item(members.get("type"), kind)
    for name, value in members.items():
        if name not in _KNOWN_KEYS and name not in _RESPONSE_KEYS:
            yield Found(Piece(name, f"{shown} (a name)", PieceKind.NAME, role, is_fixed=True), path)
        if name not in _UNSEEN:
            yield from _walk(value, (*path, name), f"{shown}.{name}", _kind_of(name, kind), role)


def _kind_of_item(stated: object, inherited: PieceKind) -> PieceKind:
    """What an item of the Responses API holds, by its type."""
    if inherited is PieceKind.TEXT and isinstance(stated, str):
        if stated == "reasoning":
            return PieceKind.REASONING
        if stated.endswith("_call_output"):
            return PieceKind.TOOL_RESULT
        if stated.endswith("_call"):
            return PieceKind.TOOL_CALL
    return inherited


def _kind_of(name: str, inherited: PieceKind) -> PieceKind:
    if inherited is PieceKind.MEDIA or name in _MEDIA:
        return PieceKind.MEDIA
    if name in _NAMES:
        return PieceKind.NAME
    if name in _REASONING:
        return PieceKind.REASONING
    if name in _DEFINITIONS:
        return PieceKind.DEFINITION
    if name == "arguments":
        return PieceKind.TOOL_CALL
    return PieceKind.TEXT if inherited is PieceKind.NAME else inherited
