"""The routes of which mails go out: `/email/event_settings`."""

from typing import Any

from litestar import Request, get, patch, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.inventory.services import Inventory
from gateway.inventory.ui.letters import show_events
from gateway.inventory.ui.request import EventsRequest
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.stored_settings import refuse_unread
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_EVENTS = BodyReader(EventsRequest)
_SEE, _CHANGE = allow(Resource.CONFIG, Action.READ), allow(Resource.CONFIG, Action.UPDATE)
_PATH = "/email/event_settings"
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]


@get(_PATH, opt={"rule": RouteRule(name=_PATH, permit=_SEE)})
async def show_settings(gateway: _Gateway) -> dict[str, object]:
    """Show which mails go out when a request asks for them."""
    return {"settings": show_events(gateway.parts.added.current.ui)}


@patch(_PATH, status_code=200, opt={"rule": RouteRule(name=_PATH, permit=_CHANGE, body=EventsRequest)})
async def update_settings(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> Answer:
    """Switch the mails of some events on or off; the others stay."""
    body = await _EVENTS.read_from(request)
    refuse_unread(gateway)
    await inventory.ui.set_letters(caller, {one.event: one.enabled for one in body.value.settings})
    return answer({"message": "Email event settings updated successfully"}, body)


@post(f"{_PATH}/reset", status_code=200, opt={"rule": RouteRule(name=f"{_PATH}/reset", permit=_CHANGE)})
async def reset_settings(caller: _Caller, gateway: _Gateway, inventory: _Inventory) -> dict[str, object]:
    """Let the mails of all events go out again."""
    refuse_unread(gateway)
    await inventory.ui.set_letters(caller, None)
    return {"message": "Email event settings reset to defaults"}


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (show_settings, update_settings, reset_settings)
