"""The routes of callbacks and alerts: which there are, and what they are set to."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.clock import datetime_from_nanos
from gateway.domain import Principal, Role
from gateway.inventory.config.callbacks import (
    CALLBACK_SECTION,
    group_callbacks,
    list_callbacks,
    without_callback,
)
from gateway.inventory.config.fields import GENERAL, ROUTER, describe_fields
from gateway.inventory.config.request import DeleteCallbackRequest
from gateway.inventory.services import Inventory
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_DELETE = BodyReader(DeleteCallbackRequest)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]
_SEE = allow(Resource.CONFIG, Action.READ)
_SEE_WIDELY = allow(Resource.CONFIG, Action.READ, Party.ORGANIZATION_ADMIN)
_ORGANIZERS = frozenset({Role.ORG_ADMIN})
_CHANNELS = {
    "slack": ("SLACK_WEBHOOK_URL",),
    "webhook": ("WEBHOOK_URL",),
    "email": ("SMTP_HOST", "SMTP_PORT", "SMTP_USERNAME", "SMTP_PASSWORD", "SMTP_SENDER_EMAIL"),
}
"""The variables of each channel of alerts; an address is as good as a secret, and never shown."""
_HIDDEN = "****"
_CALLBACK_LISTS = (
    "litellm.callbacks",
    "litellm.input_callback",
    "litellm.failure_callback",
    "litellm.success_callback",
    "litellm._async_success_callback",
    "litellm._async_failure_callback",
    "litellm._async_input_callback",
    "all_litellm_callbacks",
)


@get(
    "/get/config/callbacks",
    opt={"rule": RouteRule(name="/get/config/callbacks", permit=_SEE_WIDELY, roles=_ORGANIZERS)},
)
async def show_callbacks(gateway: _Gateway, inventory: _Inventory) -> dict[str, object]:
    """Show stored callbacks, the channels of alerts, and the settings of the router."""
    stored = await inventory.config.stored_sections([CALLBACK_SECTION, ROUTER])
    settings = gateway.snapshot.settings
    fields = describe_fields(ROUTER, settings, stored.get(ROUTER, {}))
    return {
        "status": "success",
        "callbacks": list_callbacks(stored.get(CALLBACK_SECTION, {})),
        "alerts": [_channel(gateway, name) for name in settings.general.alerting],
        "active_alerting_destinations": _active(gateway),
        "router_settings": {str(field["field_name"]): field["field_value"] for field in fields},
        "available_callbacks": {},
    }


@get(
    "/callbacks/list",
    opt={"rule": RouteRule(name="/callbacks/list", permit=_SEE_WIDELY, roles=_ORGANIZERS)},
)
async def list_by_kind(inventory: _Inventory) -> dict[str, list[str]]:
    """List the names of stored callbacks by what each would be told of."""
    stored = await inventory.config.stored_sections([CALLBACK_SECTION])
    return group_callbacks(stored.get(CALLBACK_SECTION, {}))


@get(
    "/callbacks/configs",
    opt={"rule": RouteRule(name="/callbacks/configs", permit=_SEE_WIDELY, roles=_ORGANIZERS)},
)
async def describe_callbacks() -> Response[list[dict[str, object]]]:
    """Describe the callbacks that run here and what each needs to be told: plugins stand in their place."""
    return Response([])


@post(
    "/config/callback/delete",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/config/callback/delete",
            permit=allow(Resource.CONFIG, Action.DELETE),
            body=DeleteCallbackRequest,
        )
    },
)
async def delete_callback(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> Answer:
    """Take a callback out of the database."""
    body = await _DELETE.read_from(request)
    name = body.value.callback_name
    left = await inventory.config.edit_noted(
        caller, CALLBACK_SECTION, lambda stored: without_callback(stored, name)
    )
    told = {
        "message": f"Successfully deleted callback: {name}",
        "removed_callback": name,
        "remaining_callbacks": list(dict.fromkeys(one["name"] for one in list_callbacks(left))),
        "deleted_at": datetime_from_nanos(gateway.clock.now_nanos()).isoformat(timespec="seconds"),
    }
    return answer(told, body)


@get(
    ["/active/callbacks", "/settings"],
    opt={"rule": RouteRule(name="/active/callbacks", permit=_SEE)},
)
async def show_active(gateway: _Gateway) -> dict[str, object]:
    """Show which callbacks run (plugins are none) and how many channels alerts go to."""
    settings = gateway.snapshot.settings
    none: list[str] = []
    return {
        "alerting": list(settings.general.alerting),
        **dict.fromkeys(_CALLBACK_LISTS, none),
        "num_callbacks": 0,
        "num_alerting": len(_active(gateway)),
        "litellm.request_timeout": settings.litellm.request_timeout,
    }


@get(
    "/alerting/settings",
    opt={"rule": RouteRule(name="/alerting/settings", permit=_SEE_WIDELY, roles=_ORGANIZERS)},
)
async def show_alerting(gateway: _Gateway, inventory: _Inventory) -> Response[list[dict[str, object]]]:
    """List the settings of alerts with their values."""
    stored = await inventory.config.stored(GENERAL)
    fields = describe_fields(GENERAL, gateway.snapshot.settings, stored)
    return Response([field for field in fields if str(field["field_name"]).startswith("alert")])


def _active(gateway: Gateway) -> list[str]:
    """The channels that are named and have what they need."""
    alerts = gateway.parts.alerts
    return [name for name in gateway.snapshot.settings.general.alerting if alerts.channels_named(name)]


def _channel(gateway: Gateway, name: str) -> dict[str, object]:
    environ = gateway.parts.added.environ
    channels = gateway.parts.alerts.channels_named(name)
    return {
        "name": name,
        "variables": {
            variable: _HIDDEN if environ.get(variable) else None for variable in _CHANNELS.get(name, ())
        },
        "active_alerts": sorted({kind.value for channel in channels for kind in channel.types}),
    }


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    show_callbacks,
    list_by_kind,
    describe_callbacks,
    delete_callback,
    show_active,
    show_alerting,
)
