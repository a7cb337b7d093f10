"""What guardrails did: `/guardrails/usage/overview`, `/detail` and `/logs`."""

from typing import Annotated

from litestar import get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from gateway.access.rules import RouteRule
from gateway.domain import Role
from gateway.errors import BadRequest
from gateway.manage.freshness import bring_up_to_date
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway
from gateway.spend.reporting.dates import Period, last_days, parse_period
from gateway.spend.reporting.guardrail_usage import ACTIONS, GuardrailFacts, GuardrailUsage
from gateway.spend.reporting.guardrail_usage_store import LogChoice

__all__ = ["ROUTE_HANDLERS", "period_of"]

_DETAIL = "/guardrails/usage/detail/{guardrail_id}"
_Gateway = NamedDependency[Gateway]
_Text = Annotated[str | None, QueryParameter(max_length=1_024)]
_Page = Annotated[int, QueryParameter(ge=1, le=1_000_000)]
_Size = Annotated[int, QueryParameter(ge=1, le=500)]
_ORGANIZERS = frozenset({Role.ORG_ADMIN})
_SEE = allow(Resource.GUARDRAIL, Action.READ)
_SEE_WIDELY = allow(Resource.GUARDRAIL, Action.READ, Party.ORGANIZATION_ADMIN)


@get(
    "/guardrails/usage/overview",
    opt={"rule": RouteRule(name="/guardrails/usage/overview", permit=_SEE_WIDELY, roles=_ORGANIZERS)},
)
async def show_overview(
    gateway: _Gateway, start_date: _Text = None, end_date: _Text = None
) -> dict[str, object]:
    """How many requests each guardrail saw, refused and masked."""
    await bring_up_to_date(gateway)
    return await _usage(gateway).overview(period_of(gateway, start_date, end_date))


@get("/guardrails/usage/detail/{guardrail_id:str}", opt={"rule": RouteRule(name=_DETAIL, permit=_SEE)})
async def show_detail(
    gateway: _Gateway, guardrail_id: FromPath[str], start_date: _Text = None, end_date: _Text = None
) -> dict[str, object]:
    """What one guardrail did, by its name or its id, day by day."""
    await bring_up_to_date(gateway)
    return await _usage(gateway).detail(guardrail_id, period_of(gateway, start_date, end_date))


@get("/guardrails/usage/logs", opt={"rule": RouteRule(name="/guardrails/usage/logs", permit=_SEE)})
async def list_logs(
    gateway: _Gateway,
    guardrail_id: _Text = None,
    policy_id: _Text = None,
    page: _Page = 1,
    page_size: _Size = 50,
    action: _Text = None,
    start_date: _Text = None,
    end_date: _Text = None,
) -> dict[str, object]:
    """The requests that guardrails saw, the latest first."""
    if action is not None and action not in ACTIONS:
        raise BadRequest(f"'action' is one of {', '.join(ACTIONS)}.", param="action", type="bad_request")
    await bring_up_to_date(gateway)
    actions = None if action is None else ACTIONS[action]
    choice = LogChoice(guardrail=guardrail_id, policy=policy_id, actions=actions)
    return await _usage(gateway).logs(period_of(gateway, start_date, end_date), choice, page, page_size)


def period_of(gateway: Gateway, start: str | None, end: str | None) -> Period:
    """The days that are asked for; the last thirty where none are."""
    first, last = last_days(gateway.clock).bounds
    return parse_period(start or first, end or last)


def _usage(gateway: Gateway) -> GuardrailUsage:
    known = {
        item.entry.name: GuardrailFacts(
            item.entry.name if item.row is None else item.row.guardrail_id,
            item.entry.kind,
            str(item.entry.info.get("description", "")),
        )
        for item in gateway.snapshot.core.guardrails
    }
    return GuardrailUsage(gateway.parts.reports.reader, known)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (show_overview, show_detail, list_logs)
