"""Who uses what is tagged: `/tag/dau`, `/tag/wau`, `/tag/mau`, `/tag/summary` and their like."""

from typing import Annotated

from litestar import get
from litestar.di import NamedDependency, Provide
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, QueryParameter

from gateway.access.rules import RouteRule
from gateway.manage.freshness import bring_up_to_date
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Resource
from gateway.runtime import Gateway
from gateway.spend.reporting.dates import last_days, parse_period
from gateway.spend.reporting.tag_users import TagUsers
from gateway.spend.reporting.tag_users_store import TagChoice
from gateway.spend.reporting.totals import Totals

__all__ = ["ROUTE_HANDLERS"]

_STEPS = 7
_WEEK, _MONTH = 7, 30
_LONGEST_PART = 1_024
_Gateway = NamedDependency[Gateway]
_Choice = NamedDependency[TagChoice]
_Names = Annotated[list[str] | None, QueryParameter(max_items=1_000)]
_Part = Annotated[str | None, QueryParameter(max_length=_LONGEST_PART)]
_Number = Annotated[int, QueryParameter(ge=1, le=1_000_000)]
_Size = Annotated[int, QueryParameter(ge=1, le=1_000)]
_Content = dict[str, object]


def _rule(path: str) -> dict[str, RouteRule]:
    return {"rule": RouteRule(name=path, permit=allow(Resource.SPEND, Action.READ))}


async def choose_tags(tag_filter: _Part = None, tag_filters: _Names = None) -> TagChoice:
    """Read which tags are meant."""
    return TagChoice(part=tag_filter or None, names=tag_filters or None)


_CHOOSE = {"choice": Provide(choose_tags)}


async def _active(gateway: Gateway, choice: TagChoice, days: int) -> _Content:
    await bring_up_to_date(gateway)
    # The first day belongs to the period: seven whole steps end today.
    period = last_days(gateway.clock, _STEPS * days - 1)
    return await TagUsers(gateway.parts.reports.reader).active(period, choice, days)


@get("/tag/distinct", opt=_rule("/tag/distinct"))
async def show_names(gateway: _Gateway) -> _Content:
    """The tags that requests carried."""
    await bring_up_to_date(gateway)
    found = await Totals(gateway.parts.reports.reader).tag_names()
    return {"results": [{"tag": name} for name in found]}


@get("/tag/dau", opt=_rule("/tag/dau"), dependencies=_CHOOSE)
async def show_days(gateway: _Gateway, choice: _Choice) -> _Content:
    """How many users each tag had on each of the last seven days."""
    return await _active(gateway, choice, 1)


@get("/tag/wau", opt=_rule("/tag/wau"), dependencies=_CHOOSE)
async def show_weeks(gateway: _Gateway, choice: _Choice) -> _Content:
    """The same in the last seven weeks, of seven days each."""
    return await _active(gateway, choice, _WEEK)


@get("/tag/mau", opt=_rule("/tag/mau"), dependencies=_CHOOSE)
async def show_months(gateway: _Gateway, choice: _Choice) -> _Content:
    """The same in the last seven months, of thirty days each."""
    return await _active(gateway, choice, _MONTH)


@get("/tag/summary", opt=_rule("/tag/summary"), dependencies=_CHOOSE)
async def show_summary(
    gateway: _Gateway,
    choice: _Choice,
    start_date: FromQuery[str | None] = None,
    end_date: FromQuery[str | None] = None,
) -> _Content:
    """Users, requests, tokens and cost of each tag between two dates."""
    period = parse_period(start_date, end_date)
    await bring_up_to_date(gateway)
    return await TagUsers(gateway.parts.reports.reader).summary(period, choice)


@get(
    "/tag/user-agent/per-user-analytics",
    opt=_rule("/tag/user-agent/per-user-analytics"),
    dependencies=_CHOOSE,
)
async def show_users(
    gateway: _Gateway, choice: _Choice, page: _Number = 1, page_size: _Size = 50
) -> _Content:
    """With which programs each user made requests in the last 30 days."""
    await bring_up_to_date(gateway)
    users = TagUsers(gateway.parts.reports.reader)
    return await users.by_user(last_days(gateway.clock), choice, page, page_size)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    show_names,
    show_days,
    show_weeks,
    show_months,
    show_summary,
    show_users,
)
