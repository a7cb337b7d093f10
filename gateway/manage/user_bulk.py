"""The routes that make and delete many users, with a result for each."""

from typing import Any

import msgspec
from litestar import Request, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.domain import Principal, Role
from gateway.identity.services import Services
from gateway.identity.users.permits import MAKE_USER
from gateway.identity.users.request import BulkNewUsersRequest, DeleteUsersRequest, NewUserRequest
from gateway.inventory.ui.flags import refuse_chosen
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.letters import check_can_invite, invite
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_ORGANIZERS = frozenset({Role.INTERNAL_USER, Role.ORG_ADMIN})
_MANY = BodyReader(BulkNewUsersRequest)
_ONE = BodyReader(NewUserRequest)
_DELETE = BodyReader(DeleteUsersRequest)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Services = NamedDependency[Services]
_Gateway = NamedDependency[Gateway]


@post(
    "/management/v1/users/bulk",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/management/v1/users/bulk", permit=MAKE_USER, roles=_ORGANIZERS, body=BulkNewUsersRequest
        )
    },
)
async def make_users(request: _Request, caller: _Caller, services: _Services, gateway: _Gateway) -> Answer:
    """Make many users, each by itself, with its first key."""
    body = await _MANY.read_from(request)
    users = [_ONE.read(msgspec.json.encode(user)).value for user in body.value.users]
    for index, user in enumerate(users):
        refuse_chosen(gateway.parts.added.current.ui, f"users[{index}].key", user.key)
        check_can_invite(gateway, user, f"users[{index}].send_invite_email")
    made = await services.people.user_bulk.create(caller, users)
    for user, result in zip(users, made["data"], strict=True):
        if user.send_invite_email and result["success"]:
            await invite(gateway, caller, result["user_id"], result["user_email"])
    return answer(made, body)


@post(
    "/management/v1/users/bulk_delete",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/management/v1/users/bulk_delete",
            permit=allow(Resource.USER, Action.DELETE, Party.ORGANIZATION_ADMIN),
            allows_any_key=True,
            body=DeleteUsersRequest,
        )
    },
)
async def delete_users(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Delete the users who are there."""
    body = await _DELETE.read_from(request)
    return answer({"data": await services.people.user_bulk.delete(caller, body.value.user_ids)}, body)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (make_users, delete_users)
