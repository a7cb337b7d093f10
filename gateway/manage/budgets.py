"""The routes of budget rows."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from gateway.access.rules import RouteRule
from gateway.domain import Principal, Role
from gateway.identity.budgets.fields import describe_budget
from gateway.identity.budgets.request import BudgetRequest, BudgetsRequest, DeleteBudgetRequest
from gateway.identity.services import Services
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.everybody import everybodys_budget
from gateway.manage.paging import NumberedPage, link_pages, listed, page_of
from gateway.manage.query import QueryReader
from gateway.manage.raw_errors import RAW_ERRORS, raw_errors
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_READERS = frozenset({Role.ORG_ADMIN, Role.INTERNAL_USER})
_PAGES = "/management/v1/budgets"


_WISH = QueryReader(NumberedPage)
_BUDGET = BodyReader(BudgetRequest)
_NAMED = BodyReader(BudgetsRequest)
_DELETE = BodyReader(DeleteBudgetRequest)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Services = NamedDependency[Services]
_Gateway = NamedDependency[Gateway]


@post(
    "/budget/new",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/budget/new", permit=allow(Resource.BUDGET, Action.CREATE), body=BudgetRequest
        )
    },
    exception_handlers=RAW_ERRORS,
)
async def make_budget(request: _Request, caller: _Caller, services: _Services, gateway: _Gateway) -> Answer:
    """Make a budget row."""
    body = await _BUDGET.read_from(request)
    with raw_errors():
        return answer(await services.budgets.create(caller, body.sent, everybodys_budget(gateway)), body)


@post(
    "/budget/update",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/budget/update", permit=allow(Resource.BUDGET, Action.UPDATE), body=BudgetRequest
        )
    },
    exception_handlers=RAW_ERRORS,
)
async def update_budget(request: _Request, caller: _Caller, services: _Services, gateway: _Gateway) -> Answer:
    """Change what is sent; null clears."""
    body = await _BUDGET.read_from(request)
    with raw_errors():
        return answer(await services.budgets.update(caller, body.sent, everybodys_budget(gateway)), body)


@post(
    "/budget/info",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/budget/info", permit=allow(Resource.BUDGET, Action.READ), body=BudgetsRequest
        )
    },
    exception_handlers=RAW_ERRORS,
)
async def show_budgets(request: _Request, services: _Services) -> Answer:
    """Show budget rows by their ids."""
    body = await _NAMED.read_from(request)
    with raw_errors():
        return answer(await services.budgets.info(body.value.budgets), body)


@get(
    "/budget/list",
    opt={"rule": RouteRule(name="/budget/list", permit=allow(Resource.BUDGET, Action.READ), roles=_READERS)},
    exception_handlers=RAW_ERRORS,
)
async def list_budgets(
    caller: _Caller,
    services: _Services,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Response[list[dict[str, Any]]]:
    """List budget rows in the order of their ids."""
    page = page_of(after, limit)
    with raw_errors():
        return listed(await services.budgets.list_all(caller, page))


@get(
    _PAGES,
    opt={
        "rule": RouteRule(
            name=_PAGES, permit=allow(Resource.BUDGET, Action.READ), roles=_READERS, query=NumberedPage
        )
    },
    exception_handlers=RAW_ERRORS,
)
async def page_budgets(request: _Request, caller: _Caller, services: _Services) -> Response[dict[str, Any]]:
    """Show a page of budget rows, with links to its neighbours."""
    wish = _WISH.read(request)
    with raw_errors():
        found = await services.budgets.list_page(caller, wish.page, wish.page_size)
    return Response({**found, "links": link_pages(_PAGES, wish, found["meta"]["total_pages"])})


@get(
    "/budget/settings",
    opt={
        "rule": RouteRule(name="/budget/settings", permit=allow(Resource.BUDGET, Action.READ), roles=_READERS)
    },
    exception_handlers=RAW_ERRORS,
)
async def describe_settings(
    caller: _Caller, services: _Services, budget_id: FromQuery[str]
) -> Response[list[dict[str, object]]]:
    """Describe the members of a budget."""
    with raw_errors():
        return Response(describe_budget(await services.budgets.find(caller, budget_id)))


@post(
    "/budget/delete",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/budget/delete", permit=allow(Resource.BUDGET, Action.DELETE), body=DeleteBudgetRequest
        )
    },
    exception_handlers=RAW_ERRORS,
)
async def delete_budget(request: _Request, caller: _Caller, services: _Services, gateway: _Gateway) -> Answer:
    """Delete a budget row."""
    body = await _DELETE.read_from(request)
    with raw_errors():
        return answer(await services.budgets.delete(caller, body.value.id, everybodys_budget(gateway)), body)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    make_budget,
    update_budget,
    show_budgets,
    list_budgets,
    page_budgets,
    describe_settings,
    delete_budget,
)
