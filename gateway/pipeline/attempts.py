"""The attempts of one request: how it is put to a deployment, and which deployments may be tried."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import msgspec

from gateway.access.fallbacks import is_limited_apart
from gateway.access.reach import find_group
from gateway.catalog.priced import has_price
from gateway.domain import Deployment, ModelGroup
from gateway.errors import BadRequest, GatewayError, GuardrailBlocked, ModelAccessDenied, UpstreamNotFound
from gateway.pipeline.call import Call
from gateway.pipeline.estimates import estimate_request
from gateway.pipeline.guarding import CallGuards, list_guardrails
from gateway.pipeline.previous import PREVIOUS, tell_provider
from gateway.pipeline.refusing import hear_beside
from gateway.pipeline.sending import Answered, ask_once
from gateway.pipeline.wishes import NO_WISHES, Wishes, read_wishes
from gateway.routing.router import Routed, RoutePlan
from gateway.upstream.client import UpstreamRequest
from gateway.upstream.dialect import CallBounds, asks_for_stream_usage, build_upstream_request

__all__ = ["Attempts"]

_Value = TypeVar("_Value")


class Attempts:
    """Runs one request through the router; raises BadRequest at once for wishes that cannot be met."""

    __slots__ = ("_bounds", "_call", "_wished", "context", "group", "wishes")

    def __init__(self, call: Call) -> None:
        self._call = call
        self.context = call.context
        self.group = call.group
        self.wishes = read_wishes(call.context)
        self._wished: dict[str, str] = {}
        # Most callers wish for nothing, and are not worth a call.
        usual = call.snapshot.bounds
        self._bounds = usual if self.wishes is NO_WISHES else _bounds(usual, self.wishes)

    @property
    def wants_usage(self) -> bool:
        """Whether the client of a stream gets the chunk that tells its usage."""
        always = self._call.snapshot.settings.litellm.always_include_stream_usage
        return always or asks_for_stream_usage(self.context.body)

    def run(
        self, attempt: Callable[[Deployment, ModelGroup], Awaitable[_Value]]
    ) -> Awaitable[Routed[_Value]]:
        """Try deployments until one answers; awaiting it raises the last UpstreamError."""
        if self.context.previous is not None:
            attempt = partial(self._go_on, attempt)
        return self._call.snapshot.router.route(self.group, attempt, self._build_plan)

    async def _go_on(
        self,
        attempt: Callable[[Deployment, ModelGroup], Awaitable[_Value]],
        deployment: Deployment,
        tried: ModelGroup,
    ) -> _Value:
        """Go on from a stored response; that it is gone says nothing against the deployment."""
        try:
            return await attempt(deployment, tried)
        except UpstreamNotFound as error:
            raise BadRequest(error.message, param=PREVIOUS) from None

    async def _build_plan(self) -> RoutePlan:
        await self._resolve_wished()
        return RoutePlan(
            group=self.group,
            find_group=self._find_group,
            may_use=self._may_use,
            client_fallbacks=None if self.wishes.fallbacks is None else tuple(self._wished),
            uses_fallbacks=self.wishes.uses_fallbacks and not self._is_bound,
            num_retries=self.wishes.num_retries,
        )

    @property
    def _is_bound(self) -> bool:
        """Whether no other model can answer: it does not know what the request goes on from.

        And what a request chose itself is for the model that it named, and goes to no other provider.
        """
        return self.context.client_choice is not None or self.context.previous is not None

    def build_request(self, deployment: Deployment) -> UpstreamRequest:
        """Build the request to one deployment."""
        body, previous = self.context.body, self.context.previous
        return build_upstream_request(
            deployment,
            self.context.endpoint,
            body if previous is None else tell_provider(body, previous),
            is_stream=self.context.is_stream,
            bounds=self._bounds,
        )

    def ask(self, deployment: Deployment, tried: ModelGroup) -> Awaitable[Answered]:
        """Ask a deployment once for an answer that comes whole; raises as `ask_once`."""
        call = self._call
        shown = self.context.model if tried is self.group else self.shown_model(tried)
        return ask_once(call.gateway, call.settlement, deployment, self.build_request(deployment), shown)

    def shown_model(self, group: ModelGroup) -> str:
        """Return the name in the answer: the one that the client asked for, except after a fallback."""
        return self.context.model if group.name == self.group.name else group.name

    async def _may_use(self, name: str) -> bool:
        """Whether a fallback may be tried: the caller may use it, and its budgets have room for it.

        Names that the client chose are checked. The operator's own fallbacks lead where the operator wants,
        unless `enforce_fallback_model_access` says that they open nothing either.
        """
        context = self.context
        is_checked = name in self._wished or self._call.snapshot.settings.access.enforce_fallback_model_access
        if is_checked and not await self._is_granted(name):
            return False
        if name in self._wished and is_limited_apart(context, name, self._wished[name]):
            return False
        group = self._find_group(name)
        if group is None or self._lacks_price(group):
            return False
        sizes = self._call.gateway.parts.output_sizes
        nanos = estimate_request(context, group, self._call.snapshot.settings, sizes).nanos
        dearer = nanos - context.estimated_cost_nanos
        if dearer > 0:
            if not await self._call.settlement.admission.extend(dearer):
                return False
            context.estimated_cost_nanos = nanos
        snapshot = self._call.snapshot
        if snapshot.catalog.has_guarded_models or snapshot.core.policies.looks_at_models:
            await self._guard(group, always=snapshot.core.policies.looks_at_models)
        return True

    async def _guard(self, group: ModelGroup, *, always: bool) -> None:
        """Have the request inspected by those guardrails of a fallback that have not seen it yet.

        They are looked for `always` where policies may say more of this model. Raises as they do: what may
        not go to a model is refused, and not tried elsewhere.
        """
        hooks, context, settlement = self._call.snapshot.hooks, self.context, self._call.settlement
        guards, names = settlement.guards or CallGuards(), list_guardrails(group)
        if not always and (not names or set(names) <= set(guards.names)):
            return
        context.guardrails, context.guarded_by = names, guards.names
        asked = context.routed_model
        context.routed_model = group.name
        try:
            opened = await hooks.open_guards(context)
        finally:
            context.routed_model = asked
        if opened:
            await settlement.watch(opened)
            if settlement.guards is not None:
                await hear_beside(self._call, settlement.guards)
        if context.own_answer is not None:
            # It came too late to be an answer of the model that was asked.
            raise GuardrailBlocked(context.own_answer)

    def _find_group(self, name: str) -> ModelGroup | None:
        """Find what the request may reach of a fallback's deployments."""
        context = self.context
        try:
            return find_group(self._call.snapshot.catalog, name, context.principal, context.subjects)
        except ModelAccessDenied:
            return None

    def _lacks_price(self, group: ModelGroup) -> bool:
        """Whether the operator closes models without a price, and this is one."""
        snapshot = self._call.snapshot
        return snapshot.settings.litellm.block_requests_for_models_without_pricing and not has_price(
            snapshot.catalog, group, self.context.started_nanos
        )

    async def _resolve_wished(self) -> None:
        """Follow the aliases of the models that the caller wishes for, as for the model itself."""
        for name in self.wishes.fallbacks or ():
            resolved = await self._call.snapshot.hooks.resolve_model(name, self.context)
            self._wished.setdefault(resolved, name)

    async def _is_granted(self, name: str) -> bool:
        """Whether the checks of a request would let the caller ask for this model by itself."""
        context = self.context
        before = context.model, context.routed_model
        context.model, context.routed_model = self._wished.get(name, name), name
        try:
            await self._call.snapshot.hooks.authorize(context)
        except GatewayError:
            return False
        finally:
            context.model, context.routed_model = before
        return True


def _bounds(usual: CallBounds, wishes: Wishes) -> CallBounds:
    if wishes.timeout_seconds is None and wishes.silence_seconds is None:
        return usual
    return msgspec.structs.replace(
        usual, timeout_seconds=wishes.timeout_seconds, silence_seconds=wishes.silence_seconds
    )
