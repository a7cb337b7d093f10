"""How providers say what went wrong: statuses, codes and, where there is no code, phrases."""

import re

from gateway.errors import (
    ContentPolicyViolation,
    ContextWindowExceeded,
    UpstreamAuthenticationFailed,
    UpstreamBadRequest,
    UpstreamError,
    UpstreamGarbled,
    UpstreamInternalError,
    UpstreamNotFound,
    UpstreamPermissionDenied,
    UpstreamRateLimited,
    UpstreamTimeout,
    UpstreamUnavailable,
    UpstreamUnprocessable,
)

__all__ = ["BY_CODE", "BY_PHRASE", "BY_STATUS", "CODED_STATUSES"]

BY_STATUS: dict[int, type[UpstreamError]] = {
    400: UpstreamBadRequest,
    401: UpstreamAuthenticationFailed,
    403: UpstreamPermissionDenied,
    404: UpstreamNotFound,
    408: UpstreamTimeout,
    422: UpstreamUnprocessable,
    429: UpstreamRateLimited,
    500: UpstreamInternalError,
    502: UpstreamGarbled,
    503: UpstreamUnavailable,
    504: UpstreamTimeout,
    # Anthropic: overloaded. https://docs.anthropic.com/en/api/errors
    529: UpstreamUnavailable,
}

CODED_STATUSES = frozenset({400, 413, 422})
"""Statuses under which a provider reports a prompt that is too long, or content that it refuses."""

BY_CODE: dict[str, type[UpstreamBadRequest]] = {
    # OpenAI, Azure OpenAI, groq, vLLM, OpenRouter: `error.code` or `error.type`.
    "context_length_exceeded": ContextWindowExceeded,
    "context_window_exceeded": ContextWindowExceeded,
    "string_above_max_length": ContextWindowExceeded,
    "model_max_prompt_tokens_exceeded": ContextWindowExceeded,
    # llama.cpp's server: `error.type`.
    "exceed_context_size_error": ContextWindowExceeded,
    "content_policy_violation": ContentPolicyViolation,
    "content_filter": ContentPolicyViolation,
    "ResponsibleAIPolicyViolation": ContentPolicyViolation,
    "moderation_blocked": ContentPolicyViolation,
    "data_inspection_failed": ContentPolicyViolation,
}

BY_PHRASE: tuple[tuple[re.Pattern[str], type[UpstreamBadRequest]], ...] = (
    # vLLM answers with `code: 400` only.
    (re.compile(r"maximum context length"), ContextWindowExceeded),
    # Anthropic's OpenAI endpoint: `invalid_request_error` for everything.
    (
        re.compile(r"prompt is too long|input length and `max_tokens` exceed context limit"),
        ContextWindowExceeded,
    ),
    # Gemini's OpenAI endpoint: `INVALID_ARGUMENT` for everything.
    (re.compile(r"input token count.{0,40}exceeds the maximum"), ContextWindowExceeded),
    # Mistral and together: no code of their own for it.
    (
        re.compile(r"too large for model with \d+ maximum context|inputs tokens \+ max_new_tokens must be"),
        ContextWindowExceeded,
    ),
    # xAI, deepseek.
    (re.compile(r"maximum prompt length is \d+"), ContextWindowExceeded),
    # Anthropic's output filter comes as a plain 400.
    (re.compile(r"blocked by content filtering policy"), ContentPolicyViolation),
)
