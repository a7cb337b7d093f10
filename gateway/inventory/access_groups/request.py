"""The bodies of the routes of models' access groups, with the contract's names."""

import msgspec

__all__ = ["GroupBudgetRequest", "NewModelGroupRequest", "UpdateModelGroupRequest"]


class UpdateModelGroupRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which models a group has: all deployments of some names, or, if any is given, those of some ids."""

    model_names: list[str] | None = None
    model_ids: list[str] | None = None


class NewModelGroupRequest(UpdateModelGroupRequest, frozen=True, kw_only=True):
    """`POST /access_group/new`."""

    access_group: str


class GroupBudgetRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`PUT /access_group/{access_group}/budget`: USD per duration; `budget_id` names a row to copy from."""

    budget_id: str | None = None
    max_budget: float | None = None
    soft_budget: float | None = None
    budget_duration: str | None = None
