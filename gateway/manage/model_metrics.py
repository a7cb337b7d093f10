"""How long deployments took and what they failed with: `/model/metrics` and its like."""

from datetime import datetime
from typing import Annotated

from litestar import get
from litestar.di import NamedDependency, Provide
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, QueryParameter

from gateway.access.rules import RouteRule
from gateway.manage.freshness import bring_up_to_date
from gateway.manage.parameters import read_key
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Resource
from gateway.runtime import Gateway
from gateway.spend.reporting.dates import Period, day_of, last_days, refuse
from gateway.spend.reporting.latencies import Latencies
from gateway.spend.reporting.latencies_store import MeasuredChoice

__all__ = ["ROUTE_HANDLERS"]

_Gateway = NamedDependency[Gateway]
_Choice = NamedDependency[MeasuredChoice]
_Group = Annotated[str | None, QueryParameter(name="_selected_model_group")]
_Text = FromQuery[str | None]
_Moment = FromQuery[datetime | None]
_Content = dict[str, object]


def _rule(path: str) -> dict[str, RouteRule]:
    return {"rule": RouteRule(name=path, permit=allow(Resource.SPEND, Action.READ))}


async def choose_requests(
    gateway: _Gateway,
    model_group: _Group = None,
    startTime: _Moment = None,  # noqa: N803  the contract's name, which refusals tell
    endTime: _Moment = None,  # noqa: N803  as above
    api_key: _Text = None,
    customer: _Text = None,
) -> MeasuredChoice:
    """Read which requests are measured: those of the last 30 days unless times are given."""
    usual = last_days(gateway.clock)
    first = day_of("startTime", startTime) if startTime else usual.start
    last = day_of("endTime", endTime) if endTime else max(usual.end, first)
    if last < first:
        raise refuse("endTime", "'endTime' must not be before 'startTime'.")
    return MeasuredChoice(
        period=Period(first, last),
        model_group=model_group or None,
        api_key=read_key(api_key),
        end_user=customer or None,
    )


_CHOOSE = {"choice": Provide(choose_requests)}


async def _latencies(gateway: Gateway) -> Latencies:
    await bring_up_to_date(gateway)
    return Latencies(gateway.parts.reports.reader)


@get("/model/metrics", opt=_rule("/model/metrics"), dependencies=_CHOOSE)
async def show_latencies(gateway: _Gateway, choice: _Choice) -> _Content:
    """Seconds per generated token, per day and deployment."""
    return await (await _latencies(gateway)).per_token(choice)


@get("/model/streaming_metrics", opt=_rule("/model/streaming_metrics"), dependencies=_CHOOSE)
async def show_first_tokens(gateway: _Gateway, choice: _Choice) -> _Content:
    """Seconds until a stream began, per day and deployment."""
    return await (await _latencies(gateway)).to_first_token(choice)


@get("/model/metrics/slow_responses", opt=_rule("/model/metrics/slow_responses"), dependencies=_CHOOSE)
async def show_slow_answers(gateway: _Gateway, choice: _Choice) -> list[_Content]:
    """How many answers of each deployment took longer than `alerting_threshold`."""
    seconds = gateway.snapshot.settings.general.alerting_threshold_seconds
    return await (await _latencies(gateway)).slow(choice, seconds)


@get("/model/metrics/exceptions", opt=_rule("/model/metrics/exceptions"), dependencies=_CHOOSE)
async def show_exceptions(gateway: _Gateway, choice: _Choice) -> _Content:
    """How often each deployment failed with what; `api_key` and `customer` are not known of failures."""
    return await (await _latencies(gateway)).exceptions(choice.period, choice.model_group)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    show_latencies,
    show_first_tokens,
    show_slow_answers,
    show_exceptions,
)
