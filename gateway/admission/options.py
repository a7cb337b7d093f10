"""How the ledger judges, from the settings."""

import msgspec

from gateway.admission.accounts import INPUT, OUTPUT, TOTAL
from gateway.admission.store import GATEWAY_SCOPE
from gateway.domain import Limit, LimitKind, Subject
from gateway.settings import Settings

__all__ = ["LedgerOptions", "build_ledger_options"]

_TOKENS = {"total": TOTAL, "input": INPUT, "output": OUTPUT}


class LedgerOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How the ledger judges.

    `is_strict` refuses a request whose estimate does not fit, instead of one whose budget is used up.
    `budget_status` is the HTTP status of a spent budget. `tokens_counted` is what limits of `tokens` go by.
    `common` is a subject of every request: the gateway as a whole, where it has a budget.
    `outage_allowance_nanos` is what a scope may hold while shared counters cannot be asked; None: nothing
    that is limited is admitted then.
    """

    is_strict: bool = False
    budget_status: int = 422
    tokens_counted: int = TOTAL
    common: Subject | None = None
    outage_allowance_nanos: int | None = None


def build_ledger_options(settings: Settings) -> LedgerOptions:
    """The options that a configuration sets."""
    own = settings.gatewright
    return LedgerOptions(
        is_strict=own.budget_mode == "strict",
        budget_status=settings.litellm.budget_exceeded_status_code,
        tokens_counted=_TOKENS[settings.general.token_rate_limit_type],
        common=_build_gateway(settings),
        outage_allowance_nanos=own.redis_allowance_nanos if own.redis_outage == "allow" else None,
    )


def _build_gateway(settings: Settings) -> Subject | None:
    nanos = settings.litellm.max_budget_nanos
    if nanos is None:
        return None
    limit = Limit(scope=GATEWAY_SCOPE, kind=LimitKind.BUDGET, amount=nanos, name="the whole gateway")
    return Subject(scope=GATEWAY_SCOPE, name=limit.name, limits=(limit,))
