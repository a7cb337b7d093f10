"""The routes of a team's members: who leaves, what each may spend, and what each has spent."""

from collections.abc import Mapping
from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.identity.services import Services
from gateway.identity.teams.member_request import (
    DeleteMemberRequest,
    MemberRef,
    UpdateMemberRequest,
)
from gateway.identity.teams.permits import CHANGE_MEMBERS
from gateway.inventory.ui.flags import NO_MEMBER_REMOVAL, refuse_to_others
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_DELETE = BodyReader(DeleteMemberRequest)
_UPDATE = BodyReader(UpdateMemberRequest)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Services = NamedDependency[Services]
_Gateway = NamedDependency[Gateway]
_BUDGET = "/team/{team_id}/member/{user_id}/reset_budget"
_OWN = "/team/{team_id}/members/me"


@post(
    "/team/member_delete",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/team/member_delete", permit=CHANGE_MEMBERS, allows_any_key=True, body=DeleteMemberRequest
        )
    },
)
async def delete_member(request: _Request, caller: _Caller, services: _Services, gateway: _Gateway) -> Answer:
    """Take a member out of a team, and delete its keys in the team."""
    refuse_to_others(gateway.parts.added.current.ui, NO_MEMBER_REMOVAL, caller)
    body = await _DELETE.read_from(request)
    ref = MemberRef(user_id=body.value.user_id, user_email=body.value.user_email)
    return answer(await services.people.team_leaving.remove(caller, body.value.team_id, ref), body)


@post(
    "/team/member_update",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/team/member_update", permit=CHANGE_MEMBERS, allows_any_key=True, body=UpdateMemberRequest
        )
    },
)
async def update_member(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Change a member's role and limits; null clears a limit."""
    body = await _UPDATE.read_from(request)
    ref = MemberRef(user_id=body.value.user_id, user_email=body.value.user_email)
    return answer(await services.people.team_members.update(caller, body.value.team_id, ref, body.sent), body)


@post(
    "/team/{team_id:str}/member/{user_id:str}/reset_budget",
    status_code=200,
    opt={"rule": RouteRule(name=_BUDGET, permit=CHANGE_MEMBERS, allows_any_key=True)},
)
async def reset_member_budget(
    caller: _Caller, services: _Services, team_id: FromPath[str], user_id: FromPath[str]
) -> Response[Mapping[str, Any]]:
    """Let the members' common budget limit a member again."""
    return Response(await services.people.team_members.reset_budget(caller, team_id, user_id))


@get(
    "/team/{team_id:str}/members/me",
    opt={
        "rule": RouteRule(
            name=_OWN, permit=allow(Resource.TEAM, Action.READ, Party.TEAM_MEMBER), allows_any_key=True
        )
    },
)
async def show_own_membership(
    caller: _Caller, services: _Services, team_id: FromPath[str]
) -> Response[Mapping[str, Any]]:
    """Show the caller's own membership."""
    return Response(await services.people.team_members.own(caller, team_id))


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    delete_member,
    update_member,
    reset_member_budget,
    show_own_membership,
)
