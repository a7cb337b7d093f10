"""How the ledger judges, from the settings."""

import msgspec

from gateway.admission.accounts import INPUT, OUTPUT, TOTAL
from gateway.settings import Settings

__all__ = ["LedgerOptions", "build_ledger_options"]

_TOKENS = {"total": TOTAL, "input": INPUT, "output": OUTPUT}


class LedgerOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How the ledger judges.

    `is_strict` refuses a request whose estimate does not fit, instead of one whose budget is used up.
    `budget_status` is the HTTP status of a spent budget. `tokens_counted` is what limits of `tokens` go by.
    """

    is_strict: bool = False
    budget_status: int = 422
    tokens_counted: int = TOTAL


def build_ledger_options(settings: Settings) -> LedgerOptions:
    """The options that a configuration sets."""
    return LedgerOptions(
        is_strict=settings.gatewright.budget_mode == "strict",
        budget_status=settings.litellm.budget_exceeded_status_code,
        tokens_counted=_TOKENS[settings.general.token_rate_limit_type],
    )
