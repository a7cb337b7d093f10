"""What was used where no provider says it."""

from gateway.catalog.estimate import estimate_prompt_tokens
from gateway.domain import Endpoint, Usage
from gateway.hooks import RequestContext

__all__ = ["usage_of_answer", "usage_of_stream"]

_BYTES_PER_TOKEN = 4


def usage_of_answer(context: RequestContext, answer_bytes: int) -> Usage:
    """Estimate the tokens of a call from the sizes of its request and its answer, in bytes."""
    completion = 0 if context.endpoint is Endpoint.EMBEDDINGS else answer_bytes // _BYTES_PER_TOKEN
    return usage_of_stream(context, completion)


def usage_of_stream(context: RequestContext, completion_tokens: int) -> Usage:
    """Estimate the tokens of the prompt beside a counted completion."""
    return Usage(
        prompt_tokens=estimate_prompt_tokens(context.endpoint, context.body),
        completion_tokens=completion_tokens,
        is_estimated=True,
    )
