"""Which users and customers there are to choose from: `/management/v1/spend_logs/*`."""

from datetime import date, datetime
from typing import Annotated

from litestar import get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, QueryParameter

from gateway.access.rules import RouteRule
from gateway.domain import Principal, Role
from gateway.manage.freshness import bring_up_to_date
from gateway.manage.parameters import need
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway
from gateway.spend.reporting.daily import DailyReports, Page
from gateway.spend.reporting.daily_store import Choice
from gateway.spend.reporting.dates import Period, day_of, refuse
from gateway.spend.reporting.visibility import own_user

__all__ = ["ROUTE_HANDLERS"]

_FIRST, _LAST = "filter[startTime][gte]", "filter[startTime][lte]"
_ROLES = frozenset({Role.INTERNAL_USER, Role.INTERNAL_USER_VIEWER, Role.ORG_ADMIN})
_SEE = allow(Resource.SPEND, Action.READ, Party.CALLER)
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Begin = Annotated[str | None, QueryParameter(name=_FIRST)]
_End = Annotated[str | None, QueryParameter(name=_LAST)]
_Number = Annotated[int, QueryParameter(ge=1, le=1_000_000)]
_Size = Annotated[int, QueryParameter(ge=1, le=500)]
_Content = dict[str, object]


def _rule(path: str) -> dict[str, RouteRule]:
    return {"rule": RouteRule(name=path, permit=_SEE, roles=_ROLES)}


@get("/management/v1/spend_logs/end_users", opt=_rule("/management/v1/spend_logs/end_users"))
async def list_end_users(
    caller: _Caller,
    gateway: _Gateway,
    begin: _Begin = None,
    end: _End = None,
    q: FromQuery[str] = "",
    page: _Number = 1,
    page_size: _Size = 50,
) -> _Content:
    """The customers of requests between two days; users see those of their own keys."""
    choice = Choice(period=_period(begin, end), keys_of=own_user(caller))
    return await _facets(gateway, "customer", choice, q, Page(page, page_size))


@get("/management/v1/spend_logs/users", opt=_rule("/management/v1/spend_logs/users"))
async def list_users(
    caller: _Caller,
    gateway: _Gateway,
    begin: _Begin = None,
    end: _End = None,
    q: FromQuery[str] = "",
    page: _Number = 1,
    page_size: _Size = 50,
) -> _Content:
    """The users of requests between two days; users see themselves."""
    own = own_user(caller)
    entities = None if own is None else (own,)
    choice = Choice(period=_period(begin, end), entities=entities)
    return await _facets(gateway, "user", choice, q, Page(page, page_size))


async def _facets(gateway: Gateway, kind: str, choice: Choice, text: str, page: Page) -> _Content:
    await bring_up_to_date(gateway)
    return await DailyReports(gateway.parts.reports.reader, kind).facets(choice, text, page)


def _period(begin: str | None, end: str | None) -> Period:
    first, last = _day(_FIRST, need(_FIRST, begin)), _day(_LAST, need(_LAST, end))
    if last < first:
        raise refuse(_LAST, f"'{_LAST}' must not be before '{_FIRST}'.")
    return Period(first, last)


def _day(name: str, text: str) -> date:
    try:
        return day_of(name, datetime.fromisoformat(text))
    except ValueError:
        raise refuse(name, f"'{name}' must be a time such as 2026-01-31T12:00:00Z.") from None


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (list_end_users, list_users)
