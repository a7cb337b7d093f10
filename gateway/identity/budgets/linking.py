"""The budget row that a new resource names or brings along."""

from collections.abc import Mapping
from typing import Any

from gateway.identity.budgets.request import check_budget, inline_budget
from gateway.identity.faults import Faults
from gateway.identity.records import Records

__all__ = ["check_link", "link_budget"]


async def check_link(records: Records, faults: Faults, sent: Mapping[str, Any]) -> None:
    """Note a budget that is not there, two at once, and limits that contradict each other.

    Raises DatabaseUnavailable.
    """
    check_budget(faults, sent)
    budget_id = sent.get("budget_id")
    if budget_id is None:
        return
    inline = inline_budget(sent)
    if inline:
        faults.add("budget_id", f"names a budget, so it cannot go with {', '.join(inline)}.")
    elif not await records.budgets.hold(budget_id):
        faults.add("budget_id", f"Budget not found. Budget ID: {budget_id}")


async def link_budget(records: Records, sent: Mapping[str, Any], actor: str) -> str | None:
    """The id of the named budget, or of one that is made of the inline members; None without either."""
    if sent.get("budget_id") is not None:
        return str(sent["budget_id"])
    inline = inline_budget(sent)
    if not inline:
        return None
    budget_id = await records.make_budget(inline, actor)
    if sent.get("budget_reset_at") is not None:
        await records.budgets.update(budget_id, {"budget_reset_at": sent["budget_reset_at"]})
    return budget_id
