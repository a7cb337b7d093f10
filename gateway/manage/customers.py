"""The routes of customers, under both of their names."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.identity.customers.request import CustomersRequest, NewCustomerRequest, UpdateCustomerRequest
from gateway.identity.services import Services
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.everybody import everybodys_budget
from gateway.manage.paging import listed, page_of
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_NEW = BodyReader(NewCustomerRequest)
_UPDATE = BodyReader(UpdateCustomerRequest)
_NAMED = BodyReader(CustomersRequest)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Services = NamedDependency[Services]
_Gateway = NamedDependency[Gateway]


@post(
    ["/customer/new", "/end_user/new"],
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/customer/new", permit=allow(Resource.CUSTOMER, Action.CREATE), body=NewCustomerRequest
        )
    },
)
async def make_customer(request: _Request, caller: _Caller, services: _Services, gateway: _Gateway) -> Answer:
    """Make a customer."""
    body = await _NEW.read_from(request)
    catalog = gateway.snapshot.catalog
    made = await services.customers.create(caller, body.value, lambda name: catalog.find(name) is not None)
    return answer(made, body)


@post(
    ["/customer/update", "/end_user/update"],
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/customer/update",
            permit=allow(Resource.CUSTOMER, Action.UPDATE),
            body=UpdateCustomerRequest,
        )
    },
)
async def update_customer(
    request: _Request, caller: _Caller, services: _Services, gateway: _Gateway
) -> Answer:
    """Change what is sent of a customer; null clears."""
    body = await _UPDATE.read_from(request)
    snapshot = gateway.snapshot
    changed = await services.customers.update(
        caller,
        body.sent,
        lambda name: snapshot.catalog.find(name) is not None,
        everybodys_budget(gateway),
    )
    return answer(changed, body)


@post(
    ["/customer/delete", "/end_user/delete"],
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/customer/delete", permit=allow(Resource.CUSTOMER, Action.DELETE), body=CustomersRequest
        )
    },
)
async def delete_customers(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Forget customers, all or none."""
    body = await _NAMED.read_from(request)
    return answer(await services.customers.delete(caller, body.value.user_ids), body)


@post(
    ["/customer/block", "/end_user/block"],
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/customer/block", permit=allow(Resource.CUSTOMER, Action.BLOCK), body=CustomersRequest
        )
    },
)
async def block_customers(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Block customers: requests that name them are refused."""
    body = await _NAMED.read_from(request)
    return answer(await services.customers.block(caller, body.value.user_ids), body)


@post(
    ["/customer/unblock", "/end_user/unblock"],
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/customer/unblock", permit=allow(Resource.CUSTOMER, Action.BLOCK), body=CustomersRequest
        )
    },
)
async def unblock_customers(request: _Request, caller: _Caller, services: _Services) -> Answer:
    """Unblock customers."""
    body = await _NAMED.read_from(request)
    return answer(await services.customers.unblock(caller, body.value.user_ids), body)


@get(
    ["/customer/info", "/end_user/info"],
    opt={"rule": RouteRule(name="/customer/info", permit=allow(Resource.CUSTOMER, Action.READ))},
)
async def show_customer(services: _Services, end_user_id: FromQuery[str]) -> Response[dict[str, Any]]:
    """Show a customer."""
    return Response(await services.customers.info(end_user_id))


@get(
    ["/customer/list", "/end_user/list"],
    opt={"rule": RouteRule(name="/customer/list", permit=allow(Resource.CUSTOMER, Action.READ))},
)
async def list_customers(
    services: _Services, after: FromQuery[str | None] = None, limit: FromQuery[int | None] = None
) -> Response[list[dict[str, Any]]]:
    """List customers in the order of their ids."""
    return listed(await services.customers.list_all(page_of(after, limit)))


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    make_customer,
    update_customer,
    delete_customers,
    block_customers,
    unblock_customers,
    show_customer,
    list_customers,
)
