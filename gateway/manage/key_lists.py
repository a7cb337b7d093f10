"""The routes that show many virtual keys, and whether one works."""

from typing import Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.domain import Principal, Role
from gateway.identity.keys.list_request import AliasListQuery, KeyListQuery, KeysRequest
from gateway.identity.keys.permits import SEE_KEY
from gateway.identity.services import Services
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.query import QueryReader
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource

__all__ = ["ROUTE_HANDLERS"]

_MANAGERS = frozenset({Role.INTERNAL_USER, Role.ORG_ADMIN})
_LIST = QueryReader(KeyListQuery)
_ALIASES = QueryReader(AliasListQuery)
_KEYS = BodyReader(KeysRequest)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Services = NamedDependency[Services]
_Content = dict[str, object]


@get(
    "/key/list",
    opt={
        "rule": RouteRule(
            name="/key/list",
            permit=allow(Resource.KEY, Action.READ, Party.CALLER),
            allows_any_key=True,
            query=KeyListQuery,
        )
    },
)
async def list_keys(request: _Request, caller: _Caller, services: _Services) -> _Content:
    """List the keys that the caller may see, page by page."""
    return await services.key_listing.list_keys(caller, _LIST.read(request))


@get(
    "/key/aliases",
    opt={
        "rule": RouteRule(
            name="/key/aliases",
            permit=allow(Resource.KEY, Action.READ, Party.CALLER),
            roles=_MANAGERS,
            query=AliasListQuery,
        )
    },
)
async def list_aliases(request: _Request, caller: _Caller, services: _Services) -> _Content:
    """List the aliases of the keys that the caller may see."""
    return await services.key_listing.list_aliases(caller, _ALIASES.read(request))


@post(
    "/v2/key/info",
    status_code=200,
    opt={"rule": RouteRule(name="/v2/key/info", permit=SEE_KEY, allows_any_key=True, body=KeysRequest)},
)
async def show_keys(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Show several keys without their secrets."""
    body = await _KEYS.read_from(request)
    return answer(await services.key_listing.show_keys(caller, body.value), body)


@post(
    "/key/health",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/key/health", permit=allow(Resource.KEY, Action.READ, Party.CALLER), allows_any_key=True
        )
    },
)
async def check_key() -> _Content:
    """Say that the key of the call works; callbacks of single keys do not exist, so none can fail."""
    callbacks: _Content = {
        "callbacks": [],
        "status": "healthy",
        "details": "The key has no logging callbacks.",
    }
    return {"key": "healthy", "logging_callbacks": callbacks}


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (list_keys, list_aliases, show_keys, check_key)
