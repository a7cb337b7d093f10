"""How much the gateway was used: `/global/activity*` and `/gateway/daily/activity`."""

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
from gateway.spend.reporting.cache_use import CacheUse
from gateway.spend.reporting.dates import parse_period
from gateway.spend.reporting.exceptions import ExceptionReports
from gateway.spend.reporting.totals import Totals
from gateway.spend.reporting.visibility import own_user

__all__ = ["ROUTE_HANDLERS"]

_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Date = FromQuery[str | None]
_Names = Annotated[list[str] | None, QueryParameter()]
_Content = dict[str, object]
_USERS = frozenset({Role.INTERNAL_USER, Role.ORG_ADMIN})
_OTHERS = (Party.CALLER,)


def _rule(path: str, roles: frozenset[Role] = frozenset()) -> dict[str, RouteRule]:
    permit = allow(Resource.SPEND, Action.READ, *(_OTHERS if roles else ()))
    return {"rule": RouteRule(name=path, permit=permit, roles=roles)}


@get("/global/activity", opt=_rule("/global/activity", _USERS))
async def show_activity(
    caller: _Caller, gateway: _Gateway, start_date: _Date = None, end_date: _Date = None
) -> _Content:
    """Requests and tokens per day; users see their own."""
    period = parse_period(start_date, end_date)
    await bring_up_to_date(gateway)
    return await Totals(gateway.parts.reports.reader).activity(period, own_user(caller))


@get("/global/activity/model", opt=_rule("/global/activity/model", _USERS))
async def show_models(
    caller: _Caller, gateway: _Gateway, start_date: _Date = None, end_date: _Date = None
) -> list[_Content]:
    """The same per model that requests asked for."""
    period = parse_period(start_date, end_date)
    await bring_up_to_date(gateway)
    return await Totals(gateway.parts.reports.reader).activity_by_model(period, own_user(caller))


@get("/global/activity/cache_hits", opt=_rule("/global/activity/cache_hits", _USERS))
async def show_cache_hits(
    caller: _Caller,
    gateway: _Gateway,
    start_date: _Date = None,
    end_date: _Date = None,
    key_aliases: _Names = None,
    models: _Names = None,
) -> _Content:
    """What of the prompts providers had in their caches, per key and model."""
    period = parse_period(start_date, end_date)
    await bring_up_to_date(gateway)
    use = CacheUse(gateway.parts.reports.reader)
    return await use.report(period, own_user(caller), tuple(key_aliases or ()), tuple(models or ()))


@get("/global/activity/exceptions", opt=_rule("/global/activity/exceptions"))
async def show_exceptions(
    gateway: _Gateway,
    model_group: FromQuery[str | None] = None,
    start_date: _Date = None,
    end_date: _Date = None,
) -> _Content:
    """How often the deployments of a model group were rate limited, per day."""
    period = parse_period(start_date, end_date)
    await bring_up_to_date(gateway)
    return await ExceptionReports(gateway.parts.reports.reader).of_group(
        need("model_group", model_group), period
    )


@get("/global/activity/exceptions/deployment", opt=_rule("/global/activity/exceptions/deployment"))
async def show_deployment_exceptions(
    gateway: _Gateway,
    model_group: FromQuery[str | None] = None,
    start_date: _Date = None,
    end_date: _Date = None,
) -> list[_Content]:
    """The same per deployment."""
    period = parse_period(start_date, end_date)
    await bring_up_to_date(gateway)
    return await ExceptionReports(gateway.parts.reports.reader).of_deployments(
        need("model_group", model_group), period
    )


@get("/gateway/daily/activity", opt=_rule("/gateway/daily/activity"))
async def show_gateway_activity(
    gateway: _Gateway, start_date: _Date = None, end_date: _Date = None
) -> _Content:
    """Requests that went well and that failed, per day and route."""
    period = parse_period(start_date, end_date)
    await bring_up_to_date(gateway)
    return await Totals(gateway.parts.reports.reader).gateway_activity(period)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    show_activity,
    show_models,
    show_cache_hits,
    show_exceptions,
    show_deployment_exceptions,
    show_gateway_activity,
)
