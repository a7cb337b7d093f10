"""Which models are used and for what: `/model-insights`; whose prompts were found in caches of providers."""

from datetime import datetime
from typing import Annotated, Literal

from litestar import get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, QueryParameter

from gateway.access.rules import RouteRule
from gateway.manage.freshness import bring_up_to_date
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Resource
from gateway.runtime import Gateway
from gateway.spend.reporting.cached_prompts import CachedPrompts
from gateway.spend.reporting.cached_prompts_store import PromptChoice
from gateway.spend.reporting.dates import Period, last_days, moment_of, parse_period, refuse
from gateway.spend.reporting.insights import Insights
from gateway.spend.reporting.insights_store import Metric

__all__ = ["ROUTE_HANDLERS"]

_Gateway = NamedDependency[Gateway]
_Date = FromQuery[str | None]
_Size = Annotated[int, QueryParameter(ge=1, le=100)]
_Content = dict[str, object]


def _rule(path: str) -> dict[str, RouteRule]:
    return {"rule": RouteRule(name=path, permit=allow(Resource.SPEND, Action.READ))}


def _period(gateway: Gateway, start: str | None, end: str | None) -> Period:
    return last_days(gateway.clock) if start is None and end is None else parse_period(start, end)


@get("/model-insights", opt=_rule("/model-insights"))
async def show_models(
    gateway: _Gateway, start_date: _Date = None, end_date: _Date = None, metric: FromQuery[Metric] = "tokens"
) -> _Content:
    """The models that were used most, of the last 30 days unless days are given."""
    period = _period(gateway, start_date, end_date)
    await bring_up_to_date(gateway)
    return await Insights(gateway.parts.reports.reader).models(period, metric)


@get("/model-insights/tasks", opt=_rule("/model-insights/tasks"))
async def show_tasks(
    gateway: _Gateway, start_date: _Date = None, end_date: _Date = None, metric: FromQuery[Metric] = "spend"
) -> _Content:
    """What models were asked for, by endpoint."""
    period = _period(gateway, start_date, end_date)
    await bring_up_to_date(gateway)
    return await Insights(gateway.parts.reports.reader).tasks(period, metric)


@get("/cost_optimization/prompt_caching/requests", opt=_rule("/cost_optimization/prompt_caching/requests"))
async def list_cached_prompts(
    gateway: _Gateway,
    start_date: FromQuery[datetime],
    end_date: FromQuery[datetime],
    page_size: _Size = 50,
    filter: FromQuery[Literal["all", "injected", "hits"]] = "all",  # noqa: A002  the contract's name
    cursor_start_time: FromQuery[datetime | None] = None,
    cursor_request_id: FromQuery[str | None] = None,
) -> _Content:
    """Requests that read from, or wrote to, prompt caches of providers, the newest first."""
    start, end = moment_of("start_date", start_date), moment_of("end_date", end_date)
    if end < start:
        raise refuse("end_date", "'end_date' must not be before 'start_date'.")
    if (cursor_start_time is None) != (cursor_request_id is None):
        missing = "cursor_start_time" if cursor_start_time is None else "cursor_request_id"
        raise refuse(missing, "'cursor_start_time' and 'cursor_request_id' go together.")
    choice = PromptChoice(
        start=start,
        end=end,
        kind=filter,
        before=moment_of("cursor_start_time", cursor_start_time) if cursor_start_time else None,
        before_id=cursor_request_id,
    )
    await bring_up_to_date(gateway)
    return await CachedPrompts(gateway.parts.reports.reader).page(choice, page_size)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (show_models, show_tasks, list_cached_prompts)
