"""What a request may come to, and what was used where no provider says it."""

from collections.abc import Mapping
from typing import cast

import msgspec

from gateway.catalog.bounds import bound_charge, bound_tokens
from gateway.catalog.estimate import Estimate, estimate_charge, estimate_prompt_tokens
from gateway.catalog.output_sizes import OutputSizes
from gateway.domain import Deployment, Endpoint, ModelGroup, Usage
from gateway.hooks import RequestContext
from gateway.settings import Settings

__all__ = [
    "estimate_request",
    "limit_member",
    "most_tokens",
    "note_estimate",
    "usage_of_answer",
    "usage_of_stream",
]

_BYTES_PER_TOKEN = 4
_OPENAI = frozenset({"openai", "azure"})
"""Providers whose reasoning models refuse `max_tokens`."""


def estimate_request(
    context: RequestContext, group: ModelGroup, settings: Settings, sizes: OutputSizes
) -> Estimate:
    """Estimate a request to a group of deployments; raises MalformedBody.

    In strict mode its cost is the most that it can come to, and the body gets a bound on the answer where
    nothing else bounds it.
    """
    principal = context.principal
    says_anything = principal.metadata or principal.team_metadata
    expected = (
        (_expected_by_owner(context) if says_anything else None)
        or settings.general.default_estimated_output_tokens
        or sizes.expected(group.name)
    )
    # `_read_again` spelled out.
    again = 0 if context.previous is None else context.previous.tokens
    estimate = estimate_charge(context.endpoint, context.body, group, expected, again)
    if settings.gatewright.budget_mode != "strict":
        return estimate
    bound = bound_charge(context.endpoint, context.body, group, again)
    if bound.added_output_tokens is not None:
        context.body.write(limit_member(context.endpoint, group), bound.added_output_tokens)
    return msgspec.structs.replace(estimate, nanos=bound.nanos)


def most_tokens(context: RequestContext, deployment: Deployment, settings: Settings) -> int:
    """What the provider reads again of a request that is being answered; in strict mode, at the very most."""
    if settings.gatewright.budget_mode != "strict":
        return context.estimated_tokens
    return bound_tokens(context.endpoint, context.body, deployment) + _read_again(context)


def _read_again(context: RequestContext) -> int:
    return 0 if context.previous is None else context.previous.tokens


def _expected_by_owner(context: RequestContext) -> int | None:
    """What the metadata of key or team expects of an answer; values of another kind say nothing."""
    principal = context.principal
    for metadata in (principal.metadata, principal.team_metadata):
        per_model = metadata.get("default_estimated_output_tokens_per_model")
        is_mapping = isinstance(per_model, dict)
        of_model = (
            cast("Mapping[str, object]", per_model).get(context.model) if is_mapping else None
        )  # of JSON
        for value in (of_model, metadata.get("default_estimated_output_tokens")):
            if isinstance(value, int) and not isinstance(value, bool) and value > 0:
                return value
    return None


def limit_member(endpoint: Endpoint, group: ModelGroup) -> str:
    """The name under which all deployments of a group take a bound on the answer."""
    if endpoint is Endpoint.RESPONSES:
        return "max_output_tokens"
    is_openai = all(deployment.provider in _OPENAI for deployment in group.deployments)
    return "max_completion_tokens" if is_openai and endpoint is Endpoint.CHAT else "max_tokens"


def note_estimate(context: RequestContext, estimate: Estimate) -> None:
    """Write an estimate into the context, where claims and records read it."""
    context.estimated_cost_nanos = estimate.nanos
    context.estimated_input_nanos = estimate.input_nanos
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
        prompt_tokens=estimate_prompt_tokens(context.endpoint, context.body) + _read_again(context),
        completion_tokens=completion_tokens,
        is_estimated=True,
    )
