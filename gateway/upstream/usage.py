"""Usage as providers report it, read without trust."""

from collections.abc import Mapping
from typing import cast

import msgspec

from gateway.domain import Usage

__all__ = ["usage_from_json"]

_MOST_TOKENS = 1_000_000_000
"""More than any model reads or writes in one call; a larger number is a defect, not a bill."""

_decode = msgspec.json.Decoder().decode
_NOTHING: Mapping[str, object] = {}


def usage_from_json(raw: bytes | msgspec.Raw) -> Usage | None:
    """Read a `usage` object: OpenAI's, and the members that Anthropic and DeepSeek have in its place.

    None when there is no object or it states no tokens at all. A count that is negative, not an integer
    or absurd counts as not stated; a part is never larger than its whole.
    """
    try:
        found: object = _decode(raw)
    except msgspec.DecodeError:
        return None
    if not isinstance(found, dict):
        return None
    return _build(cast("dict[str, object]", found))  # JSON object keys are strings


def _build(usage: Mapping[str, object]) -> Usage | None:
    prompt = _first(usage, "prompt_tokens", "input_tokens")
    completion = _first(usage, "completion_tokens", "output_tokens")
    total = _count(usage.get("total_tokens"))
    if prompt is None and completion is None and total is None:
        return None
    # A server that states only the total, as some do for embeddings, means the prompt.
    prompt = prompt if prompt is not None else max((total or 0) - (completion or 0), 0)
    completion = completion or 0
    inputs = _object(usage, "prompt_tokens_details", "input_tokens_details")
    outputs = _object(usage, "completion_tokens_details", "output_tokens_details")
    cached = _count(inputs.get("cached_tokens"))
    if cached is None:
        cached = _first(usage, "prompt_cache_hit_tokens", "cached_tokens")
    creation = _first(usage, "cache_creation_input_tokens")
    if "prompt_tokens" not in usage:
        # Anthropic's own counts exclude what was read from and written to the cache; here they are parts.
        read = _first(usage, "cache_read_input_tokens")
        cached = cached if read is None else read
        prompt += (read or 0) + (creation or 0)
    elif cached is None:
        cached = _first(usage, "cache_read_input_tokens")
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_tokens=min(cached or 0, prompt),
        cache_creation_tokens=min(creation or 0, prompt),
        audio_input_tokens=_part(inputs, "audio_tokens", prompt),
        image_input_tokens=_part(inputs, "image_tokens", prompt),
        reasoning_tokens=_part(outputs, "reasoning_tokens", completion),
        audio_output_tokens=_part(outputs, "audio_tokens", completion),
        image_output_tokens=_part(outputs, "image_tokens", completion),
    )


def _count(value: object) -> int | None:
    # bool is an int to Python, but not to JSON.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is not int or not 0 <= value <= _MOST_TOKENS:
        return None
    return value


def _first(usage: Mapping[str, object], *names: str) -> int | None:
    for name in names:
        value = _count(usage.get(name))
        if value is not None:
            return value
    return None


def _object(usage: Mapping[str, object], *names: str) -> Mapping[str, object]:
    for name in names:
        value = usage.get(name)
        if isinstance(value, dict):
            return cast("dict[str, object]", value)  # JSON object keys are strings
    return _NOTHING


def _part(details: Mapping[str, object], name: str, whole: int) -> int:
    return min(_count(details.get(name)) or 0, whole)
