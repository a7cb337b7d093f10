"""The routes of guardrails."""

from typing import Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.audit.masking import mask
from gateway.domain import Principal, Role
from gateway.guardrails.choice import Installed
from gateway.guardrails.trial import TrialRequest, try_guardrail
from gateway.ids import new_id
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_OVERSEERS = frozenset({Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER})
_TRY = BodyReader(TrialRequest)
_LISTS = ["/guardrails/list", "/v2/guardrails/list"]
_TRIALS = ["/guardrails/apply_guardrail", "/apply_guardrail"]
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]


@get(
    _LISTS,
    opt={
        "rule": RouteRule(
            name="/guardrails/list",
            permit=allow(Resource.GUARDRAIL, Action.READ, Party.CALLER),
            allows_any_key=True,
        )
    },
)
async def list_guardrails(caller: _Caller, gateway: _Gateway) -> dict[str, object]:
    """List the guardrails that are set up; administrators see their parameters, with secrets masked."""
    may_look = caller.role in _OVERSEERS
    return {"guardrails": [_show(item, may_look=may_look) for item in gateway.snapshot.core.guardrails]}


@post(
    _TRIALS,
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/guardrails/apply_guardrail",
            permit=allow(Resource.GUARDRAIL, Action.RUN),
            body=TrialRequest,
        )
    },
)
async def try_out(request: _Request, gateway: _Gateway) -> Answer:
    """Show a text to a guardrail, and answer what it leaves of it."""
    body = await _TRY.read_from(request)
    installed = gateway.snapshot.core.guardrails
    text = await try_guardrail(installed, body.value, new_id(), gateway.clock)
    return answer({"response_text": text}, body)


def _show(installed: Installed, *, may_look: bool) -> dict[str, object]:
    entry = installed.entry
    params: dict[str, object] = {
        "guardrail": entry.kind,
        "mode": sorted(entry.modes),
        "default_on": entry.is_default,
    }
    if may_look:
        params |= mask(entry.params)
    return {
        "guardrail_id": None,
        "guardrail_name": entry.name,
        "litellm_params": params,
        "guardrail_info": entry.info,
        "guardrail_definition_location": "config",
        "created_at": None,
        "updated_at": None,
    }


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (list_guardrails, try_out)
