"""The routes of organizations."""

from typing import Any

from litestar import Request, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from gateway.access.rules import RouteRule
from gateway.domain import Principal, Role
from gateway.identity.organizations.request import (
    DeleteOrganizationsRequest,
    NewOrganizationRequest,
    OrganizationsRequest,
    PatchOrganizationRequest,
    UpdateOrganizationRequest,
)
from gateway.identity.services import Services
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.everybody import everybodys_budget
from gateway.manage.paging import listed, page_of
from gateway.manage.raw_errors import RAW_ERRORS, raw_errors
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

# An organization's administrator is an internal user elsewhere: the services look at the organization.
_ORGANIZERS = frozenset({Role.INTERNAL_USER, Role.ORG_ADMIN})
_NEW = BodyReader(NewOrganizationRequest)
_UPDATE = BodyReader(UpdateOrganizationRequest)
_PATCH = BodyReader(PatchOrganizationRequest)
_DELETE = BodyReader(DeleteOrganizationsRequest)
_NAMED = BodyReader(OrganizationsRequest)
_USUAL = 50
"""Organizations in a list, each with its members and teams."""
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Services = NamedDependency[Services]
_Gateway = NamedDependency[Gateway]
_Rows = Response[list[dict[str, Any]]]


@post(
    "/organization/new",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/organization/new",
            permit=allow(Resource.ORGANIZATION, Action.CREATE),
            body=NewOrganizationRequest,
        )
    },
    exception_handlers=RAW_ERRORS,
)
async def make_organization(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Make an organization."""
    body = await _NEW.read_from(request)
    with raw_errors():
        return answer(await services.organizations.create(caller, body.value), body)


@patch(
    "/organization/update",
    opt={
        "rule": RouteRule(
            name="/organization/update",
            permit=allow(Resource.ORGANIZATION, Action.UPDATE),
            body=UpdateOrganizationRequest,
        )
    },
    exception_handlers=RAW_ERRORS,
)
async def update_organization(
    request: _Request, caller: _Caller, services: _Services, gateway: _Gateway
) -> Answer:
    """Change what is sent of an organization; null clears."""
    body = await _UPDATE.read_from(request)
    with raw_errors():
        organization_id, everybodys = body.value.organization_id, everybodys_budget(gateway)
        changed = await services.organizations.update(caller, organization_id, body.sent, everybodys)
        return answer(changed, body)


@patch(
    "/v2/organization/{organization_id:str}",
    opt={
        "rule": RouteRule(
            name="/v2/organization/{organization_id}",
            permit=allow(Resource.ORGANIZATION, Action.UPDATE),
            body=PatchOrganizationRequest,
        )
    },
    exception_handlers=RAW_ERRORS,
)
async def patch_organization(
    request: _Request, caller: _Caller, services: _Services, gateway: _Gateway, organization_id: FromPath[str]
) -> Answer:
    """Change what is sent of an organization; what it does not have is refused."""
    body = _PATCH.read(await request.body(), refuses_unknown=True)
    with raw_errors():
        everybodys = everybodys_budget(gateway)
        changed = await services.organizations.update(caller, organization_id, body.sent, everybodys)
        return answer(changed, body)


@delete(
    "/organization/delete",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/organization/delete",
            permit=allow(Resource.ORGANIZATION, Action.DELETE),
            body=DeleteOrganizationsRequest,
        )
    },
    exception_handlers=RAW_ERRORS,
)
async def delete_organizations(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Delete organizations with their teams, projects, memberships and keys, all or none."""
    body = await _DELETE.read_from(request)
    named = body.value.organization_ids
    with raw_errors():
        return answer(await services.organization_removal.delete(caller, named), body)


@get(
    "/organization/info",
    opt={
        "rule": RouteRule(
            name="/organization/info",
            permit=allow(Resource.ORGANIZATION, Action.READ, Party.ORGANIZATION_ADMIN),
            roles=_ORGANIZERS,
        )
    },
    exception_handlers=RAW_ERRORS,
)
async def show_organization(
    caller: _Caller, services: _Services, organization_id: FromQuery[str]
) -> Response[dict[str, Any]]:
    """Show an organization with its members and teams."""
    with raw_errors():
        return Response(await services.organizations.info(caller, organization_id))


@post(
    "/organization/info",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/organization/info",
            permit=allow(Resource.ORGANIZATION, Action.READ, Party.ORGANIZATION_ADMIN),
            roles=_ORGANIZERS,
            body=OrganizationsRequest,
        )
    },
    exception_handlers=RAW_ERRORS,
)
async def show_organizations(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Show several organizations."""
    body = await _NAMED.read_from(request)
    named = body.value.organizations
    with raw_errors():
        return answer(await services.organizations.info_of_all(caller, named), body)


@get(
    "/organization/list",
    opt={
        "rule": RouteRule(
            name="/organization/list",
            permit=allow(Resource.ORGANIZATION, Action.READ, Party.CALLER),
            allows_any_key=True,
        )
    },
    exception_handlers=RAW_ERRORS,
)
async def list_organizations(
    caller: _Caller,
    services: _Services,
    *,
    org_id: FromQuery[str | None] = None,
    org_alias: FromQuery[str | None] = None,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> _Rows:
    """List organizations: those that the caller is in, to administrators all."""
    page = page_of(after, limit, _USUAL)
    with raw_errors():
        found = await services.organizations.list_all(caller, page, org_id or None, org_alias or None)
        return listed(found)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    make_organization,
    update_organization,
    patch_organization,
    delete_organizations,
    show_organization,
    show_organizations,
    list_organizations,
)
