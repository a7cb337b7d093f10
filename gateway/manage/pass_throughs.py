"""The routes of pass-throughs."""

from typing import Any

from litestar import Request, delete, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from gateway.access.pass_through_routes import is_below, list_allowed, list_denied
from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.errors import NotFound
from gateway.inventory.pass_throughs.request import PassThroughRequest
from gateway.inventory.services import Inventory
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.stored_settings import refuse_unread
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_PATH = "/config/pass_through_endpoint"
_ONE = "/config/pass_through_endpoint/{endpoint_id}"
_OF_TEAM = "/config/pass_through_endpoint/team/{team_id}"
_BODY = BodyReader(PassThroughRequest)
_SEE = allow(Resource.CONFIG, Action.READ)
_CHANGE = allow(Resource.CONFIG, Action.UPDATE)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]
_Endpoints = dict[str, list[dict[str, Any]]]


@get(_PATH, opt={"rule": RouteRule(name=_PATH, permit=_SEE)})
async def list_endpoints(
    gateway: _Gateway, inventory: _Inventory, endpoint_id: FromQuery[str | None] = None
) -> _Endpoints:
    """List the pass-throughs, or show one."""
    return {"endpoints": await _list(gateway, inventory, endpoint_id)}


@get("/config/pass_through_endpoint/team/{team_id:str}", opt={"rule": RouteRule(name=_OF_TEAM, permit=_SEE)})
async def list_of_team(
    gateway: _Gateway,
    inventory: _Inventory,
    team_id: FromPath[str],
    endpoint_id: FromQuery[str | None] = None,
) -> _Endpoints:
    """List the pass-throughs that the keys of a team may call, as far as its own lists say it, or one."""
    metadata = await inventory.teams.metadata_of(team_id)
    allowed, denied = list_allowed(metadata), list(list_denied(metadata))
    found = await _list(gateway, inventory, endpoint_id)
    open_ones = [one for one in found if not any(is_below(entry, str(one.get("path"))) for entry in denied)]
    return {
        "endpoints": [one for one in open_ones if not allowed or _is_among(allowed, str(one.get("path")))]
    }


@post(_PATH, status_code=200, opt={"rule": RouteRule(name=_PATH, permit=_CHANGE, body=PassThroughRequest)})
async def make_endpoint(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> Answer:
    """Store a pass-through, which every worker serves within a second."""
    refuse_unread(gateway)
    body = await _BODY.read_from(request)
    served, environ = gateway.snapshot.pass_throughs, gateway.parts.added.environ
    made = await inventory.pass_throughs.create(caller, body.sent, served, environ)
    return answer({"endpoints": [made]}, body)


@post(
    "/config/pass_through_endpoint/{endpoint_id:str}",
    status_code=200,
    opt={"rule": RouteRule(name=_ONE, permit=_CHANGE, body=PassThroughRequest)},
)
async def update_endpoint(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory, endpoint_id: FromPath[str]
) -> Answer:
    """Change what is sent of a pass-through."""
    refuse_unread(gateway)
    body = await _BODY.read_from(request)
    served, environ = gateway.snapshot.pass_throughs, gateway.parts.added.environ
    changed = await inventory.pass_throughs.update(caller, endpoint_id, body.sent, served, environ)
    return answer({"endpoints": [changed]}, body)


@delete(_PATH, status_code=200, opt={"rule": RouteRule(name=_PATH, permit=_CHANGE)})
async def delete_endpoint(
    caller: _Caller, gateway: _Gateway, inventory: _Inventory, endpoint_id: FromQuery[str]
) -> _Endpoints:
    """Remove a pass-through of the database."""
    served = gateway.snapshot.pass_throughs
    return {"endpoints": [await inventory.pass_throughs.delete(caller, endpoint_id, served)]}


async def _list(gateway: Gateway, inventory: Inventory, identifier: str | None) -> list[dict[str, Any]]:
    """All pass-throughs, or one of them. Raises NotFound."""
    found = await inventory.pass_throughs.list(gateway.snapshot.pass_throughs)
    if identifier is None:
        return found
    chosen = [one for one in found if one.get("id") == identifier]
    if not chosen:
        raise NotFound(f"There is no pass-through '{identifier[:100]}'.", param="endpoint_id")
    return chosen


def _is_among(allowed: Any, path: str) -> bool:
    return any(is_below(entry, path) or is_below(path, entry) for entry in allowed)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    list_endpoints,
    list_of_team,
    make_endpoint,
    update_endpoint,
    delete_endpoint,
)
