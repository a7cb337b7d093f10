"""The routes of organizations."""

from typing import Any

from litestar import Request, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.identity.organizations.request import NewOrganizationRequest
from gateway.identity.services import Services
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader, is_strict
from gateway.manage.raw_errors import RAW_ERRORS, raw_errors

__all__ = ["ROUTE_HANDLERS"]

_ORGANIZATION = BodyReader(NewOrganizationRequest)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Services = NamedDependency[Services]


@post(
    "/organization/new",
    status_code=200,
    opt={"rule": RouteRule(name="/organization/new")},
    exception_handlers=RAW_ERRORS,
)
async def make_organization(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Make an organization."""
    body = _ORGANIZATION.read(await request.body(), refuses_unknown=is_strict(request.headers))
    with raw_errors():
        return answer(await services.organizations.create(caller, body.value), body)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (make_organization,)
