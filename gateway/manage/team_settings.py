"""The routes of a team's models, and of what its members may do with its keys."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from gateway.access.rules import RouteRule
from gateway.domain import Principal, Role
from gateway.identity.services import Services
from gateway.identity.teams.metadata_fields import describe_metadata
from gateway.identity.teams.permits import (
    ADD_MANY_MEMBERS,
    CHANGE_MEMBERS,
    CHANGE_MODELS,
    SEE_PERMISSIONS,
)
from gateway.identity.teams.settings_request import (
    AppendPermissionsRequest,
    TeamModelsRequest,
    UpdatePermissionsRequest,
)
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource

__all__ = ["ROUTE_HANDLERS"]

_ORGANIZERS = frozenset({Role.INTERNAL_USER, Role.ORG_ADMIN})
_MODELS = BodyReader(TeamModelsRequest)
_PERMISSIONS = BodyReader(UpdatePermissionsRequest)
_APPEND = BodyReader(AppendPermissionsRequest)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Services = NamedDependency[Services]
_Object = Response[dict[str, Any]]


@post(
    "/team/model/add",
    status_code=200,
    opt={"rule": RouteRule(name="/team/model/add", permit=CHANGE_MODELS, body=TeamModelsRequest)},
)
async def add_models(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Let a team use further models."""
    body = await _MODELS.read_from(request)
    settings, wanted = services.people.team_settings, body.value
    return answer(await settings.add_models(caller, wanted.team_id, wanted.models), body)


@post(
    "/team/model/delete",
    status_code=200,
    opt={"rule": RouteRule(name="/team/model/delete", permit=CHANGE_MODELS, body=TeamModelsRequest)},
)
async def delete_models(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Take models from a team."""
    body = await _MODELS.read_from(request)
    settings, wanted = services.people.team_settings, body.value
    return answer(await settings.delete_models(caller, wanted.team_id, wanted.models), body)


@get(
    "/team/permissions_list",
    opt={"rule": RouteRule(name="/team/permissions_list", permit=SEE_PERMISSIONS, allows_any_key=True)},
)
async def list_permissions(caller: _Caller, services: _Services, team_id: FromQuery[str]) -> _Object:
    """Show what the members of a team may do."""
    return Response(await services.people.team_settings.permissions(caller, team_id))


@post(
    "/team/permissions_update",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/team/permissions_update",
            permit=CHANGE_MEMBERS,
            allows_any_key=True,
            body=UpdatePermissionsRequest,
        )
    },
)
async def update_permissions(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Say what the members of a team may do."""
    body = await _PERMISSIONS.read_from(request)
    settings, wanted = services.people.team_settings, body.value.team_member_permissions
    return answer(await settings.set_permissions(caller, body.value.team_id, wanted), body)


@post(
    "/team/permissions_bulk_update",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/team/permissions_bulk_update",
            permit=ADD_MANY_MEMBERS,
            roles=_ORGANIZERS,
            body=AppendPermissionsRequest,
        )
    },
)
async def append_permissions(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Give permissions to the members of many teams."""
    body = await _APPEND.read_from(request)
    return answer(await services.people.team_settings.append_permissions(caller, body.value), body)


@get(
    "/team/metadata_schema",
    opt={
        "rule": RouteRule(
            name="/team/metadata_schema",
            permit=allow(Resource.TEAM, Action.READ, Party.CALLER),
            allows_any_key=True,
        )
    },
)
async def show_metadata_schema() -> _Object:
    """Show which members of a team's `metadata` the gateway acts on."""
    return Response({"fields": describe_metadata()})


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    add_models,
    delete_models,
    list_permissions,
    update_permissions,
    append_permissions,
    show_metadata_schema,
)
