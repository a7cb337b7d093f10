"""From a request that was read to one that may go upstream: checks, estimate, admission."""

from collections.abc import Awaitable, Callable

from gateway.access.reach import default_model_of, find_group
from gateway.catalog.client_choice import follow_choice
from gateway.catalog.priced import check_priced
from gateway.domain import ModelGroup
from gateway.errors import BudgetExceeded, GatewayError, ModelAccessDenied, UnknownModel
from gateway.hooks import RequestContext
from gateway.pipeline.estimates import estimate_request, note_estimate
from gateway.pipeline.guarding import list_guardrails
from gateway.pipeline.previous import keep_place
from gateway.pipeline.settlement import Settlement
from gateway.pipeline.transcript import Transcript
from gateway.runtime import Gateway, Snapshot
from gateway.spend.builder import CallDetails

__all__ = ["admit_request", "authorize_request", "hold_request", "turn_to_default", "unknown_model"]


async def admit_request(
    gateway: Gateway, snapshot: Snapshot, context: RequestContext, details: CallDetails
) -> tuple[ModelGroup, Settlement]:
    """Check a request and take what it needs of all limits; return where it goes and how it is settled.

    Raises GatewayError, with nothing taken.
    """
    group = await authorize_request(gateway, snapshot, context, details)
    try:
        return group, await hold_request(gateway, snapshot, context, group, details)
    except BudgetExceeded as refused:
        return await _fall_back(gateway, snapshot, context, details, refused)


async def authorize_request(
    gateway: Gateway, snapshot: Snapshot, context: RequestContext, details: CallDetails
) -> ModelGroup:
    """Check whether a request may be made at all; return where it goes. Raises GatewayError."""
    hooks, named = snapshot.plugins.hooks, details.extra_scopes
    resolve_model, authorize = hooks.resolve_model, hooks.authorize
    if named or context.principal.agent_rules is not None:
        context.subjects = await gateway.parts.subjects.find(context.principal, named, details.session_id)
    resolved = await resolve_model(context.model, context)
    if resolved is not context.routed_model:
        context.routed_model = resolved
    await authorize(context)
    try:
        group = find_group(snapshot.catalog, context.routed_model, context.principal, context.subjects)
    except ModelAccessDenied as error:
        group = await turn_to_default(snapshot, context, error, authorize)
    if group is None:
        raise unknown_model(context)
    is_free = snapshot.catalog.is_free(context.routed_model, context.started_nanos)
    if is_free is not context.is_free:
        context.is_free = is_free
    if context.client_choice is not None:
        group = follow_choice(group, context.client_choice)
    if context.previous is not None:
        group = keep_place(group, context.previous)
    if snapshot.settings.litellm.block_requests_for_models_without_pricing:
        check_priced(snapshot.catalog, group, context.started_nanos)
    if snapshot.catalog.has_guarded_models:
        context.guardrails = list_guardrails(group)
    return group


def unknown_model(context: RequestContext) -> UnknownModel:
    """Build the refusal of a model that is not there, or not for this caller."""
    return UnknownModel(
        f"/{context.endpoint.value}: Invalid model name passed in model={context.model[:200]}. "
        "Call `/v1/models` to view available models for your key.",
        param="model",
    )


async def turn_to_default(
    snapshot: Snapshot,
    context: RequestContext,
    error: ModelAccessDenied,
    authorize: Callable[[RequestContext], Awaitable[None]],
) -> ModelGroup | None:
    """Take the end user's own model in the place of one that is not in its region; `authorize` checks it.

    Raises `error` where there is none, else as `find_group`.
    """
    default = default_model_of(context.subjects)
    if default is None:
        raise error
    context.model, context.routed_model = default, await snapshot.hooks.resolve_model(default, context)
    await authorize(context)
    return find_group(snapshot.catalog, context.routed_model, context.principal, context.subjects)


async def hold_request(
    gateway: Gateway, snapshot: Snapshot, context: RequestContext, group: ModelGroup, details: CallDetails
) -> Settlement:
    """Hold what a checked request is likely to cost. Raises GatewayError, with nothing taken."""
    hooks = snapshot.plugins.hooks
    collect_claims, admit = hooks.collect_claims, hooks.admit
    estimate = estimate_request(context, group, snapshot.settings, gateway.parts.output_sizes)
    note_estimate(context, estimate)
    claims = await collect_claims(context)
    admission = await admit(context, claims)
    if admission is None:
        raise GatewayError("No plugin admits requests; the gateway's own admission was replaced by nothing.")
    settlement = Settlement(gateway, snapshot, context, admission, details)
    if snapshot.settings.general.store_prompts_in_spend_logs:
        settlement.transcript = Transcript(context)
    try:
        gateway.record_opened(context, details)
    except GatewayError:
        await admission.release()
        raise
    return settlement


async def _fall_back(
    gateway: Gateway,
    snapshot: Snapshot,
    context: RequestContext,
    details: CallDetails,
    refused: BudgetExceeded,
) -> tuple[ModelGroup, Settlement]:
    """Admit a request to a model that the key names for when its budget of the asked one is used up.

    Raises `refused` where no such model may be used either, or where another budget refused, and where the
    request goes on from a response that no other model knows.
    """
    if context.previous is not None:
        raise refused
    asked = context.model, context.routed_model
    for name in context.principal.budget_fallbacks.get(refused.key_model or "", ()):
        context.model = name
        try:
            group = await authorize_request(gateway, snapshot, context, details)
            return group, await hold_request(gateway, snapshot, context, group, details)
        except (BudgetExceeded, ModelAccessDenied, UnknownModel):
            continue
    context.model, context.routed_model = asked
    raise refused
