"""The routes of guardrails."""

from typing import Any

from litestar import Request, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.access.rules import RouteRule
from gateway.domain import Principal, Role
from gateway.guardrails.choice import Installed
from gateway.guardrails.trial import TrialRequest, try_guardrail
from gateway.inventory.guardrails.request import NewGuardrailRequest, PatchGuardrailRequest
from gateway.inventory.guardrails.rules import Surroundings, mask_guardrail, shown_info
from gateway.inventory.services import Inventory
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.guardrail_trials import trial_run_of
from gateway.manage.stored_settings import configured_names, refuse_unread
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_OVERSEERS = frozenset({Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER})
_TRY = BodyReader(TrialRequest)
_NEW = BodyReader(NewGuardrailRequest)
_PATCH = BodyReader(PatchGuardrailRequest)
_ONE = "/guardrails/{guardrail_id}"
_LISTS = ["/guardrails/list", "/v2/guardrails/list"]
_TRIALS = ["/guardrails/apply_guardrail", "/apply_guardrail"]
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]


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
async def try_out(request: _Request, caller: _Caller, gateway: _Gateway) -> Answer:
    """Show a text to a guardrail, and answer what it leaves of it; the caller pays what it asks."""
    body = await _TRY.read_from(request)
    installed = gateway.snapshot.core.guardrails
    text = await try_guardrail(installed, body.value, trial_run_of(gateway, caller, request))
    return answer({"response_text": text}, body)


@post(
    "/guardrails",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/guardrails", permit=allow(Resource.GUARDRAIL, Action.CREATE), body=NewGuardrailRequest
        )
    },
)
async def make_guardrail(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> Answer:
    """Store a guardrail, which runs on every worker within a second."""
    refuse_unread(gateway)
    body = await _NEW.read_from(request)
    return answer(await inventory.guardrails.create(caller, body.value.guardrail, _around(gateway)), body)


@get(
    ["/guardrails/{guardrail_id:str}", "/guardrails/{guardrail_id:str}/info"],
    opt={"rule": RouteRule(name=_ONE, permit=allow(Resource.GUARDRAIL, Action.READ))},
)
async def show_guardrail(inventory: _Inventory, guardrail_id: FromPath[str]) -> dict[str, Any]:
    """Show a guardrail of the database, with secrets masked."""
    return await inventory.guardrails.find(guardrail_id)


@put(
    "/guardrails/{guardrail_id:str}",
    status_code=200,
    opt={
        "rule": RouteRule(
            name=_ONE, permit=allow(Resource.GUARDRAIL, Action.UPDATE), body=NewGuardrailRequest
        )
    },
)
async def replace_guardrail(
    request: _Request,
    caller: _Caller,
    gateway: _Gateway,
    inventory: _Inventory,
    guardrail_id: FromPath[str],
) -> Answer:
    """Replace a guardrail of the database."""
    refuse_unread(gateway)
    body = await _NEW.read_from(request)
    changed = await inventory.guardrails.replace(caller, guardrail_id, body.value.guardrail, _around(gateway))
    return answer(changed, body)


@patch(
    "/guardrails/{guardrail_id:str}",
    status_code=200,
    opt={
        "rule": RouteRule(
            name=_ONE, permit=allow(Resource.GUARDRAIL, Action.UPDATE), body=PatchGuardrailRequest
        )
    },
)
async def update_guardrail(
    request: _Request,
    caller: _Caller,
    gateway: _Gateway,
    inventory: _Inventory,
    guardrail_id: FromPath[str],
) -> Answer:
    """Change what is sent of a guardrail of the database."""
    refuse_unread(gateway)
    body = await _PATCH.read_from(request)
    return answer(await inventory.guardrails.patch(caller, guardrail_id, body.value, _around(gateway)), body)


@delete(
    "/guardrails/{guardrail_id:str}",
    status_code=200,
    opt={"rule": RouteRule(name=_ONE, permit=allow(Resource.GUARDRAIL, Action.DELETE))},
)
async def delete_guardrail(
    caller: _Caller, inventory: _Inventory, guardrail_id: FromPath[str]
) -> dict[str, Any]:
    """Delete a guardrail of the database."""
    return await inventory.guardrails.delete(caller, guardrail_id)


def _around(gateway: Gateway) -> Surroundings:
    return Surroundings(configured_names(gateway), gateway.parts.added.environ)


def _show(installed: Installed, *, may_look: bool) -> dict[str, object]:
    entry, row = installed.entry, installed.row
    params: dict[str, object] = {
        "guardrail": entry.kind,
        "mode": sorted(entry.modes),
        "default_on": entry.is_default,
    }
    if may_look:
        params |= mask_guardrail(entry.params)
    return {
        "guardrail_id": None if row is None else row.guardrail_id,
        "guardrail_name": entry.name,
        "litellm_params": params,
        "guardrail_info": shown_info(entry.info),
        "guardrail_definition_location": "config" if row is None else "db",
        "created_at": None if row is None else row.created_at,
        "updated_at": None if row is None else row.updated_at,
    }


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    list_guardrails,
    try_out,
    make_guardrail,
    show_guardrail,
    replace_guardrail,
    update_guardrail,
    delete_guardrail,
)
