"""Where the budgets of providers, and of access groups of models, stand."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from gateway.admission.periods import end_of_period
from gateway.clock import datetime_from_nanos
from gateway.domain import Limit, LimitKind, Scope, ScopeKind
from gateway.identity.reset_calendar import build_reset_calendar
from gateway.money import usd_from_nanos
from gateway.runtime import Gateway
from gateway.settings.budgets import BudgetSetting
from gateway.spend.reporting.meters_store import load_place_spend

__all__ = ["PlaceStanding", "list_group_budgets", "list_provider_budgets"]

_NANOS_PER_MS = 1_000_000


class PlaceStanding(msgspec.Struct, frozen=True, kw_only=True):
    """A budget and what was spent of it, in USD; without a period it never starts anew."""

    limit: float
    period: str | None
    spend: float
    resets_at: datetime | None


async def list_provider_budgets(gateway: Gateway) -> dict[str, dict[str, object]]:
    """Limit, period, spend (USD, of all workers) and next reset by provider; what is drained counts.

    Raises DatabaseUnavailable.
    """
    budgets = gateway.snapshot.settings.router.provider_budgets
    found = await _list_standings(gateway, ScopeKind.PROVIDER, budgets)
    return {
        provider: {
            "budget_limit": one.limit,
            "time_period": one.period,
            "spend": one.spend,
            "budget_reset_at": one.resets_at,
        }
        for provider, one in found.items()
    }


async def list_group_budgets(
    gateway: Gateway, budgets: Mapping[str, BudgetSetting] | None = None
) -> dict[str, PlaceStanding]:
    """The standing of each access group of models that has a budget, or of these budgets.

    Raises DatabaseUnavailable.
    """
    if budgets is None:
        budgets = gateway.snapshot.settings.router.access_group_budgets
    return await _list_standings(gateway, ScopeKind.ACCESS_GROUP, budgets) if budgets else {}


async def _list_standings(
    gateway: Gateway, kind: ScopeKind, budgets: Mapping[str, BudgetSetting]
) -> dict[str, PlaceStanding]:
    now = gateway.clock.now_nanos()
    calendar = build_reset_calendar(gateway.snapshot.settings)
    spent = await load_place_spend(gateway.parts.reports.reader, kind, now // _NANOS_PER_MS)
    found: dict[str, PlaceStanding] = {}
    for name, budget in budgets.items():
        limit = Limit(
            scope=Scope(kind, name), kind=LimitKind.BUDGET, amount=budget.nanos, period=budget.period
        )
        ends = end_of_period(limit, now, calendar) if budget.period else 0
        found[name] = PlaceStanding(
            limit=usd_from_nanos(budget.nanos),
            period=budget.period or None,
            spend=usd_from_nanos(spent.get((name, budget.period, ends // _NANOS_PER_MS), 0)),
            resets_at=datetime_from_nanos(ends) if ends else None,
        )
    return found
