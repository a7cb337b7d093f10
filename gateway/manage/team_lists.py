"""The routes that list teams and delete them."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from gateway.access.rules import RouteRule
from gateway.domain import Principal, Role
from gateway.identity.services import Services
from gateway.identity.teams.listing import TeamQuery
from gateway.identity.teams.permits import DELETE_TEAM
from gateway.identity.teams.request import DeleteTeamsRequest
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.paging import listed, page_of
from gateway.manage.query import QueryReader
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource

__all__ = ["ROUTE_HANDLERS"]

_ORGANIZERS = frozenset({Role.INTERNAL_USER, Role.ORG_ADMIN})
_QUERY = QueryReader(TeamQuery)
_CHOICES = 50
_DELETE = BodyReader(DeleteTeamsRequest)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Services = NamedDependency[Services]


@get(
    "/team/list",
    opt={
        "rule": RouteRule(
            name="/team/list",
            permit=allow(Resource.TEAM, Action.READ, Party.CALLER),
            allows_any_key=True,
            query=TeamQuery,
        )
    },
)
async def list_teams(
    request: _Request,
    caller: _Caller,
    services: _Services,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Response[list[dict[str, Any]]]:
    """List teams with their keys and memberships; a header says where the next ones begin."""
    query = _QUERY.read(request)
    owners = TeamQuery(user_id=query.user_id, organization_id=query.organization_id)
    page = page_of(after, limit)
    return listed(await services.people.team_lists.all(caller, owners, page))


@get(
    "/v2/team/list",
    opt={
        "rule": RouteRule(
            name="/v2/team/list",
            permit=allow(Resource.TEAM, Action.READ, Party.CALLER),
            allows_any_key=True,
            query=TeamQuery,
        )
    },
)
async def list_team_page(request: _Request, caller: _Caller, services: _Services) -> Response[dict[str, Any]]:
    """List one page of the teams that match."""
    return Response(await services.people.team_lists.page(caller, _QUERY.read(request)))


@get(
    "/team/filter/ui",
    opt={
        "rule": RouteRule(name="/team/filter/ui", permit=allow(Resource.TEAM, Action.READ), query=TeamQuery)
    },
)
async def list_team_choices(
    request: _Request, caller: _Caller, services: _Services
) -> Response[list[dict[str, Any]]]:
    """List ids and names of teams to choose from."""
    query = _QUERY.read(request)
    chosen = TeamQuery(
        team_id=query.team_id,
        team_alias=query.team_alias,
        page=query.page,
        page_size=query.page_size if "page_size" in request.query_params else _CHOICES,
    )
    return Response(await services.people.team_lists.choices(caller, chosen))


@get(
    "/team/available",
    opt={
        "rule": RouteRule(
            name="/team/available",
            permit=allow(Resource.TEAM, Action.READ, Party.CALLER),
            allows_any_key=True,
        )
    },
)
async def list_joinable_teams(caller: _Caller, services: _Services) -> Response[list[dict[str, Any]]]:
    """List the teams that the caller may enter by itself."""
    return Response(await services.people.team_lists.joinable(caller))


@post(
    "/team/delete",
    status_code=200,
    opt={
        "rule": RouteRule(name="/team/delete", permit=DELETE_TEAM, roles=_ORGANIZERS, body=DeleteTeamsRequest)
    },
)
async def delete_teams(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Delete teams with their keys; the rows move to the archives."""
    body = await _DELETE.read_from(request)
    return answer(await services.people.team_removal.delete(caller, body.value.team_ids), body)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    list_teams,
    list_team_page,
    list_team_choices,
    list_joinable_teams,
    delete_teams,
)
