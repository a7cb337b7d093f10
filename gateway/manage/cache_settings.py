"""The routes of settings of caches: LiteLLM's cache of answers, and the Redis in which workers count."""

from typing import Any

import msgspec
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.errors import BadRequest
from gateway.inventory.cache_settings import describe_redis_fields, mask_cache_settings
from gateway.inventory.services import Inventory
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]


class CacheSettingsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /cache/settings` and `/cache/settings/test`."""

    cache_settings: dict[str, object]

    __repr__ = object.__repr__


class CoordinationRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /coordination_redis/settings` and `/coordination_redis/settings/test`."""

    settings: dict[str, object]

    __repr__ = object.__repr__


_CACHE = BodyReader(CacheSettingsRequest)
_COORDINATION = BodyReader(CoordinationRequest)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]
_SEE, _CHANGE = allow(Resource.CACHE, Action.READ), allow(Resource.CACHE, Action.UPDATE)
_TRY = allow(Resource.CACHE, Action.RUN)
_TYPES = {"node": "A single Redis.", "cluster": "A cluster; any of its nodes."}
_KEPT = "Cache settings are kept; this gateway caches no answers, so that they have no effect here."
_OF_THE_PROCESS = (
    "The Redis in which workers count belongs to the process: set REDIS_URL, or router_settings.redis_url "
    "in the configuration file, and start the gateway anew."
)


@get("/cache/settings", opt={"rule": RouteRule(name="/cache/settings", permit=_SEE)})
async def show_cache(inventory: _Inventory) -> dict[str, object]:
    """Show the settings of a cache of answers that the database keeps, without secrets."""
    values = mask_cache_settings(await inventory.cache_settings.stored())
    return {
        "fields": describe_redis_fields(values),
        "current_values": values,
        "redis_type_descriptions": _TYPES,
        "is_effective": False,
    }


@post(
    "/cache/settings",
    status_code=200,
    opt={"rule": RouteRule(name="/cache/settings", permit=_CHANGE, body=CacheSettingsRequest)},
)
async def update_cache(request: _Request, caller: _Caller, inventory: _Inventory) -> Answer:
    """Keep settings of a cache of answers, for LiteLLM: they have no effect here, and the answer says so."""
    body = await _CACHE.read_from(request)
    stored = await inventory.cache_settings.update(caller, body.value.cache_settings)
    told = {"message": _KEPT, "status": "success", "settings": mask_cache_settings(stored)}
    return answer({**told, "is_effective": False}, body)


@post(
    "/cache/settings/test",
    status_code=200,
    opt={"rule": RouteRule(name="/cache/settings/test", permit=_TRY, body=CacheSettingsRequest)},
)
async def try_cache(request: _Request, inventory: _Inventory) -> Answer:
    """Find out whether a Redis answers."""
    body = await _CACHE.read_from(request)
    stored = await inventory.cache_settings.stored()
    fault = await inventory.caches.try_settings(body.value.cache_settings, stored, "cache_settings")
    message = "Cache connection test successful" if fault is None else "Cache connection test failed"
    return answer({"status": _status(fault, "failed"), "message": message, "error": fault}, body)


@get(
    "/coordination_redis/settings", opt={"rule": RouteRule(name="/coordination_redis/settings", permit=_SEE)}
)
async def show_coordination(inventory: _Inventory) -> dict[str, object]:
    """Show the Redis in which workers count, without secrets."""
    values = inventory.caches.parameters()
    source = "configuration" if values else "none"
    return {"values": values, "fields": describe_redis_fields(values), "source": source}


@post(
    "/coordination_redis/settings",
    status_code=200,
    opt={"rule": RouteRule(name="/coordination_redis/settings", permit=_CHANGE, body=CoordinationRequest)},
)
async def update_coordination(request: _Request) -> Answer:
    """Refuse, and say where it is set: counters in another Redis begin with a start of all workers."""
    await _COORDINATION.read_from(request)
    raise BadRequest(_OF_THE_PROCESS, param="settings", type="bad_request_error")


@post(
    "/coordination_redis/settings/test",
    status_code=200,
    opt={"rule": RouteRule(name="/coordination_redis/settings/test", permit=_TRY, body=CoordinationRequest)},
)
async def try_coordination(request: _Request, inventory: _Inventory) -> Answer:
    """Find out whether a Redis answers."""
    body = await _COORDINATION.read_from(request)
    fault = await inventory.caches.try_settings(body.value.settings, {}, "settings")
    return answer({"status": _status(fault, "error"), "error": fault}, body)


def _status(fault: str | None, failed: str) -> str:
    return "success" if fault is None else failed


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    show_cache,
    update_cache,
    try_cache,
    show_coordination,
    update_coordination,
    try_coordination,
)
