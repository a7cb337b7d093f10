"""The bodies of the customer routes, with the contract's names."""

from datetime import datetime
from typing import Literal

import msgspec

from gateway.identity.budgets.request import BudgetMembers
from gateway.identity.keys.request import ObjectPermission

__all__ = ["CustomersRequest", "NewCustomerRequest", "UpdateCustomerRequest"]


class UpdateCustomerRequest(BudgetMembers, frozen=True, kw_only=True):
    """What changes of a customer; limits are those of its own budget."""

    user_id: str
    alias: str | None = None
    blocked: bool | None = None
    allowed_model_region: Literal["eu", "us"] | None = None
    default_model: str | None = None
    models: list[str] | None = None
    budget_id: str | None = None
    object_permission: ObjectPermission | None = None


class NewCustomerRequest(UpdateCustomerRequest, frozen=True, kw_only=True):
    """A customer, with the budget that it names or brings along."""

    spend: float | None = None
    budget_reset_at: datetime | None = None


class CustomersRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /customer/delete`, `/customer/block` and `/customer/unblock`."""

    user_ids: list[str]
