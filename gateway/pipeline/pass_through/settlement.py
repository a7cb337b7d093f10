"""The end of an admitted request of a pass-through: one settlement, one record."""

import msgspec

from gateway.domain import Charge, Completion, Usage
from gateway.errors import GatewayError
from gateway.hooks import Admission, RequestContext
from gateway.pipeline.guarding import CallGuards
from gateway.pipeline.pass_through.arguments import record_arguments
from gateway.pipeline.recording import hand_over
from gateway.runtime import Gateway, Snapshot
from gateway.spend.builder import CallDetails

__all__ = ["PassThroughSettlement"]

_NO_USAGE = Usage()


class PassThroughSettlement:
    """Turns the hold of one request into its price; the first of its endings counts, others do nothing."""

    def __init__(
        self,
        gateway: Gateway,
        snapshot: Snapshot,
        context: RequestContext,
        admission: Admission,
        details: CallDetails,
    ) -> None:
        self._gateway = gateway
        self._snapshot = snapshot
        self._context = context
        self._details = details
        self.admission = admission
        self.is_open = True
        self.upstream_nanos = 0
        self.first_byte_nanos: int | None = None
        self.guards: CallGuards | None = None
        self.stopped = ""
        """How far the call had come when it was refused beside it, as `CallDetails` says."""

    async def charge(self, error: GatewayError | None = None, *, is_client_gone: bool = False) -> None:
        """Charge the price of the request; an `error` says what failed after the target had worked on it."""
        await self._end(self._context.cost_nanos, error, is_client_gone=is_client_gone)

    async def fail(self, error: GatewayError, *, is_client_gone: bool = False) -> None:
        """End a request that the target did not answer, or refused: it costs nothing."""
        await self._end(0, error, is_client_gone=is_client_gone)

    async def _end(self, nanos: int, error: GatewayError | None, *, is_client_gone: bool) -> None:
        if not self.is_open:
            return
        self.is_open = False
        gateway, context, details = self._gateway, self._context, self._details
        error = error or context.failed
        completion = self._completion(nanos, error, is_client_gone=is_client_gone)
        if error is not None:
            details = msgspec.structs.replace(
                details,
                error_code=str(error.status),
                error_class=type(error).__name__,
                stopped=self.stopped,
                is_shared=False,
            )
        if self._snapshot.settings.general.store_prompts_in_spend_logs:
            details = self._with_arguments(completion, details)
        if self.guards is not None:
            details = self.guards.end(details)
        # The record first: who is killed while limits are told leaves holds that are settled by it.
        gateway.record(context, completion, details)
        hooks = self._snapshot.pass_through_hooks
        if hooks.has_on_completion:
            gateway.background(hooks.on_completion(context, completion))
        await self.admission.settle(nanos, 0, 0)

    def _with_arguments(self, completion: Completion, details: CallDetails) -> CallDetails:
        """The details with the arguments of a call by MCP; guardrails of records are shown them first."""
        call, arguments = self._context.tool_call, record_arguments(self._context)
        if call is None or arguments is None:
            return details
        records = [] if self.guards is None else self.guards.open_records()
        if not records:
            return msgspec.structs.replace(details, tool_arguments=arguments, is_shared=False)
        asked = msgspec.Raw(msgspec.json.encode({"name": call.name, "arguments": arguments}))
        shown = msgspec.structs.replace(details, proxy_server_request=asked)
        inspections = self._gateway.parts.inspections
        return hand_over(inspections, records, self._context, completion, shown, is_stored=True)

    def _completion(self, nanos: int, error: GatewayError | None, *, is_client_gone: bool) -> Completion:
        context = self._context
        return Completion(
            charge_id=context.charge_id,
            request_id=context.call_id,
            status="failure" if error else "success",
            usage=_NO_USAGE,
            charge=Charge(total=nanos, per_request=nanos),
            deployment_id=None,
            provider=None,
            upstream_model=None,
            started_nanos=context.started_nanos,
            ended_nanos=self._gateway.clock.now_nanos(),
            first_byte_nanos=self.first_byte_nanos,
            upstream_nanos=self.upstream_nanos,
            model_group=context.model,
            error_type=error.type if error else None,
            error_message=error.message if error else None,
            is_client_gone=is_client_gone,
        )
