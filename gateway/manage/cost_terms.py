"""The routes of what is taken off the prices of providers, and put on them."""

from typing import Any

from litestar import Request, get, patch
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.inventory.config.cost_terms import (
    DISCOUNTS,
    MARGINS,
    DiscountRequest,
    MarginRequest,
    show_discounts,
    show_margins,
    stated,
)
from gateway.inventory.services import Inventory
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader, ReadBody
from gateway.manage.stored_settings import refuse_unread
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_DISCOUNTS = BodyReader(DiscountRequest)
_MARGINS = BodyReader(MarginRequest)
_SECTION = "litellm_settings"
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]
_SEE = allow(Resource.CONFIG, Action.READ)
_CHANGE = allow(Resource.CONFIG, Action.UPDATE)
_DISCOUNT_PATH, _MARGIN_PATH = f"/config/{DISCOUNTS}", f"/config/{MARGINS}"


@get(_DISCOUNT_PATH, opt={"rule": RouteRule(name=_DISCOUNT_PATH, permit=_SEE)})
async def list_discounts(gateway: _Gateway) -> dict[str, object]:
    """Show what is taken off prices."""
    return {"values": show_discounts(gateway.snapshot.settings.litellm.cost_discounts)}


@get(_MARGIN_PATH, opt={"rule": RouteRule(name=_MARGIN_PATH, permit=_SEE)})
async def list_margins(gateway: _Gateway) -> dict[str, object]:
    """Show what is put on prices."""
    return {"values": show_margins(gateway.snapshot.settings.litellm.cost_margins)}


@patch(
    _DISCOUNT_PATH,
    status_code=200,
    opt={"rule": RouteRule(name=_DISCOUNT_PATH, permit=_CHANGE, body=DiscountRequest)},
)
async def set_discounts(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> Answer:
    """Replace all discounts, from the next second on."""
    body = await _DISCOUNTS.read_from(request)
    return await _replace(caller, gateway, inventory, DISCOUNTS, body)


@patch(
    _MARGIN_PATH,
    status_code=200,
    opt={"rule": RouteRule(name=_MARGIN_PATH, permit=_CHANGE, body=MarginRequest)},
)
async def set_margins(request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory) -> Answer:
    """Replace all margins, from the next second on."""
    body = await _MARGINS.read_from(request)
    return await _replace(caller, gateway, inventory, MARGINS, body)


async def _replace(
    caller: Principal, gateway: Gateway, inventory: Inventory, name: str, body: ReadBody[Any]
) -> Answer:
    refuse_unread(gateway)
    values = stated(body.value)
    await inventory.config.update(caller, {_SECTION: {name: values}}, gateway.check_overlay)
    message = f"{name} updated successfully"
    return answer({"message": message, "status": "success", "values": values}, body)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (list_discounts, list_margins, set_discounts, set_margins)
