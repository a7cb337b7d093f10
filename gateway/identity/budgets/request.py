"""The bodies of the budget routes, and the budget members that other resources take inline."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from gateway.identity.faults import Faults
from gateway.identity.values import check_soft_budget

__all__ = [
    "BUDGET_FIELDS",
    "BudgetMembers",
    "BudgetRequest",
    "BudgetsRequest",
    "DeleteBudgetRequest",
    "InlineBudget",
    "check_budget",
    "inline_budget",
]


class BudgetMembers(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of a budget row. Money is USD, rates are per minute; None is no limit."""

    max_budget: float | None = None
    soft_budget: float | None = None
    max_parallel_requests: int | None = None
    tpm_limit: int | None = None
    rpm_limit: int | None = None
    tpd_limit: int | None = None
    model_max_budget: dict[str, object] | None = None
    budget_duration: str | None = None


class InlineBudget(BudgetMembers, frozen=True, kw_only=True):
    """A budget that an organization or a project brings along, or the one that it names."""

    budget_id: str | None = None
    allowed_models: list[str] | None = None
    temp_budget_increase: float | None = None
    temp_budget_expiry: datetime | None = None


class BudgetRequest(BudgetMembers, frozen=True, kw_only=True):
    """`POST /budget/new` and `/budget/update`."""

    budget_id: str | None = None
    budget_reset_at: datetime | None = None
    allowed_models: list[str] | None = None
    temp_budget_increase: float | None = None
    temp_budget_expiry: datetime | None = None


class BudgetsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /budget/info`."""

    budgets: list[str]


class DeleteBudgetRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /budget/delete`."""

    id: str


BUDGET_FIELDS = (
    *BudgetMembers.__struct_fields__,
    "allowed_models",
    "temp_budget_increase",
    "temp_budget_expiry",
)
"""Members that are columns of a budget row."""


def inline_budget(members: Mapping[str, object]) -> dict[str, object]:
    """Those of the members that make a budget, without the ones that were left out."""
    return {name: members[name] for name in BUDGET_FIELDS if members.get(name) is not None}


def check_budget(faults: Faults, members: Mapping[str, object]) -> None:
    """Note what contradicts itself: a warning above the limit, half of a temporary increase."""
    soft, most = members.get("soft_budget"), members.get("max_budget")
    if isinstance(soft, int | float) and isinstance(most, int | float):
        check_soft_budget(faults, soft, most)
    increase, expiry = members.get("temp_budget_increase"), members.get("temp_budget_expiry")
    if (increase is None) != (expiry is None):
        missing = "temp_budget_expiry" if expiry is None else "temp_budget_increase"
        faults.add(missing, "temp_budget_increase and temp_budget_expiry go together.")
