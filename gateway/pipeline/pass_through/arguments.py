"""The arguments of a call by MCP, as its record may have them."""

from collections.abc import Collection
from typing import Any, cast

import msgspec

from gateway.audit.masking import MASK, mask
from gateway.hooks import RequestContext

__all__ = ["record_arguments"]

_BODY = "body"
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def record_arguments(context: RequestContext) -> msgspec.Raw | None:
    """What the tool was sent, after guardrails; what is a secret, or named so by the operator, is masked.

    None for a request that calls no tool.
    """
    raw = context.body.members.get(_BODY)
    if context.tool_call is None or raw is None:
        return None
    try:
        params: object = _decode(raw).get("params")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    arguments = cast("dict[str, object]", params).get("arguments") if isinstance(params, dict) else None
    return msgspec.Raw(msgspec.json.encode(mask(_hide(arguments or {}, context.tool_call.hides))))


def _hide(value: object, names: Collection[str]) -> object:
    if isinstance(value, list):
        return [_hide(inner, names) for inner in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    members = cast("dict[str, object]", value)  # JSON objects have text keys
    return {name: MASK if name.lower() in names else _hide(inner, names) for name, inner in members.items()}
