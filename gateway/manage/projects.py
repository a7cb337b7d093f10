"""The routes of projects."""

from typing import Any

from litestar import Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.identity.projects.permits import CHANGE_PROJECT, DELETE_PROJECT, MAKE_PROJECT, SEE_PROJECT
from gateway.identity.projects.request import (
    DeleteProjectsRequest,
    NewProjectRequest,
    UpdateProjectRequest,
)
from gateway.identity.services import Services
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.everybody import everybodys_budget
from gateway.manage.paging import listed, page_of
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_NEW = BodyReader(NewProjectRequest)
_UPDATE = BodyReader(UpdateProjectRequest)
_DELETE = BodyReader(DeleteProjectsRequest)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Services = NamedDependency[Services]
_Gateway = NamedDependency[Gateway]


@post(
    "/project/new",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/project/new", permit=MAKE_PROJECT, allows_any_key=True, body=NewProjectRequest
        )
    },
)
async def make_project(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Make a project in a team."""
    body = await _NEW.read_from(request)
    return answer(await services.projects.create(caller, body.value), body)


@post(
    "/project/update",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/project/update", permit=CHANGE_PROJECT, allows_any_key=True, body=UpdateProjectRequest
        )
    },
)
async def update_project(
    request: _Request, caller: _Caller, services: _Services, gateway: _Gateway
) -> Answer:
    """Change what is sent of a project; null clears."""
    body = await _UPDATE.read_from(request)
    return answer(await services.projects.update(caller, body.sent, everybodys_budget(gateway)), body)


@delete(
    "/project/delete",
    status_code=200,
    opt={"rule": RouteRule(name="/project/delete", permit=DELETE_PROJECT, body=DeleteProjectsRequest)},
)
async def delete_projects(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Delete projects that no key belongs to, all or none."""
    body = await _DELETE.read_from(request)
    return answer(await services.projects.delete(caller, body.value.project_ids), body)


@get("/project/info", opt={"rule": RouteRule(name="/project/info", permit=SEE_PROJECT, allows_any_key=True)})
async def show_project(
    caller: _Caller, services: _Services, project_id: FromQuery[str]
) -> Response[dict[str, Any]]:
    """Show a project."""
    return Response(await services.projects.info(caller, project_id))


@get(
    "/project/list",
    opt={
        "rule": RouteRule(
            name="/project/list",
            permit=allow(Resource.PROJECT, Action.READ, Party.CALLER),
            allows_any_key=True,
        )
    },
)
async def list_projects(
    caller: _Caller,
    services: _Services,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Response[list[dict[str, Any]]]:
    """List projects: those of the caller's teams, to administrators all."""
    return listed(await services.projects.list_all(caller, page_of(after, limit)))


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    make_project,
    update_project,
    delete_projects,
    show_project,
    list_projects,
)
