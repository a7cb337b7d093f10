"""The routes of who is in an organization."""

from typing import Any

from litestar import Request, delete, patch, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.domain import Principal, Role
from gateway.identity.organizations.request import (
    AddOrganizationMembersRequest,
    DeleteOrganizationMemberRequest,
    UpdateOrganizationMemberRequest,
)
from gateway.identity.services import Services
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource

__all__ = ["ROUTE_HANDLERS"]

_ORGANIZERS = frozenset({Role.INTERNAL_USER, Role.ORG_ADMIN})
_ADD = BodyReader(AddOrganizationMembersRequest)
_UPDATE = BodyReader(UpdateOrganizationMemberRequest)
_DELETE = BodyReader(DeleteOrganizationMemberRequest)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Services = NamedDependency[Services]


@post(
    "/organization/member_add",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/organization/member_add",
            permit=allow(Resource.ORGANIZATION, Action.UPDATE, Party.ORGANIZATION_ADMIN),
            roles=_ORGANIZERS,
            body=AddOrganizationMembersRequest,
        )
    },
)
async def add_members(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Add one member or several."""
    body = await _ADD.read_from(request)
    return answer(await services.organization_members.add(caller, body.value), body)


@patch(
    "/organization/member_update",
    opt={
        "rule": RouteRule(
            name="/organization/member_update",
            permit=allow(Resource.ORGANIZATION, Action.UPDATE, Party.ORGANIZATION_ADMIN),
            roles=_ORGANIZERS,
            body=UpdateOrganizationMemberRequest,
        )
    },
)
async def update_member(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Change a member's role or budget."""
    body = await _UPDATE.read_from(request)
    return answer(await services.organization_members.update(caller, body.value, body.sent), body)


@delete(
    "/organization/member_delete",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/organization/member_delete",
            permit=allow(Resource.ORGANIZATION, Action.UPDATE, Party.ORGANIZATION_ADMIN),
            roles=_ORGANIZERS,
            body=DeleteOrganizationMemberRequest,
        )
    },
)
async def remove_member(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Take a member out of an organization."""
    body = await _DELETE.read_from(request)
    return answer(await services.organization_members.remove(caller, body.value), body)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (add_members, update_member, remove_member)
