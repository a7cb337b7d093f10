"""The routes of settings."""

from typing import Any

import msgspec
from litestar import Request, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from gateway.access.rules import RouteRule
from gateway.domain import Principal, Role
from gateway.errors import BadRequest
from gateway.inventory.config.fields import GENERAL, ROUTER, describe_fields, mask_field, show_field
from gateway.inventory.config.request import ConfigRequest, DeleteFieldRequest, UpdateFieldRequest
from gateway.inventory.services import Inventory
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.stored_settings import refuse_unread
from gateway.permits.permit import ALL, Permit, allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway
from gateway.settings.overlay import VARIABLES

__all__ = ["ROUTE_HANDLERS"]


class SwitchRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`PATCH /config/block_requests_for_models_without_pricing`."""

    enabled: bool


_LITELLM, _UNPRICED = "litellm_settings", "block_requests_for_models_without_pricing"
_UPDATE_FIELD = BodyReader(UpdateFieldRequest)
_DELETE_FIELD = BodyReader(DeleteFieldRequest)
_CONFIG = BodyReader(ConfigRequest)
_SWITCH = BodyReader(SwitchRequest)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]
_SEE = allow(Resource.CONFIG, Action.READ)
_SEE_WIDELY = allow(Resource.CONFIG, Action.READ, Party.ORGANIZATION_ADMIN)
_CHANGE = allow(Resource.CONFIG, Action.UPDATE)
_PUBLIC = Permit(resource=Resource.CONFIG, action=Action.READ, fields={Party.ANYBODY: ALL})
_ORGANIZERS = frozenset({Role.ORG_ADMIN})


@get("/config/yaml", opt={"rule": RouteRule(name="/config/yaml", permit=_PUBLIC)})
async def greet() -> dict[str, str]:
    """Say that there is a gateway, as the contract does here."""
    return {"hello": "world"}


@get("/config/list", opt={"rule": RouteRule(name="/config/list", permit=_SEE_WIDELY, roles=_ORGANIZERS)})
async def list_fields(
    gateway: _Gateway, inventory: _Inventory, config_type: FromQuery[str]
) -> Response[list[dict[str, object]]]:
    """List the settings of `general_settings` with their values."""
    if config_type != GENERAL:
        message = f"config_type must be {GENERAL}."
        raise BadRequest(message, param="config_type", type="bad_request_error")
    stored = await inventory.config.stored(GENERAL)
    return Response(describe_fields(GENERAL, gateway.snapshot.settings, stored))


@get(
    "/config/field/info",
    opt={"rule": RouteRule(name="/config/field/info", permit=_SEE_WIDELY, roles=_ORGANIZERS)},
)
async def show_one(gateway: _Gateway, inventory: _Inventory, field_name: FromQuery[str]) -> dict[str, object]:
    """Show one of `general_settings`."""
    stored = await inventory.config.stored(GENERAL)
    return show_field(GENERAL, field_name, gateway.snapshot.settings, stored)


@post(
    "/config/field/update",
    status_code=200,
    opt={"rule": RouteRule(name="/config/field/update", permit=_CHANGE, body=UpdateFieldRequest)},
)
async def update_field(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> Answer:
    """Set one of `general_settings`, from the next second on."""
    refuse_unread(gateway)
    body = await _UPDATE_FIELD.read_from(request)
    changes = {GENERAL: {body.value.field_name: body.value.field_value}}
    await inventory.config.update(caller, changes, gateway.check_overlay)
    return answer(await _row(inventory, GENERAL), body)


@post(
    "/config/field/delete",
    status_code=200,
    opt={"rule": RouteRule(name="/config/field/delete", permit=_CHANGE, body=DeleteFieldRequest)},
)
async def delete_field(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> Answer:
    """Take one of `general_settings` out of the database; the configuration's holds again."""
    body = await _DELETE_FIELD.read_from(request)
    changes = {GENERAL: {body.value.field_name: None}}
    await inventory.config.update(caller, changes, gateway.check_overlay)
    return answer(await _row(inventory, GENERAL), body)


@post(
    "/config/update",
    status_code=200,
    opt={"rule": RouteRule(name="/config/update", permit=_CHANGE, body=ConfigRequest)},
)
async def update_config(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> Answer:
    """Set members of sections, from the next second on; null takes one away."""
    refuse_unread(gateway)
    body = await _CONFIG.read_from(request)
    _refuse_lists(body.value)
    sent = {GENERAL, _LITELLM, ROUTER, VARIABLES}.intersection(body.sent)
    changes = {section: body.sent[section] for section in sent if body.sent[section]}
    await inventory.config.update(caller, changes, gateway.check_overlay)
    return answer({"message": "Config updated successfully"}, body)


@get(
    f"/config/{_UNPRICED}",
    opt={"rule": RouteRule(name=f"/config/{_UNPRICED}", permit=_SEE)},
)
async def show_unpriced(gateway: _Gateway) -> dict[str, bool]:
    """Say whether models without prices are refused."""
    return {"enabled": gateway.snapshot.settings.litellm.block_requests_for_models_without_pricing}


@patch(
    f"/config/{_UNPRICED}",
    status_code=200,
    opt={"rule": RouteRule(name=f"/config/{_UNPRICED}", permit=_CHANGE, body=SwitchRequest)},
)
async def switch_unpriced(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> Answer:
    """Refuse models without prices, or serve them."""
    refuse_unread(gateway)
    body = await _SWITCH.read_from(request)
    changes = {_LITELLM: {_UNPRICED: body.value.enabled}}
    await inventory.config.update(caller, changes, gateway.check_overlay)
    return answer({"enabled": body.value.enabled}, body)


async def _row(inventory: Inventory, section: str) -> dict[str, object]:
    stored = await inventory.config.stored(section)
    return {
        "param_name": section,
        "param_value": {name: mask_field(name, value) for name, value in stored.items()},
    }


def _refuse_lists(request: ConfigRequest) -> None:
    """Refuse what would be lost. Raises BadRequest."""
    if request.model_list:
        raise BadRequest(
            "Models are added by POST /model/new, one each; nothing was stored.", param="model_list"
        )
    if request.worker_registry:
        message = "Workers of this gateway are not registered; nothing was stored."
        raise BadRequest(message, param="worker_registry")


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    greet,
    list_fields,
    show_one,
    update_field,
    delete_field,
    update_config,
    show_unpriced,
    switch_unpriced,
)
