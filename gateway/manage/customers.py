"""The routes of customers, under both of their names."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.identity.customers.request import NewCustomerRequest
from gateway.identity.services import Services
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader, is_strict
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_NEW = BodyReader(NewCustomerRequest)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Services = NamedDependency[Services]


@post(["/customer/new", "/end_user/new"], status_code=200, opt={"rule": RouteRule(name="/customer/new")})
async def make_customer(
    request: _Request, caller: _Caller, services: _Services, gateway: NamedDependency[Gateway]
) -> Answer:
    """Make a customer."""
    body = _NEW.read(await request.body(), refuses_unknown=is_strict(request.headers))
    catalog = gateway.snapshot.catalog
    made = await services.customers.create(caller, body.value, lambda name: catalog.find(name) is not None)
    return answer(made, body)


@get(
    ["/customer/info", "/end_user/info"],
    opt={"rule": RouteRule(name="/customer/info", is_read_only=True)},
)
async def show_customer(services: _Services, end_user_id: FromQuery[str]) -> Response[dict[str, Any]]:
    """Show a customer."""
    return Response(await services.customers.info(end_user_id))


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (make_customer, show_customer)
