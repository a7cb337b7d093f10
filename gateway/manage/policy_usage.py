"""What policies did: `/policies/usage/overview`."""

from typing import Annotated

from litestar import get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from gateway.access.rules import RouteRule
from gateway.manage.freshness import bring_up_to_date
from gateway.manage.guardrail_usage import period_of
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Resource
from gateway.runtime import Gateway
from gateway.spend.reporting.guardrail_usage import GuardrailFacts, GuardrailUsage
from gateway.spend.reporting.guardrail_usage_store import POLICIES

__all__ = ["ROUTE_HANDLERS"]

_Gateway = NamedDependency[Gateway]
_Text = Annotated[str | None, QueryParameter(max_length=1_024)]


@get(
    "/policies/usage/overview",
    opt={"rule": RouteRule(name="/policies/usage/overview", permit=allow(Resource.POLICY, Action.READ))},
)
async def show_overview(
    gateway: _Gateway, start_date: _Text = None, end_date: _Text = None
) -> dict[str, object]:
    """How many requests the guardrails of each policy saw, refused and masked."""
    await bring_up_to_date(gateway)
    known = {
        policy.policy_id: GuardrailFacts(policy.policy_id, "policy", policy.entry.description, policy.name)
        for policy in gateway.snapshot.core.policies.policies.values()
    }
    usage = GuardrailUsage(gateway.parts.reports.reader, known, POLICIES)
    return await usage.overview(period_of(gateway, start_date, end_date))


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (show_overview,)
