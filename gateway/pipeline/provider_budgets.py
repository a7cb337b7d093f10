"""Where the budgets of providers stand."""

from gateway.admission.periods import end_of_period
from gateway.clock import datetime_from_nanos
from gateway.domain import Limit, LimitKind, Scope, ScopeKind
from gateway.identity.reset_calendar import build_reset_calendar
from gateway.money import usd_from_nanos
from gateway.runtime import Gateway
from gateway.spend.reporting.meters_store import load_provider_spend

__all__ = ["list_provider_budgets"]

_NANOS_PER_MS = 1_000_000


async def list_provider_budgets(gateway: Gateway) -> dict[str, dict[str, object]]:
    """Limit, period, spend (USD, of all workers) and next reset by provider; what is drained counts.

    Raises DatabaseUnavailable.
    """
    settings, now = gateway.snapshot.settings, gateway.clock.now_nanos()
    calendar = build_reset_calendar(settings)
    spent = await load_provider_spend(gateway.parts.reports.reader, now // _NANOS_PER_MS)
    found: dict[str, dict[str, object]] = {}
    for provider, budget in settings.router.provider_budgets.items():
        scope = Scope(ScopeKind.PROVIDER, provider)
        limit = Limit(scope=scope, kind=LimitKind.BUDGET, amount=budget.nanos, period=budget.period)
        ends = end_of_period(limit, now, calendar) if budget.period else 0
        found[provider] = {
            "budget_limit": usd_from_nanos(budget.nanos),
            "time_period": budget.period or None,
            "spend": usd_from_nanos(spent.get((provider, budget.period, ends // _NANOS_PER_MS), 0)),
            "budget_reset_at": datetime_from_nanos(ends) if ends else None,
        }
    return found
