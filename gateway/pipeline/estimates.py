"""What a request may come to, and what was used where no provider says it."""

from gateway.catalog.estimate import (
    DEFAULT_OUTPUT_TOKENS,
    Estimate,
    estimate_charge,
    estimate_prompt_tokens,
)
from gateway.domain import Endpoint, ModelGroup, Usage
from gateway.hooks import RequestContext
from gateway.settings import GeneralSettings

__all__ = ["estimate_request", "note_estimate", "usage_of_answer", "usage_of_stream"]

_BYTES_PER_TOKEN = 4


def estimate_request(context: RequestContext, group: ModelGroup, settings: GeneralSettings) -> Estimate:
    """Estimate a request to a group of deployments; raises MalformedBody."""
    expected = settings.default_estimated_output_tokens or DEFAULT_OUTPUT_TOKENS
    return estimate_charge(context.endpoint, context.body, group, expected)


def note_estimate(context: RequestContext, estimate: Estimate) -> None:
    """Write an estimate into the context, where claims and records read it."""
    context.estimated_cost_nanos = estimate.nanos
    context.estimated_input_tokens = estimate.input_tokens
    context.estimated_output_tokens = estimate.output_tokens
    context.estimated_tokens = estimate.input_tokens + estimate.output_tokens


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
