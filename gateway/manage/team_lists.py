"""The routes that list teams and delete them."""

from typing import Any, Literal

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from gateway.access.rules import RouteRule
from gateway.domain import Principal, Role
from gateway.identity.services import Services
from gateway.identity.teams.listing import TeamQuery
from gateway.identity.teams.request import DeleteTeamsRequest
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader, is_strict

__all__ = ["ROUTE_HANDLERS"]

_ORGANIZERS = frozenset({Role.INTERNAL_USER, Role.ORG_ADMIN})
_DELETE = BodyReader(DeleteTeamsRequest)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Services = NamedDependency[Services]


@get("/team/list", opt={"rule": RouteRule(name="/team/list", allows_any_key=True, is_read_only=True)})
async def list_teams(
    caller: _Caller,
    services: _Services,
    user_id: FromQuery[str | None] = None,
    organization_id: FromQuery[str | None] = None,
) -> Response[list[dict[str, Any]]]:
    """List teams with their keys and memberships."""
    return Response(await services.people.team_lists.all(caller, user_id or None, organization_id or None))


@get("/v2/team/list", opt={"rule": RouteRule(name="/v2/team/list", allows_any_key=True, is_read_only=True)})
async def list_team_page(
    caller: _Caller,
    services: _Services,
    user_id: FromQuery[str | None] = None,
    organization_id: FromQuery[str | None] = None,
    team_id: FromQuery[str | None] = None,
    team_alias: FromQuery[str | None] = None,
    search: FromQuery[str | None] = None,
    search_team_id_match: FromQuery[Literal["exact", "prefix"]] = "exact",
    page: FromQuery[int] = 1,
    page_size: FromQuery[int] = 10,
    sort_by: FromQuery[str | None] = None,
    sort_order: FromQuery[str | None] = None,
    status: FromQuery[str | None] = None,
) -> Response[dict[str, Any]]:
    """List one page of the teams that match."""
    query = TeamQuery(
        user_id=user_id or None,
        organization_id=organization_id or None,
        team_id=team_id or None,
        team_alias=team_alias or None,
        search=search or None,
        search_team_id_match=search_team_id_match,
        page=page,
        page_size=page_size,
        sort_by=sort_by or None,
        sort_order=sort_order,
        status=status or None,
    )
    return Response(await services.people.team_lists.page(caller, query))


@post("/team/delete", status_code=200, opt={"rule": RouteRule(name="/team/delete", roles=_ORGANIZERS)})
async def delete_teams(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Delete teams with their keys; the rows move to the archives."""
    body = _DELETE.read(await request.body(), refuses_unknown=is_strict(request.headers))
    return answer(await services.people.team_removal.delete(caller, body.value.team_ids), body)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (list_teams, list_team_page, delete_teams)
