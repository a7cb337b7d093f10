"""Totals of what was spent through the whole gateway: `/global/spend/*`."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, QueryParameter

from gateway.access.rules import RouteRule
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader, is_strict
from gateway.manage.freshness import bring_up_to_date
from gateway.manage.parameters import need, read_key, read_list
from gateway.money import usd_from_nanos
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Resource
from gateway.runtime import Gateway
from gateway.spend.reporting.dates import Period, day_of, last_days, parse_period, refuse
from gateway.spend.reporting.totals import Totals

__all__ = ["ROUTE_HANDLERS"]

_Gateway = NamedDependency[Gateway]
_Limit = Annotated[int, QueryParameter(ge=1, le=1_000)]
_NeededLimit = Annotated[int | None, QueryParameter(ge=1, le=1_000)]
_Content = dict[str, object]


def _rule(path: str) -> dict[str, RouteRule]:
    return {"rule": RouteRule(name=path, permit=allow(Resource.SPEND, Action.READ))}


class EndUsersRequest(msgspec.Struct):
    """Whose customers: those of requests with a key, within a time; the last 30 days when none is given."""

    api_key: str | None = None
    startTime: datetime | None = None  # noqa: N815  the contract's name
    endTime: datetime | None = None  # noqa: N815  the contract's name


_END_USERS = BodyReader(EndUsersRequest)


async def _totals(gateway: Gateway) -> Totals:
    await bring_up_to_date(gateway)
    return Totals(gateway.parts.reports.reader)


@get("/global/spend", opt=_rule("/global/spend"))
async def show_total(gateway: _Gateway) -> _Content:
    """What was spent in the last 30 days, and the budget of the whole gateway (0 for none)."""
    budget = gateway.snapshot.settings.litellm.max_budget_nanos
    spend = await (await _totals(gateway)).spend(last_days(gateway.clock))
    return {"spend": spend, "max_budget": usd_from_nanos(budget or 0)}


@get("/global/spend/logs", opt=_rule("/global/spend/logs"))
async def show_days(gateway: _Gateway, api_key: FromQuery[str | None] = None) -> list[_Content]:
    """What was spent per day in the last 30 days, with a key or in all."""
    return await (await _totals(gateway)).spend_by_day(last_days(gateway.clock), read_key(api_key))


@get("/global/spend/keys", opt=_rule("/global/spend/keys"))
async def show_keys(gateway: _Gateway, limit: _NeededLimit = None) -> list[_Content]:
    """The keys that spent most in the last 30 days."""
    return await (await _totals(gateway)).keys(last_days(gateway.clock), need("limit", limit))


@get("/global/spend/models", opt=_rule("/global/spend/models"))
async def show_models(gateway: _Gateway, limit: _Limit = 10) -> list[_Content]:
    """The models on which most was spent in the last 30 days."""
    return await (await _totals(gateway)).models(last_days(gateway.clock), limit)


@get("/global/spend/teams", opt=_rule("/global/spend/teams"))
async def show_teams(gateway: _Gateway) -> _Content:
    """What teams spent in the last 30 days, per day and in all."""
    return await (await _totals(gateway)).teams(last_days(gateway.clock))


@get("/global/spend/provider", opt=_rule("/global/spend/provider"))
async def show_providers(
    gateway: _Gateway, start_date: FromQuery[str | None] = None, end_date: FromQuery[str | None] = None
) -> list[_Content]:
    """What was spent at each provider."""
    period = parse_period(start_date, end_date)
    return await (await _totals(gateway)).providers(period)


@get("/global/spend/tags", opt=_rule("/global/spend/tags"))
async def show_tags(
    gateway: _Gateway,
    start_date: FromQuery[str | None] = None,
    end_date: FromQuery[str | None] = None,
    tags: FromQuery[str | None] = None,
) -> _Content:
    """What requests with tags did cost."""
    period = parse_period(start_date, end_date)
    return await (await _totals(gateway)).tags(period, read_list(tags))


@get("/global/spend/all_tag_names", opt=_rule("/global/spend/all_tag_names"))
async def show_tag_names(gateway: _Gateway) -> _Content:
    """The tags that requests carried."""
    return {"tag_names": await (await _totals(gateway)).tag_names()}


@get("/global/all_end_users", opt=_rule("/global/all_end_users"))
async def show_end_user_names(gateway: _Gateway) -> _Content:
    """The customers of requests."""
    return {"end_users": await (await _totals(gateway)).end_user_names()}


@post(
    "/global/spend/end_users",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/global/spend/end_users", permit=allow(Resource.SPEND, Action.READ), body=EndUsersRequest
        )
    },
)
async def show_end_users(request: Request[Any, Any, Any], gateway: _Gateway) -> Answer:
    """The hundred customers that spent most."""
    data = await request.body()
    body = _END_USERS.read(data or b"{}", refuses_unknown=is_strict(request.headers))
    period = _period_of(body.value, last_days(gateway.clock))
    return answer(await (await _totals(gateway)).end_users(period, read_key(body.value.api_key)), body)


@post(
    "/global/spend/refresh",
    status_code=200,
    opt={"rule": RouteRule(name="/global/spend/refresh", permit=allow(Resource.SPEND, Action.RUN))},
)
async def refresh(gateway: _Gateway) -> _Content:
    """Bring what this worker has recorded into the tables that reports read, which is all they need."""
    await bring_up_to_date(gateway)
    return {"message": "The daily tables have every request that has ended.", "status": "success"}


def _period_of(asked: EndUsersRequest, default: Period) -> Period:
    start = day_of("startTime", asked.startTime) if asked.startTime else default.start
    end = day_of("endTime", asked.endTime) if asked.endTime else max(default.end, start)
    if end < start:
        raise refuse("endTime", "'endTime' must not be before 'startTime'.")
    return Period(start, end)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    show_total,
    show_days,
    show_keys,
    show_models,
    show_teams,
    show_providers,
    show_tags,
    show_tag_names,
    show_end_user_names,
    show_end_users,
    refresh,
)
