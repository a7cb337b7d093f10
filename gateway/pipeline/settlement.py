"""The end of an admitted request: exactly one settlement or release, and one record in the journal."""

from collections.abc import Awaitable, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from gateway.admission.hold import Want
from gateway.admission.places import NOTHING_TO_DO, NOWHERE, PlaceHold
from gateway.catalog.pricing import compute_charge
from gateway.domain import Charge, Completion, Deployment, ModelGroup, Usage
from gateway.errors import GatewayError, ServiceUnavailable, UpstreamError
from gateway.hooks import Admission, CallGuard, RequestContext
from gateway.pipeline.estimates import usage_of_stream
from gateway.pipeline.guarding import CallGuards
from gateway.pipeline.recording import hand_over
from gateway.pipeline.tool_names import list_offered
from gateway.pipeline.transcript import Transcript
from gateway.routing.router import PlaceSpentError, Routed
from gateway.runtime import Gateway, Snapshot
from gateway.spend.builder import NO_DETAILS, CallDetails

__all__ = ["Settlement", "record_refusal"]

_NO_USAGE = Usage()
_NO_TOKENS = (0, 0, 0)


class Settlement(msgspec.Struct, eq=False):
    """Turns the hold of one request into its cost; the first of its endings counts, later ones do nothing.

    With a `transcript` request and answer are noted for its row.
    """

    # A struct, for its constructor is not a Python function.

    _gateway: Gateway
    _snapshot: Snapshot
    context: RequestContext
    admission: Admission
    _details: CallDetails = NO_DETAILS
    transcript: Transcript | None = None
    guards: CallGuards | None = None
    tools_called: tuple[str, ...] = ()
    is_open: bool = True
    _place: PlaceHold = NOWHERE
    upstream_nanos: int = 0

    @property
    def is_placed(self) -> bool:
        """Whether places have budgets, so that every attempt must `enter` its own."""
        return self._gateway.parts.ledger.places.is_active

    async def watch(self, opened: Sequence[CallGuard]) -> None:
        """Have guards watch over the call from here on, and inspect the request. Raises GatewayError."""
        guards = self.guards = self.guards or CallGuards()
        if self.transcript is None and any(guard.open_record() for guard in opened):
            self.transcript = Transcript(self.context)
        await guards.begin(opened)

    async def enter(self, deployment: Deployment) -> None:
        """Hold the cost of an attempt on the budgets of its place, instead of the attempt before it.

        Raises PlaceSpentError where they were used up meanwhile, and ServiceUnavailable.
        """
        context, places = self.context, self._gateway.parts.ledger.places
        if self._place is not NOWHERE:
            last, self._place = self._place, NOWHERE
            await places.settle(last, (), 0)
        want = Want(context.principal, context.estimated_cost_nanos, _NO_TOKENS)
        held = await places.enter(deployment, want, context.charge_id)
        if held is None:
            raise PlaceSpentError(deployment.id)
        self._place = held

    async def charge(
        self,
        routed: Routed[Any],
        usage: Usage,
        request_id: str,
        *,
        first_byte_nanos: int | None = None,
        error: GatewayError | None = None,
        is_client_gone: bool = False,
    ) -> Charge:
        """Charge what was used; with an `error`, a request that failed after it had used something."""
        now = self._gateway.clock.now_nanos
        deployment, context, ended = routed.deployment, self.context, now()
        charge = compute_charge(self._snapshot.catalog.price_of(deployment, ended), usage)
        if not self.is_open:
            return charge
        self.is_open = False
        places = self._gateway.parts.ledger.places
        is_placed = places.is_active or self._place is not NOWHERE
        spent = places.charged_by(self._place, deployment) if is_placed else ()
        if spent:
            context.charged = places.join(context.charged, tuple(money.key for money in spent))
        if error is None and not usage.is_estimated and "n" not in context.body.members:
            self._gateway.parts.output_sizes.note(routed.group.name, usage.completion_tokens)
        # In the order of the members, not by their names: so many names take as long as all the rest.
        completion = Completion(
            context.charge_id,
            request_id or context.call_id,
            "failure" if error else "success",
            usage,
            charge,
            deployment.id,
            deployment.provider,
            deployment.model,
            context.started_nanos,
            ended,
            first_byte_nanos,
            self.upstream_nanos,
            routed.group.name,
            routed.attempted_retries,
            routed.attempted_fallbacks,
            error.type if error else None,
            error.message if error else None,
            is_client_gone,
        )
        # The record first: who is killed while limits are told leaves holds that are settled by it.
        self._record(completion, error)
        # Begun here, so that a cancellation while the other is awaited does not leave a hold behind.
        placed = places.settle(self._place, spent, charge.total) if is_placed else NOTHING_TO_DO
        await self.admission.settle(charge.total, usage.prompt_tokens, usage.completion_tokens)
        if is_placed:
            await placed
        return charge

    def note_progress(self, routed: Routed[Any], usage: Usage) -> None:
        """Write down what a stream has used so far; a disk that refuses leaves the note before this one."""
        if not self.is_open:
            return
        price = self._snapshot.catalog.price_of(routed.deployment, self._gateway.clock.now_nanos())
        nanos = compute_charge(price, usage).total
        with suppress(ServiceUnavailable):
            self._gateway.record_progress(self.context, self._details, nanos, usage.total_tokens)

    async def abandon(self, group: ModelGroup, error: GatewayError | None = None) -> None:
        """End a call that was stopped: its prompt is charged, more is not known.

        Without an `error` that says why, its client has left.
        """
        routed = Routed(
            value=None,
            deployment=group.deployments[0],
            group=group,
            attempted_retries=0,
            attempted_fallbacks=0,
        )
        gone = GatewayError("The client closed the connection.", status=499, type="client_disconnected")
        usage = usage_of_stream(self.context, 0)
        call_id = self.context.call_id
        await self.charge(routed, usage, call_id, error=error or gone, is_client_gone=error is None)

    async def fail(self, error: GatewayError) -> None:
        """End a request for which no provider charged anything; it still counts as a request."""
        if not self.is_open:
            return
        self.is_open = False
        self._record(self._unanswered(error), error)
        await self._end(self.admission.settle(0, 0, 0))

    async def release(self, error: GatewayError) -> None:
        """End a request that never left the gateway: it costs nothing and takes no slot."""
        if not self.is_open:
            return
        self.is_open = False
        self._record(self._unanswered(error), error)
        await self._end(self.admission.release())

    async def _end(self, ending: Awaitable[None]) -> None:
        """Leave the last place, and end what the request holds."""
        if self._place is NOWHERE:
            await ending
            return
        held, self._place = self._place, NOWHERE
        left = self._gateway.parts.ledger.places.settle(held, (), 0)
        await ending
        await left

    def _unanswered(self, error: GatewayError) -> Completion:
        """The end of a request for which nothing was charged."""
        context = self.context
        place = error.place if isinstance(error, UpstreamError) else None
        deployment_id, provider, model = place or (None, None, None)
        return Completion(
            charge_id=context.charge_id,
            request_id=context.call_id,
            status="failure",
            usage=_NO_USAGE,
            charge=Charge(),
            deployment_id=deployment_id,
            provider=provider,
            upstream_model=model,
            started_nanos=context.started_nanos,
            ended_nanos=self._gateway.clock.now_nanos(),
            upstream_nanos=self.upstream_nanos,
            model_group=context.model,
            error_type=error.type,
            error_message=error.message,
        )

    def _record(self, completion: Completion, error: GatewayError | None) -> None:
        details = self._details if error is None else _with_error(self._details, error)
        offered = list_offered(self.context.body)
        if offered or self.tools_called:
            details = msgspec.structs.replace(
                details, is_shared=False, tools_offered=offered, tools_called=self.tools_called
            )
        if self.transcript is not None:
            details = self.transcript.add_to(details)
        if self.guards is not None:
            if records := self.guards.open_records():
                inspections = self._gateway.parts.inspections
                is_stored = self._snapshot.settings.general.store_prompts_in_spend_logs
                details = hand_over(
                    inspections, records, self.context, completion, details, is_stored=is_stored
                )
            details = self.guards.end(details)
        self._gateway.record(self.context, completion, details)
        if self._snapshot.plugins.hooks.has_on_completion:
            _notify_completion(self._gateway, self._snapshot, self.context, completion)


def _notify_completion(
    gateway: Gateway, snapshot: Snapshot, context: RequestContext, completion: Completion
) -> None:
    """Tell the plugins, after the answer and without making it wait."""
    gateway.background(snapshot.hooks.on_completion(context, completion))


def record_refusal(
    gateway: Gateway,
    snapshot: Snapshot,
    context: RequestContext,
    error: GatewayError,
    details: CallDetails = NO_DETAILS,
) -> None:
    """Record a request of a known caller that was refused before it was admitted."""
    completion = Completion(
        charge_id=context.charge_id,
        request_id=context.call_id,
        status="failure",
        usage=_NO_USAGE,
        charge=Charge(),
        deployment_id=None,
        provider=None,
        upstream_model=None,
        started_nanos=context.started_nanos,
        ended_nanos=gateway.clock.now_nanos(),
        model_group=context.model,
        error_type=error.type,
        error_message=error.message,
    )
    gateway.record(context, completion, _with_error(details, error))
    if snapshot.hooks.has_on_completion:
        _notify_completion(gateway, snapshot, context, completion)


def _with_error(details: CallDetails, error: GatewayError) -> CallDetails:
    return msgspec.structs.replace(
        details, error_code=str(error.status), error_class=type(error).__name__, is_shared=False
    )
