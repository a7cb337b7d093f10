"""The parts of OpenAI's answers that the gateway reads; everything else stays as it came."""

from typing import Annotated

import msgspec

__all__ = [
    "MOST_TOKENS",
    "ORDINARY_MEMBERS",
    "AnswerEnvelope",
    "ErrorEnvelope",
    "PlainAnswer",
    "TokenCount",
    "TokenDetails",
    "UsageBlock",
]

MOST_TOKENS = 1_000_000_000
"""More than any model reads or writes in one call; a larger number is a defect, not a bill."""

TokenCount = Annotated[int, msgspec.Meta(ge=0, le=MOST_TOKENS)]

ORDINARY_MEMBERS = frozenset(
    {
        "dimensions",
        "echo",
        "encoding_format",
        "frequency_penalty",
        "input",
        "instructions",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_output_tokens",
        "max_tokens",
        "messages",
        "model",
        "n",
        "parallel_tool_calls",
        "presence_penalty",
        "previous_response_id",
        "prompt",
        "reasoning",
        "reasoning_effort",
        "response_format",
        "seed",
        "stop",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "user",
    }
)
"""Members that never speak to the gateway: where there are no others, none has to be looked at by itself."""

_ABSENT = msgspec.Raw(b"null")


class TokenDetails(msgspec.Struct, frozen=True):
    """`prompt_tokens_details` and `completion_tokens_details`."""

    cached_tokens: TokenCount | None = None
    audio_tokens: TokenCount | None = None
    image_tokens: TokenCount | None = None
    reasoning_tokens: TokenCount | None = None


class UsageBlock(msgspec.Struct, frozen=True):
    """A well-formed `usage` as OpenAI writes it; the last two are Anthropic's and DeepSeek's additions.

    https://platform.openai.com/docs/api-reference/chat/object#chat/object-usage
    """

    prompt_tokens: TokenCount
    completion_tokens: TokenCount = 0
    prompt_tokens_details: TokenDetails | None = None
    completion_tokens_details: TokenDetails | None = None
    cached_tokens: TokenCount | None = None
    prompt_cache_hit_tokens: TokenCount | None = None
    cache_read_input_tokens: TokenCount | None = None
    cache_creation_input_tokens: TokenCount | None = None


class AnswerEnvelope(msgspec.Struct, frozen=True):
    """An answer, or one chunk of a stream, with the members that the gateway looks at still encoded.

    https://platform.openai.com/docs/api-reference/chat/object and `/chat/streaming`. A member that is
    absent reads as `null`.
    """

    id: msgspec.Raw = _ABSENT
    model: msgspec.Raw = _ABSENT
    usage: msgspec.Raw = _ABSENT
    choices: msgspec.Raw = _ABSENT
    error: msgspec.Raw = _ABSENT


class PlainAnswer(msgspec.Struct, frozen=True):
    """A whole answer with the members that the gateway looks at as OpenAI writes them; most are."""

    id: str
    usage: UsageBlock
    model: msgspec.Raw = _ABSENT


class ErrorEnvelope(msgspec.Struct, frozen=True):
    """An error answer; OpenAI's `error` is an object, other providers put a string or other members there.

    https://platform.openai.com/docs/guides/error-codes/api-errors. `message`, `detail`, `code` and `type`
    at the top are what some compatible servers send instead.
    """

    error: object = None
    message: object = None
    detail: object = None
    code: object = None
    type: object = None
