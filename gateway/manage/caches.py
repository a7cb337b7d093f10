"""The routes of caches: the Redis in which workers count, and what they remember."""

from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.inventory.services import Inventory
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Resource

__all__ = ["ROUTE_HANDLERS"]


class ForgetRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /cache/delete`: virtual keys, plain or hashes."""

    keys: Annotated[list[Annotated[str, msgspec.Meta(max_length=512)]], msgspec.Meta(max_length=1_000)]


_FORGET = BodyReader(ForgetRequest)
_Request = Request[Any, Any, Any]
_Inventory = NamedDependency[Inventory]
_SEE = allow(Resource.CACHE, Action.READ)
_DELETE = allow(Resource.CACHE, Action.DELETE)
_SUCCESS = "success"


@get("/cache/ping", opt={"rule": RouteRule(name="/cache/ping", permit=_SEE)})
async def ping_cache(inventory: _Inventory) -> dict[str, object]:
    """Have the Redis answer, and keep a key for a moment."""
    parameters = await inventory.caches.ping()
    return {
        "status": "healthy",
        "cache_type": "redis",
        "ping_response": True,
        "set_cache_response": _SUCCESS,
        "litellm_cache_params": parameters,
        "health_check_cache_params": {},
    }


@get("/cache/redis/info", opt={"rule": RouteRule(name="/cache/redis/info", permit=_SEE)})
async def describe_redis(inventory: _Inventory) -> dict[str, object]:
    """Show who is connected to the Redis, and what it says of itself."""
    return await inventory.caches.describe()


@post(
    "/cache/delete",
    status_code=200,
    opt={"rule": RouteRule(name="/cache/delete", permit=_DELETE, body=ForgetRequest)},
)
async def delete_keys(request: _Request, inventory: _Inventory) -> Answer:
    """Have every worker read these virtual keys anew."""
    body = await _FORGET.read_from(request)
    await inventory.caches.forget(body.value.keys)
    return answer({"status": _SUCCESS}, body)


@post("/cache/flushall", status_code=200, opt={"rule": RouteRule(name="/cache/flushall", permit=_DELETE)})
async def flush(inventory: _Inventory) -> dict[str, str]:
    """Have every worker read all keys, teams and users anew. Counters and budgets stay."""
    await inventory.caches.forget_everything()
    return {"status": _SUCCESS}


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (ping_cache, describe_redis, delete_keys, flush)
