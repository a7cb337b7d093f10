"""On whose account guardrails are tried out: that of whoever asks for it."""

from typing import Any

from litestar import Request

from gateway.domain import Endpoint, Principal
from gateway.guardrails.trial import TrialRun, begin_trial
from gateway.hooks import RequestBody, RequestContext
from gateway.ids import new_charge_id
from gateway.manage.login import head_of
from gateway.runtime import Gateway

__all__ = ["trial_run_of"]


def trial_run_of(gateway: Gateway, caller: Principal, request: Request[Any, Any, Any]) -> TrialRun:
    """Guardrails that ask models do so as on a call of the caller, who pays for it."""
    charge_id, clock = new_charge_id(), gateway.clock
    head = head_of(request)
    context = RequestContext(
        head=head,
        principal=caller,
        endpoint=Endpoint.CHAT,
        body=RequestBody({}),
        model="",
        is_stream=False,
        call_id=charge_id,
        charge_id=charge_id,
        started_nanos=clock.now_nanos(),
        started_monotonic=clock.monotonic_nanos(),
        client_address=gateway.snapshot.core.gate.client_of(head),
    )
    return begin_trial(context, clock, gateway.parts.questions)
