"""The routes of teams."""

from typing import Any

from litestar import Request, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from gateway.access.rules import RouteRule
from gateway.domain import Principal, Role
from gateway.identity.services import Services
from gateway.identity.teams.permits import ADD_MEMBERS, BLOCK_TEAM, CHANGE_TEAM, MAKE_TEAM, SEE_TEAM
from gateway.identity.teams.request import (
    AddMembersRequest,
    BlockTeamRequest,
    NewTeamRequest,
    PatchTeamRequest,
    UpdateTeamRequest,
)
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader

__all__ = ["ROUTE_HANDLERS"]

# An organization's administrator is an internal user elsewhere: the handlers look at the organization.
_ORGANIZERS = frozenset({Role.INTERNAL_USER, Role.ORG_ADMIN})
_NEW = BodyReader(NewTeamRequest)
_UPDATE = BodyReader(UpdateTeamRequest)
_PATCH = BodyReader(PatchTeamRequest)
_BLOCK = BodyReader(BlockTeamRequest)
_MEMBERS = BodyReader(AddMembersRequest)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Services = NamedDependency[Services]


@post(
    "/team/new",
    status_code=200,
    opt={"rule": RouteRule(name="/team/new", permit=MAKE_TEAM, roles=_ORGANIZERS, body=NewTeamRequest)},
)
async def make_team(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Make a team."""
    body = await _NEW.read_from(request)
    return answer(await services.teams.create(caller, body.value), body)


@post(
    "/team/update",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/team/update", permit=CHANGE_TEAM, allows_any_key=True, body=UpdateTeamRequest
        )
    },
)
async def update_team(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Change what is sent; null clears."""
    body = await _UPDATE.read_from(request)
    return answer(await services.teams.update(caller, body.value.team_id, body.sent), body)


@patch(
    "/team/{team_id:str}",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/team/{team_id}", permit=CHANGE_TEAM, roles=_ORGANIZERS, body=PatchTeamRequest
        )
    },
)
async def patch_team(
    request: _Request, caller: _Caller, services: _Services, team_id: FromPath[str]
) -> Answer:
    """Change what is sent; null clears, and what is sent of `metadata` is merged into it."""
    body = await _PATCH.read_from(request)
    return answer(await services.teams.patch(caller, team_id, body.sent), body)


@get("/team/info", opt={"rule": RouteRule(name="/team/info", permit=SEE_TEAM, allows_any_key=True)})
async def show_team(
    caller: _Caller, services: _Services, team_id: FromQuery[str], key_limit: FromQuery[int | None] = None
) -> Response[dict[str, Any]]:
    """Show a team with its keys and memberships."""
    return Response(await services.teams.info(caller, team_id, key_limit))


@post(
    "/team/block",
    status_code=200,
    opt={"rule": RouteRule(name="/team/block", permit=BLOCK_TEAM, roles=_ORGANIZERS, body=BlockTeamRequest)},
)
async def block_team(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Block a team: its keys are refused until it is unblocked."""
    body = await _BLOCK.read_from(request)
    return answer(await services.teams.set_blocked(caller, body.value.team_id, is_blocked=True), body)


@post(
    "/team/unblock",
    status_code=200,
    opt={
        "rule": RouteRule(name="/team/unblock", permit=BLOCK_TEAM, roles=_ORGANIZERS, body=BlockTeamRequest)
    },
)
async def unblock_team(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Unblock a team."""
    body = await _BLOCK.read_from(request)
    return answer(await services.teams.set_blocked(caller, body.value.team_id, is_blocked=False), body)


@post(
    "/team/member_add",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/team/member_add", permit=ADD_MEMBERS, allows_any_key=True, body=AddMembersRequest
        )
    },
)
async def add_members(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Add one member or several."""
    body = await _MEMBERS.read_from(request)
    return answer(await services.teams.add_members(caller, body.value), body)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    make_team,
    update_team,
    patch_team,
    show_team,
    block_team,
    unblock_team,
    add_members,
)
