"""The routes of the router's settings and of fallbacks."""

from typing import Any

from litestar import Request, delete, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.errors import BadRequest, NotFound
from gateway.inventory.config.fields import ROUTER, describe_fields
from gateway.inventory.config.request import FallbackKind, FallbackRequest
from gateway.inventory.config.service import Field
from gateway.inventory.services import Inventory
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.stored_settings import refuse_unread
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Resource
from gateway.runtime import Gateway
from gateway.settings import FallbackMap, RouterSettings

__all__ = ["ROUTE_HANDLERS"]

_FALLBACK = BodyReader(FallbackRequest)
_SEE = allow(Resource.CONFIG, Action.READ)
_CHANGE = allow(Resource.CONFIG, Action.UPDATE)
_STRATEGY = "simple-shuffle"
_STRATEGIES = {_STRATEGY: "Deployments are chosen at random, by their weights."}
_Listed = list[dict[str, list[str]]]
"""Fallbacks as the configuration lists them."""
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]


@get("/router/fields", opt={"rule": RouteRule(name="/router/fields", permit=_SEE)})
async def list_fields(gateway: _Gateway) -> dict[str, object]:
    """Describe the settings of the router."""
    fields = describe_fields(ROUTER, gateway.snapshot.settings, {})
    return _described([{**field, "field_value": None, "stored_in_db": None} for field in fields])


@get("/router/settings", opt={"rule": RouteRule(name="/router/settings", permit=_SEE)})
async def show_settings(gateway: _Gateway, inventory: _Inventory) -> dict[str, object]:
    """Show the settings of the router with their values."""
    stored = await inventory.config.stored(ROUTER)
    fields = describe_fields(ROUTER, gateway.snapshot.settings, stored)
    values = {str(field["field_name"]): field["field_value"] for field in fields}
    source = {str(field["field_name"]): field["source"] for field in fields}
    return {**_described(fields), "current_values": values, "source": source}


@post(
    "/fallback",
    status_code=200,
    opt={"rule": RouteRule(name="/fallback", permit=_CHANGE, body=FallbackRequest)},
)
async def set_fallbacks(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> Answer:
    """Set which models are tried in the place of one."""
    refuse_unread(gateway)
    body = await _FALLBACK.read_from(request)
    sent = body.value
    _check_models(gateway, sent)

    def put(listed: _Listed) -> _Listed:
        return [*_without(listed, sent.model), {sent.model: sent.fallback_models}]

    await inventory.config.edit(caller, _field(gateway, sent.fallback_type), put, gateway.check_overlay)
    shown = {
        "model": sent.model,
        "fallback_models": sent.fallback_models,
        "fallback_type": sent.fallback_type,
    }
    return answer({**shown, "message": "Fallback configuration saved successfully"}, body)


@get("/fallback/{model:path}", opt={"rule": RouteRule(name="/fallback/{model}", permit=_SEE)})
async def show_fallbacks(
    gateway: _Gateway, model: FromPath[str], fallback_type: FromQuery[FallbackKind] = "general"
) -> dict[str, object]:
    """Show which models are tried in the place of one."""
    name = model.removeprefix("/")
    found = _fallbacks(gateway.snapshot.settings.router, fallback_type).get(name)
    if found is None:
        raise _none(name, fallback_type)
    return {"model": name, "fallback_models": list(found), "fallback_type": fallback_type}


@delete(
    "/fallback/{model:path}",
    status_code=200,
    opt={"rule": RouteRule(name="/fallback/{model}", permit=allow(Resource.CONFIG, Action.DELETE))},
)
async def delete_fallbacks(
    caller: _Caller,
    gateway: _Gateway,
    inventory: _Inventory,
    model: FromPath[str],
    fallback_type: FromQuery[FallbackKind] = "general",
) -> dict[str, object]:
    """Try no other models in the place of one."""
    refuse_unread(gateway)
    name = model.removeprefix("/")

    def remove(listed: _Listed) -> _Listed:
        left = _without(listed, name)
        if left == listed:
            raise _none(name, fallback_type)
        return left

    await inventory.config.edit(caller, _field(gateway, fallback_type), remove, gateway.check_overlay)
    message = "Fallback configuration deleted successfully"
    return {"model": name, "fallback_type": fallback_type, "message": message}


def _check_models(gateway: Gateway, sent: FallbackRequest) -> None:
    """Raise BadRequest or NotFound for what is no model, or no other one."""
    catalog = gateway.snapshot.catalog
    for index, name in enumerate(sent.fallback_models):
        fault = "is the model itself" if name == sent.model else "is not served"
        if name == sent.model or catalog.find(name) is None:
            param = f"fallback_models[{index}]"
            raise BadRequest(f"'{name[:200]}' {fault}.", param=param, type="bad_request_error")
    if not sent.fallback_models:
        raise BadRequest("Name a model to try.", param="fallback_models", type="bad_request_error")
    if catalog.find(sent.model) is None:
        raise NotFound(f"The model '{sent.model[:200]}' does not exist.", param="model")


def _described(fields: list[dict[str, object]]) -> dict[str, object]:
    return {"fields": fields, "routing_strategy_descriptions": _STRATEGIES, "routing_group_strategies": []}


def _member(kind: FallbackKind) -> str:
    return "fallbacks" if kind == "general" else f"{kind}_fallbacks"


def _fallbacks(settings: RouterSettings, kind: FallbackKind) -> FallbackMap:
    return getattr(settings, _member(kind))


def _field(gateway: Gateway, kind: FallbackKind) -> Field:
    configured = _fallbacks(gateway.snapshot.settings.router, kind)
    return Field(ROUTER, _member(kind), [{name: list(names)} for name, names in configured.items()])


def _without(listed: _Listed, model: str) -> _Listed:
    """The items without those of a model."""
    objects = (item for item in listed if isinstance(item, dict))  # pyright: ignore[reportUnnecessaryIsInstance]  stored by whoever
    kept = ({name: names for name, names in item.items() if name != model} for item in objects)
    return [item for item in kept if item]


def _none(model: str, kind: FallbackKind) -> NotFound:
    return NotFound(f"The model '{model[:200]}' has no fallbacks of the kind {kind}.", param="model")


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    list_fields,
    show_settings,
    set_fallbacks,
    show_fallbacks,
    delete_fallbacks,
)
