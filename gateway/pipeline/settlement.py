"""The end of an admitted request: exactly one settlement or release, and one record in the journal."""

from typing import Any

import msgspec

from gateway.catalog.pricing import compute_charge
from gateway.domain import Charge, Completion, ModelGroup, Usage
from gateway.errors import GatewayError
from gateway.hooks import Admission, RequestContext
from gateway.pipeline.estimates import usage_of_stream
from gateway.pipeline.transcript import Transcript
from gateway.routing.router import Routed
from gateway.runtime import Gateway, Snapshot
from gateway.spend.builder import NO_DETAILS, CallDetails

__all__ = ["Settlement", "record_refusal"]

_NO_USAGE = Usage()


class Settlement:
    """Turns the hold of one request into its cost; the first of its endings counts, later ones do nothing."""

    __slots__ = (
        "_details",
        "_gateway",
        "_snapshot",
        "admission",
        "context",
        "is_open",
        "transcript",
        "upstream_nanos",
    )

    def __init__(
        self,
        gateway: Gateway,
        snapshot: Snapshot,
        context: RequestContext,
        admission: Admission,
        details: CallDetails = NO_DETAILS,
    ) -> None:
        self._gateway = gateway
        self._snapshot = snapshot
        self.context = context
        self.admission = admission
        self._details = details
        self.transcript = (
            Transcript(context) if snapshot.settings.general.store_prompts_in_spend_logs else None
        )
        self.is_open = True
        self.upstream_nanos = 0

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
        charge = compute_charge(
            self._snapshot.catalog.price_of(routed.deployment, self._gateway.clock.now_nanos()), usage
        )
        if not self.is_open:
            return charge
        self.is_open = False
        await self.admission.settle(charge.total, usage.total_tokens)
        completion = self._completion(
            usage, charge, request_id, routed, error, first_byte_nanos, is_client_gone=is_client_gone
        )
        self._record(completion, error)
        return charge

    async def abandon(self, group: ModelGroup) -> None:
        """End a call that was stopped as its client left: its prompt is charged, more is not known."""
        routed = Routed(
            value=None,
            deployment=group.deployments[0],
            group=group,
            attempted_retries=0,
            attempted_fallbacks=0,
        )
        gone = GatewayError("The client closed the connection.", status=499, type="client_disconnected")
        usage = usage_of_stream(self.context, 0)
        await self.charge(routed, usage, self.context.call_id, error=gone, is_client_gone=True)

    async def fail(self, error: GatewayError) -> None:
        """End a request for which no provider charged anything; it still counts as a request."""
        if not self.is_open:
            return
        self.is_open = False
        await self.admission.settle(0, 0)
        completion = self._completion(_NO_USAGE, Charge(), self.context.call_id, None, error, None)
        self._record(completion, error)

    async def release(self, error: GatewayError) -> None:
        """End a request that never left the gateway: it costs nothing and takes no slot."""
        if not self.is_open:
            return
        self.is_open = False
        await self.admission.release()
        completion = self._completion(_NO_USAGE, Charge(), self.context.call_id, None, error, None)
        self._record(completion, error)

    def _completion(
        self,
        usage: Usage,
        charge: Charge,
        request_id: str,
        routed: Routed[Any] | None,
        error: GatewayError | None,
        first_byte_nanos: int | None,
        *,
        is_client_gone: bool = False,
    ) -> Completion:
        deployment = routed.deployment if routed else None
        context = self.context
        return Completion(
            charge_id=context.charge_id,
            request_id=request_id or context.call_id,
            status="failure" if error else "success",
            usage=usage,
            charge=charge,
            deployment_id=deployment.id if deployment else None,
            provider=deployment.provider if deployment else None,
            upstream_model=deployment.model if deployment else None,
            started_nanos=context.started_nanos,
            ended_nanos=self._gateway.clock.now_nanos(),
            first_byte_nanos=first_byte_nanos,
            upstream_nanos=self.upstream_nanos,
            model_group=routed.group.name if routed else context.model,
            attempted_retries=routed.attempted_retries if routed else 0,
            attempted_fallbacks=routed.attempted_fallbacks if routed else 0,
            error_type=error.type if error else None,
            error_message=error.message if error else None,
            is_client_gone=is_client_gone,
        )

    def _record(self, completion: Completion, error: GatewayError | None) -> None:
        details = _with_error(self._details, error)
        if self.transcript is not None:
            details = self.transcript.add_to(details)
        self._gateway.record(self.context, completion, details)
        notify_completion(self._gateway, self._snapshot, self.context, completion)


def notify_completion(
    gateway: Gateway, snapshot: Snapshot, context: RequestContext, completion: Completion
) -> None:
    """Tell the plugins, after the answer and without making it wait."""
    if snapshot.hooks.has_on_completion:
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
    notify_completion(gateway, snapshot, context, completion)


def _with_error(details: CallDetails, error: GatewayError | None) -> CallDetails:
    if error is None:
        return details
    return msgspec.structs.replace(
        details, error_code=str(error.status), error_class=type(error).__name__, is_shared=False
    )
