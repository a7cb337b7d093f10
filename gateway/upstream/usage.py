"""Usage as providers report it, read without trust."""

from collections.abc import Mapping
from typing import cast

import msgspec

from gateway.domain import Usage
from gateway.wire.openai import MOST_TOKENS, TokenDetails, UsageBlock

__all__ = ["usage_from_block", "usage_from_json"]

_decode_block = msgspec.json.Decoder(UsageBlock).decode
_decode = msgspec.json.Decoder().decode

_NO_DETAILS = TokenDetails()


def usage_from_json(raw: bytes | msgspec.Raw) -> Usage | None:
    """Read a `usage` object: OpenAI's, and the members that Anthropic and DeepSeek have in its place.

    None when there is no object or it states no tokens at all. A count that is negative, not an integer
    or absurd counts as not stated; a part is never larger than its whole.
    """
    try:
        return usage_from_block(_decode_block(raw))
    except msgspec.DecodeError:
        return _read_leniently(raw)


def usage_from_block(block: UsageBlock) -> Usage:
    """Read a usage as OpenAI writes it; a part is never larger than its whole."""
    prompt, completion = block.prompt_tokens, block.completion_tokens
    if (
        block.prompt_tokens_details is None
        and block.completion_tokens_details is None
        and block.cached_tokens is None
        and block.prompt_cache_hit_tokens is None
        and block.cache_read_input_tokens is None
        and block.cache_creation_input_tokens is None
    ):
        return Usage(prompt, completion)
    inputs = block.prompt_tokens_details or _NO_DETAILS
    outputs = block.completion_tokens_details or _NO_DETAILS
    cached = inputs.cached_tokens or block.prompt_cache_hit_tokens or block.cached_tokens
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_tokens=min(cached or block.cache_read_input_tokens or 0, prompt),
        cache_creation_tokens=min(block.cache_creation_input_tokens or 0, prompt),
        audio_input_tokens=min(inputs.audio_tokens or 0, prompt),
        image_input_tokens=min(inputs.image_tokens or 0, prompt),
        reasoning_tokens=min(outputs.reasoning_tokens or 0, completion),
        audio_output_tokens=min(outputs.audio_tokens or 0, completion),
        image_output_tokens=min(outputs.image_tokens or 0, completion),
    )


def _read_leniently(raw: bytes | msgspec.Raw) -> Usage | None:
    """What is left of an object with other names, or with values that no count can have."""
    try:
        found: object = _decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    usage = cast("dict[str, object]", found)  # JSON object keys are strings
    completion = _count(usage, "completion_tokens", "output_tokens")
    prompt = _count(usage, "prompt_tokens")
    if prompt is None:
        prompt = _anthropic_prompt(usage)
    if prompt is None:
        # A server that states only the total, as some do for embeddings, means the prompt.
        total = _count(usage, "total_tokens")
        prompt = None if total is None else max(total - (completion or 0), 0)
    if prompt is None and completion is None:
        return None
    counts = {
        name: _count(usage, name)
        for name in UsageBlock.__struct_fields__
        if name.startswith(("cache", "prompt_cache"))
    }
    return usage_from_block(
        UsageBlock(
            prompt_tokens=prompt or 0,
            completion_tokens=completion or 0,
            prompt_tokens_details=_details(usage, "prompt_tokens_details", "input_tokens_details"),
            completion_tokens_details=_details(usage, "completion_tokens_details", "output_tokens_details"),
            **counts,
        )
    )


def _anthropic_prompt(usage: Mapping[str, object]) -> int | None:
    """Anthropic's count excludes what was read from and written to its cache; here they are parts of it."""
    prompt = _count(usage, "input_tokens")
    if prompt is None:
        return None
    read, written = _count(usage, "cache_read_input_tokens"), _count(usage, "cache_creation_input_tokens")
    return prompt + (read or 0) + (written or 0)


def _details(usage: Mapping[str, object], *names: str) -> TokenDetails | None:
    for name in names:
        value = usage.get(name)
        if isinstance(value, dict):
            details = cast("dict[str, object]", value)  # JSON object keys are strings
            return TokenDetails(**{field: _count(details, field) for field in TokenDetails.__struct_fields__})
    return None


def _count(usage: Mapping[str, object], *names: str) -> int | None:
    for name in names:
        value = usage.get(name)
        # 3.0 is an integer to JSON; true is none, though it is one to Python.
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if type(value) is int and 0 <= value <= MOST_TOKENS:
            return value
    return None
