"""The routes of a team's callbacks."""

from typing import Any

from litestar import Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.identity.services import Services
from gateway.identity.teams.callback_request import AddCallbackRequest
from gateway.identity.teams.permits import CHANGE_MEMBERS, DISABLE_LOGGING, SEE_CALLBACKS
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader

__all__ = ["ROUTE_HANDLERS"]

_ADD = BodyReader(AddCallbackRequest)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Services = NamedDependency[Services]
_Object = Response[dict[str, Any]]
_PATH = "/team/{team_id}/callback"
_ONE = "/team/{team_id}/callback/{callback_name}"
_DISABLE = "/team/{team_id}/disable_logging"


@post(
    "/team/{team_id:str}/callback",
    status_code=200,
    opt={"rule": RouteRule(name=_PATH, permit=CHANGE_MEMBERS, allows_any_key=True, body=AddCallbackRequest)},
)
async def add_callback(
    request: _Request, caller: _Caller, services: _Services, team_id: FromPath[str]
) -> Answer:
    """Add a callback to a team."""
    body = await _ADD.read_from(request)
    data = await services.people.team_callbacks.add(caller, team_id, body.value)
    return answer({"status": "success", "data": data}, body)


@get(
    "/team/{team_id:str}/callback",
    opt={"rule": RouteRule(name=_PATH, permit=SEE_CALLBACKS, allows_any_key=True)},
)
async def show_callbacks(caller: _Caller, services: _Services, team_id: FromPath[str]) -> _Object:
    """Show the callbacks of a team."""
    data = await services.people.team_callbacks.show(caller, team_id)
    return Response({"status": "success", "data": data})


@delete(
    "/team/{team_id:str}/callback/{callback_name:str}",
    status_code=200,
    opt={"rule": RouteRule(name=_ONE, permit=CHANGE_MEMBERS, allows_any_key=True)},
)
async def remove_callback(
    caller: _Caller, services: _Services, team_id: FromPath[str], callback_name: FromPath[str]
) -> _Object:
    """Take a callback from a team."""
    data = await services.people.team_callbacks.remove(caller, team_id, callback_name)
    message = f"Callback {callback_name} removed from team {team_id}"
    return Response({"status": "success", "message": message, "data": data})


@post(
    "/team/{team_id:str}/disable_logging",
    status_code=200,
    opt={"rule": RouteRule(name=_DISABLE, permit=DISABLE_LOGGING)},
)
async def disable_logging(caller: _Caller, services: _Services, team_id: FromPath[str]) -> _Object:
    """Take all callbacks from a team."""
    data = await services.people.team_callbacks.disable(caller, team_id)
    message = f"Logging disabled for team {team_id}"
    return Response({"status": "success", "message": message, "data": data})


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    add_callback,
    show_callbacks,
    remove_callback,
    disable_logging,
)
