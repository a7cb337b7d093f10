"""The routes of internal users."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from gateway.access.rules import RouteRule
from gateway.domain import Principal, Role
from gateway.identity.services import Services
from gateway.identity.users.permits import CHANGE_USER, MAKE_USER, SEE_USER
from gateway.identity.users.request import NewUserRequest, UpdateUserRequest
from gateway.inventory.ui.flags import refuse_chosen
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.letters import check_can_invite, invite
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_ORGANIZERS = frozenset({Role.INTERNAL_USER, Role.ORG_ADMIN})
_NEW = BodyReader(NewUserRequest)
_UPDATE = BodyReader(UpdateUserRequest)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Services = NamedDependency[Services]
_Gateway = NamedDependency[Gateway]


@post(
    "/user/new",
    status_code=200,
    opt={"rule": RouteRule(name="/user/new", permit=MAKE_USER, roles=_ORGANIZERS, body=NewUserRequest)},
)
async def make_user(request: _Request, caller: _Caller, services: _Services, gateway: _Gateway) -> Answer:
    """Make a user and a first key."""
    body = await _NEW.read_from(request)
    refuse_chosen(gateway.parts.added.current.ui, "key", body.value.key)
    check_can_invite(gateway, body.value)
    made = await services.users.create(caller, body.value)
    if body.value.send_invite_email:
        await invite(gateway, caller, made["user_id"], made["user_email"])
    return answer(made, body)


@post(
    "/user/update",
    status_code=200,
    opt={
        "rule": RouteRule(name="/user/update", permit=CHANGE_USER, roles=_ORGANIZERS, body=UpdateUserRequest)
    },
)
async def update_user(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Change what is sent; null clears."""
    body = await _UPDATE.read_from(request)
    return answer(await services.users.update(caller, body.sent), body)


@get("/user/info", opt={"rule": RouteRule(name="/user/info", permit=SEE_USER, allows_any_key=True)})
async def show_user(
    caller: _Caller, services: _Services, user_id: FromQuery[str | None] = None
) -> Response[dict[str, Any]]:
    """Show a user with its keys and teams."""
    return Response(await services.users.info(caller, user_id or None))


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (make_user, update_user, show_user)
