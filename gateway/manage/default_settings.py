"""The routes of what new users and teams get where a request says nothing."""

from collections.abc import Mapping
from typing import Any

from litestar import Request, get, patch
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.inventory.config.defaults import (
    TEAMS,
    USERS,
    TeamDefaultsRequest,
    UserDefaultsRequest,
    change_defaults,
    describe_defaults,
    show_defaults,
)
from gateway.inventory.config.service import Field
from gateway.inventory.services import Inventory
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader, ReadBody
from gateway.manage.stored_settings import refuse_unread
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_USER = BodyReader(UserDefaultsRequest)
_TEAM = BodyReader(TeamDefaultsRequest)
_SECTION = "litellm_settings"
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]
_SEE = allow(Resource.CONFIG, Action.READ)
_CHANGE = allow(Resource.CONFIG, Action.UPDATE)


@get("/get/internal_user_settings", opt={"rule": RouteRule(name="/get/internal_user_settings", permit=_SEE)})
async def show_user_defaults(gateway: _Gateway) -> dict[str, object]:
    """Show what a new internal user gets."""
    return _shown(gateway, USERS)


@get("/get/default_team_settings", opt={"rule": RouteRule(name="/get/default_team_settings", permit=_SEE)})
async def show_team_defaults(gateway: _Gateway) -> dict[str, object]:
    """Show what a new team gets."""
    return _shown(gateway, TEAMS)


@patch(
    "/update/internal_user_settings",
    status_code=200,
    opt={"rule": RouteRule(name="/update/internal_user_settings", permit=_CHANGE, body=UserDefaultsRequest)},
)
async def update_user_defaults(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> Answer:
    """Change what a new internal user gets, from the next second on."""
    body = await _USER.read_from(request)
    return await _update(caller, gateway, inventory, USERS, body)


@patch(
    "/update/default_team_settings",
    status_code=200,
    opt={"rule": RouteRule(name="/update/default_team_settings", permit=_CHANGE, body=TeamDefaultsRequest)},
)
async def update_team_defaults(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> Answer:
    """Change what a new team gets, from the next second on."""
    body = await _TEAM.read_from(request)
    return await _update(caller, gateway, inventory, TEAMS, body)


async def _update(
    caller: Principal, gateway: Gateway, inventory: Inventory, name: str, body: ReadBody[Any]
) -> Answer:
    refuse_unread(gateway)
    changed: dict[str, object] = {}

    def change(values: Mapping[str, object]) -> dict[str, object]:
        changed.update(change_defaults(values, body.sent))
        return changed

    field = Field(_SECTION, name, _effective(gateway, name))
    await inventory.config.edit(caller, field, change, gateway.check_overlay)
    message = f"{name} updated successfully"
    return answer({"message": message, "status": "success", "settings": show_defaults(name, changed)}, body)


def _shown(gateway: Gateway, name: str) -> dict[str, object]:
    values = show_defaults(name, _effective(gateway, name))
    return {"values": values, "field_schema": describe_defaults(name)}


def _effective(gateway: Gateway, name: str) -> dict[str, object]:
    litellm = gateway.snapshot.settings.litellm
    return litellm.default_internal_user_params if name == USERS else litellm.default_team_params


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    show_user_defaults,
    show_team_defaults,
    update_user_defaults,
    update_team_defaults,
)
