"""How much of a provider's bill the gateway has recorded: `/spend/capture_rate`."""

from typing import Annotated, Literal

from litestar import get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, QueryParameter

from gateway.access.rules import RouteRule
from gateway.errors import BadRequest
from gateway.manage.freshness import bring_up_to_date
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Resource
from gateway.runtime import Gateway
from gateway.spend.reporting.capture import CaptureRates
from gateway.spend.reporting.dates import parse_period, refuse
from gateway.upstream.openai_costs import read_openai_costs

__all__ = ["ROUTE_HANDLERS"]

_MOST_DAYS = 366
_MOST_PROJECTS = 100
_RULE = RouteRule(name="/spend/capture_rate", permit=allow(Resource.SPEND, Action.READ))
_Gateway = NamedDependency[Gateway]
_Date = FromQuery[str | None]


@get("/spend/capture_rate", opt={"rule": _RULE})
async def show_capture_rate(
    gateway: _Gateway,
    start_date: _Date = None,
    end_date: _Date = None,
    provider: FromQuery[Literal["openai"]] = "openai",
    threshold: FromQuery[float] = 0.9,
    project_ids: Annotated[list[str] | None, QueryParameter()] = None,
) -> dict[str, object]:
    """Compare what was recorded of a provider's models with what the provider says that it has charged."""
    period = parse_period(start_date, end_date)
    if period.days > _MOST_DAYS:
        raise refuse("end_date", f"At most {_MOST_DAYS} days are compared.")
    if not 0 <= threshold <= 1:
        raise refuse("threshold", "'threshold' is a part, from 0 to 1.")
    projects = project_ids or []
    if len(projects) > _MOST_PROJECTS:
        raise refuse("project_ids", f"At most {_MOST_PROJECTS} projects are asked for.")
    costs = gateway.snapshot.settings.gatewright.openai_costs
    if costs is None:
        message = "The gateway has no admin key of OpenAI: set 'gatewright.openai_costs.admin_key'."
        raise BadRequest(message, param="provider", type="bad_request")
    await bring_up_to_date(gateway)
    fetcher = gateway.parts.clients.fetcher
    charged = await read_openai_costs(
        fetcher, costs.api_base, costs.admin_key, period.start, period.end, projects
    )
    return await CaptureRates(gateway.parts.reports.reader).report(period, provider, charged, threshold)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (show_capture_rate,)
