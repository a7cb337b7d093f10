"""The routes of what may be spent on the models of an access group."""

from collections.abc import Callable
from typing import Any

import msgspec
from litestar import Request, Response, delete, get, put
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.identity.faults import Faults
from gateway.identity.services import Services
from gateway.identity.values import check_members
from gateway.inventory.access_groups.request import GroupBudgetRequest
from gateway.inventory.access_groups.service import configured_models
from gateway.inventory.config.service import Field
from gateway.inventory.services import Inventory
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.freshness import bring_up_to_date
from gateway.manage.raw_errors import RAW_ERRORS, raw_errors
from gateway.manage.stored_settings import refuse_unread
from gateway.money import nanos_from_usd, usd_from_nanos
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Resource
from gateway.pipeline.place_budgets import PlaceStanding, list_group_budgets
from gateway.runtime import Gateway
from gateway.settings.budgets import BudgetSetting

__all__ = ["ROUTE_HANDLERS", "forget_budget", "show_budget"]

_PATH, _NAME = "/access_group/{access_group:str}/budget", "/access_group/{access_group}/budget"
_SET = BodyReader(GroupBudgetRequest)
_Budgets = dict[str, Any]
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]
_Services = NamedDependency[Services]


@get(
    _PATH,
    opt={"rule": RouteRule(name=_NAME, permit=allow(Resource.ACCESS_GROUP, Action.READ))},
    exception_handlers=RAW_ERRORS,
)
async def get_budget(
    gateway: _Gateway, inventory: _Inventory, access_group: FromPath[str]
) -> Response[dict[str, Any]]:
    """Show what may be spent on a group of models, and what was."""
    with raw_errors():
        await _check_group(gateway, inventory, access_group)
        await bring_up_to_date(gateway)
        standing = (await list_group_budgets(gateway)).get(access_group)
    return Response({"access_group": access_group, **show_budget(standing)})


@put(
    _PATH,
    status_code=200,
    opt={
        "rule": RouteRule(
            name=_NAME, permit=allow(Resource.ACCESS_GROUP, Action.UPDATE), body=GroupBudgetRequest
        )
    },
    exception_handlers=RAW_ERRORS,
)
async def set_budget(
    request: _Request,
    caller: _Caller,
    gateway: _Gateway,
    inventory: _Inventory,
    services: _Services,
    access_group: FromPath[str],
) -> Answer:
    """Bound what may be spent on a group of models, from the next second on."""
    body = await _SET.read_from(request)
    with raw_errors():
        refuse_unread(gateway)
        await _check_group(gateway, inventory, access_group)
        wanted = await _resolve(services, body.value)
        await _edit(caller, gateway, inventory, lambda budgets: {**budgets, access_group: wanted})
        await bring_up_to_date(gateway)
        budget = BudgetSetting(nanos_from_usd(wanted["budget_limit"]), wanted.get("time_period", ""))
        made = (await list_group_budgets(gateway, {access_group: budget}))[access_group]
    return answer({"access_group": access_group, **show_budget(made)}, body)


@delete(
    _PATH,
    status_code=200,
    opt={"rule": RouteRule(name=_NAME, permit=allow(Resource.ACCESS_GROUP, Action.DELETE))},
    exception_handlers=RAW_ERRORS,
)
async def delete_budget(
    caller: _Caller, gateway: _Gateway, inventory: _Inventory, access_group: FromPath[str]
) -> Response[dict[str, Any]]:
    """Let a group of models have no budget any more."""
    with raw_errors():
        refuse_unread(gateway)
        await _check_group(gateway, inventory, access_group)
        was_there = await forget_budget(caller, gateway, inventory, access_group)
    message = f"Budget of access group '{access_group}' deleted successfully"
    if not was_there:
        message = f"Access group '{access_group}' has no budget"
    return Response({"access_group": access_group, "budget_deleted": was_there, "message": message})


async def forget_budget(caller: Principal, gateway: Gateway, inventory: Inventory, group: str) -> bool:
    """Take a group's budget away; whether it had one. Raises DatabaseUnavailable."""
    had: list[str] = []

    def change(budgets: _Budgets) -> _Budgets:
        had.extend(name for name in budgets if name == group)
        return {name: budget for name, budget in budgets.items() if name != group}

    await _edit(caller, gateway, inventory, change)
    return bool(had)


def show_budget(standing: PlaceStanding | None) -> dict[str, object]:
    """The members `spend` and `budget` of an access group; null without a budget."""
    if standing is None:
        return {"spend": None, "budget": None}
    budget = {
        "budget_id": None,
        "max_budget": standing.limit,
        "soft_budget": None,
        "budget_duration": standing.period,
        "budget_reset_at": standing.resets_at,
    }
    return {"spend": standing.spend, "budget": budget}


async def _check_group(gateway: Gateway, inventory: Inventory, group: str) -> None:
    """Raise NotFound for a group that no model carries."""
    configured = configured_models(gateway.snapshot.catalog.listings())
    await inventory.model_access_groups.info(group, configured)


async def _resolve(services: Services, request: GroupBudgetRequest) -> dict[str, Any]:
    """The budget as the setting has it: what was sent, and of a named row what was not."""
    faults = Faults()
    sent = {name: value for name, value in msgspec.structs.asdict(request).items() if value is not None}
    check_members(faults, sent)
    if "soft_budget" in sent:
        faults.add("soft_budget", "Budgets of access groups have no warning. Leave it out.")
    faults.refuse()
    row: dict[str, Any] = {}
    if request.budget_id is not None:
        rows = await services.budgets.info([request.budget_id])
        if not rows:
            faults.add("budget_id", f"Budget not found. Budget ID: {request.budget_id}")
        row = rows[0] if rows else {}
    limit = sent.get("max_budget", row.get("max_budget"))
    if limit is None:
        faults.add("max_budget", "Say how many US dollars may be spent.")
    faults.refuse()
    period = sent.get("budget_duration", row.get("budget_duration"))
    return {"budget_limit": limit, **({"time_period": period} if period else {})}


async def _edit(
    caller: Principal, gateway: Gateway, inventory: Inventory, change: Callable[[_Budgets], _Budgets]
) -> None:
    configured: _Budgets = {
        name: {
            "budget_limit": usd_from_nanos(budget.nanos),
            **({"time_period": budget.period} if budget.period else {}),
        }
        for name, budget in gateway.snapshot.settings.router.access_group_budgets.items()
    }
    field = Field("router_settings", "access_group_budget_config", configured)
    await inventory.config.edit(caller, field, change, gateway.check_overlay)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (get_budget, set_budget, delete_budget)
