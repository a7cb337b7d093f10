"""The routes that add, change and remove many members of a team."""

from typing import Any

import msgspec
from litestar import Request, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.access.rules import RouteRule
from gateway.domain import Principal, Role
from gateway.identity.services import Services
from gateway.identity.teams.member_request import (
    BulkAddMembersRequest,
    BulkDeleteMembersRequest,
    BulkUpdateMembersRequest,
    MemberBudgetPatch,
    MemberRef,
)
from gateway.identity.teams.permits import ADD_MANY_MEMBERS, CHANGE_MEMBERS
from gateway.inventory.ui.flags import NO_MEMBER_REMOVAL, refuse_to_others
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_ORGANIZERS = frozenset({Role.INTERNAL_USER, Role.ORG_ADMIN})
_ADD = BodyReader(BulkAddMembersRequest)
_DELETE = BodyReader(BulkDeleteMembersRequest)
_UPDATE = BodyReader(BulkUpdateMembersRequest)
_PATCH = BodyReader(MemberBudgetPatch)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Services = NamedDependency[Services]
_Gateway = NamedDependency[Gateway]
_MEMBERS = "/management/v1/teams/{team_id}/members"


@post(
    "/team/bulk_member_add",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/team/bulk_member_add",
            permit=ADD_MANY_MEMBERS,
            roles=_ORGANIZERS,
            body=BulkAddMembersRequest,
        )
    },
)
async def add_members(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Add many members, with a result for each."""
    body = await _ADD.read_from(request)
    return answer(await services.people.team_bulk.add(caller, body.value), body)


@post(
    "/management/v1/teams/{team_id:str}/members/bulk_delete",
    status_code=200,
    opt={
        "rule": RouteRule(
            name=f"{_MEMBERS}/bulk_delete",
            permit=CHANGE_MEMBERS,
            allows_any_key=True,
            body=BulkDeleteMembersRequest,
        )
    },
)
async def delete_members(
    request: _Request, caller: _Caller, services: _Services, gateway: _Gateway, team_id: FromPath[str]
) -> Answer:
    """Take many members out of a team, with a result for each."""
    refuse_to_others(gateway.parts.added.current.ui, NO_MEMBER_REMOVAL, caller)
    body = await _DELETE.read_from(request)
    leaving = services.people.team_leaving
    return answer({"data": await leaving.remove_many(caller, team_id, body.value.members)}, body)


@post(
    "/management/v1/teams/{team_id:str}/members/bulk_update",
    status_code=200,
    opt={
        "rule": RouteRule(
            name=f"{_MEMBERS}/bulk_update",
            permit=CHANGE_MEMBERS,
            allows_any_key=True,
            body=BulkUpdateMembersRequest,
        )
    },
)
async def update_members(
    request: _Request, caller: _Caller, services: _Services, team_id: FromPath[str]
) -> Answer:
    """Change many members, each by itself, with a result for each."""
    body = await _UPDATE.read_from(request)
    read = [_PATCH.read(msgspec.json.encode(member)) for member in body.value.members]
    changes = [
        (MemberRef(user_id=one.value.user_id, user_email=one.value.user_email), one.sent) for one in read
    ]
    return answer({"data": await services.people.team_bulk.update(caller, team_id, changes)}, body)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (add_members, delete_members, update_members)
