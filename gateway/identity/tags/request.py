"""The bodies of the tag routes, with the contract's names."""

import msgspec

from gateway.identity.budgets.request import BudgetMembers

__all__ = ["NewTagRequest", "TagRequest", "TagsRequest"]


class NewTagRequest(BudgetMembers, frozen=True, kw_only=True):
    """`POST /tag/new`: a tag, with the budget that it names or brings along; `models` are deployments.

    `POST /tag/update` has the same members, and changes those that were sent.
    """

    name: str
    description: str | None = None
    models: list[str] | None = None
    model_info: dict[str, object] | None = None
    budget_id: str | None = None


class TagRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /tag/delete`."""

    name: str


class TagsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /tag/info`."""

    names: list[str]
