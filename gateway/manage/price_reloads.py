"""The routes that have the price file read anew: now, and every so many hours."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, QueryParameter

from gateway.access.rules import RouteRule
from gateway.catalog.model_store import PRICES_ROW
from gateway.catalog.price_book import load_price_book
from gateway.catalog.price_schedule import INTERVAL, MOST_HOURS, STAMP, read_schedule, stamp_of
from gateway.clock import datetime_from_nanos
from gateway.domain import Principal, Role
from gateway.errors import BadRequest, ConfigError
from gateway.inventory.services import Inventory
from gateway.manage.stored_settings import refuse_unread
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]
_Hours = Annotated[int, QueryParameter(ge=1, le=MOST_HOURS)]
_NOW, _SCHEDULE = "/reload/model_cost_map", "/schedule/model_cost_map_reload"
_STATUS = f"{_SCHEDULE}/status"
_CHANGE = allow(Resource.CONFIG, Action.UPDATE)
_SEE = allow(Resource.CONFIG, Action.READ, Party.ORGANIZATION_ADMIN)


@post(_NOW, status_code=200, opt={"rule": RouteRule(name=_NOW, permit=_CHANGE)})
async def reload_prices(caller: _Caller, gateway: _Gateway, inventory: _Inventory) -> dict[str, object]:
    """Have every worker read the price file anew, within a second."""
    count, now = await _check(gateway), _now(gateway)
    await inventory.config.edit_noted(caller, PRICES_ROW, lambda _: {STAMP: stamp_of(now)})
    message = f"The price file is read anew: {count} models."
    return {"message": message, "status": "success", "models_count": count, "timestamp": now.isoformat()}


@post(_SCHEDULE, status_code=200, opt={"rule": RouteRule(name=_SCHEDULE, permit=_CHANGE)})
async def schedule(
    caller: _Caller, gateway: _Gateway, inventory: _Inventory, hours: FromQuery[_Hours]
) -> dict[str, object]:
    """Have every worker read the price file anew every so many hours, counted from now."""
    await _check(gateway)
    now = _now(gateway)

    def change(stored: Mapping[str, Any]) -> dict[str, object]:
        return {INTERVAL: hours, STAMP: stored.get(STAMP) or stamp_of(now)}

    await inventory.config.edit_noted(caller, PRICES_ROW, change)
    message = f"The price file is read anew every {hours} hours."
    told = {"message": message, "status": "success", "interval_hours": hours}
    return {**told, "timestamp": now.isoformat()}


@delete(
    _SCHEDULE,
    status_code=200,
    opt={"rule": RouteRule(name=_SCHEDULE, permit=allow(Resource.CONFIG, Action.DELETE))},
)
async def stop_schedule(caller: _Caller, gateway: _Gateway, inventory: _Inventory) -> dict[str, object]:
    """Read the price file no more by itself."""
    await inventory.config.edit_noted(caller, PRICES_ROW, lambda _: {INTERVAL: None})
    message = "The price file is read no more by itself."
    return {"message": message, "status": "success", "timestamp": _now(gateway).isoformat()}


@get(
    _STATUS,
    opt={"rule": RouteRule(name=_STATUS, permit=_SEE, roles=frozenset({Role.ORG_ADMIN}))},
)
async def show_schedule(inventory: _Inventory) -> dict[str, object]:
    """Show when the price file was read last because somebody said so, and when it is read next."""
    planned = read_schedule(await inventory.config.stored(PRICES_ROW))
    return {
        "scheduled": planned.interval_hours is not None,
        "interval_hours": planned.interval_hours,
        "last_run": _text(planned.last_run),
        "next_run": _text(planned.next_run),
    }


async def _check(gateway: Gateway) -> int:
    """How many models the price file names now. Raises BadRequest where it cannot be read."""
    refuse_unread(gateway)
    settings = gateway.snapshot.settings
    if settings.gatewright.price_file is None:
        message = "There is no price file: set gatewright.price_file. Bundled prices come with the release."
        raise BadRequest(message, type="bad_request_error")
    try:
        book = await asyncio.to_thread(load_price_book, settings)
    except ConfigError as error:
        raise BadRequest(error.reason, param=error.path, type="bad_request_error") from error
    return book.file_count or 0


def _now(gateway: Gateway) -> datetime:
    return datetime_from_nanos(gateway.clock.now_nanos())


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (reload_prices, schedule, stop_schedule, show_schedule)
