"""The body of `POST /customer/new`, with the contract's names."""

from datetime import datetime
from typing import Literal

from gateway.identity.budgets.request import BudgetMembers
from gateway.identity.keys.request import ObjectPermission

__all__ = ["NewCustomerRequest"]


class NewCustomerRequest(BudgetMembers, frozen=True, kw_only=True):
    """A customer, with the budget that it names or brings along."""

    user_id: str
    alias: str | None = None
    blocked: bool | None = None
    spend: float | None = None
    allowed_model_region: Literal["eu", "us"] | None = None
    default_model: str | None = None
    models: list[str] | None = None
    budget_id: str | None = None
    budget_reset_at: datetime | None = None
    object_permission: ObjectPermission | None = None
