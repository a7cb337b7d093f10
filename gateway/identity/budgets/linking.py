"""The budget row that a resource names, brings along, or has its own limits in."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gateway.audit.changes import Audited, created, updated
from gateway.db.rows import Columns
from gateway.domain import Principal
from gateway.identity.budgets.request import BUDGET_FIELDS, check_budget, inline_budget
from gateway.identity.faults import Faults
from gateway.identity.records import Records
from gateway.identity.rights import actor_of

__all__ = [
    "check_link",
    "check_relink",
    "link_budget",
    "make_own_budget",
    "make_own_budgets",
    "relink_budget",
]


async def check_link(records: Records, faults: Faults, sent: Mapping[str, Any]) -> None:
    """Note a budget that is not there, two at once, and limits that contradict each other.

    Raises DatabaseUnavailable.
    """
    check_budget(faults, sent)
    await _check_named(records, faults, sent)


async def check_relink(
    records: Records, faults: Faults, sent: Mapping[str, Any], budget_id: str | None
) -> Columns:
    """Do so for a resource that has this budget, or none; returns its row, held for change.

    Members that were not sent stay as they are in it: limits are judged as they will be. Raises
    DatabaseUnavailable.
    """
    budget: Columns | None = None
    if budget_id is not None and _sent_limits(sent):
        budget = await records.budgets.lock(budget_id)
    check_budget(faults, {**(budget or {}), **sent})
    await _check_named(records, faults, sent)
    return budget or {}


async def link_budget(records: Records, caller: Principal, sent: Mapping[str, Any]) -> str | None:
    """The id of the named budget, or of one that is made of the inline members; None without either."""
    if sent.get("budget_id") is not None:
        return str(sent["budget_id"])
    inline = inline_budget(sent)
    return await make_own_budget(records, caller, inline, sent.get("budget_reset_at")) if inline else None


async def relink_budget(
    records: Records,
    caller: Principal,
    sent: Mapping[str, Any],
    budget: Columns,
    everybodys: str | None,
) -> dict[str, str | None]:
    """The change of the column `budget_id` when these members were sent; `budget` is from `check_relink`.

    Limits change in the resource's own row. One that others follow too, or everybody (`everybodys`), is
    left as it is for them, and a copy made: who changes one resource means that one.
    """
    if "budget_id" in sent:
        return {"budget_id": await link_budget(records, caller, sent)}
    limits = _sent_limits(sent)
    if not budget:
        made = await link_budget(records, caller, limits)
        return {} if made is None else {"budget_id": made}
    budget_id: str = budget["budget_id"]
    owners = await records.budgets.list_owners(budget_id, 2)
    if budget_id != everybodys and len(owners) < 2:  # noqa: PLR2004  itself, and no other
        changed = await records.change_budget(budget_id, limits, actor_of(caller))
        await records.audit.record(caller, updated(Audited.BUDGET, budget_id, budget, changed))
        return {}
    stored = {name: budget[name] for name in BUDGET_FIELDS}
    # A period that is under way goes on.
    reset_at = None if "budget_duration" in limits else budget["budget_reset_at"]
    return {
        "budget_id": await make_own_budget(records, caller, inline_budget({**stored, **limits}), reset_at)
    }


async def make_own_budget(
    records: Records, caller: Principal, limits: Mapping[str, object], reset_at: datetime | None = None
) -> str:
    """Make a budget row of these limits; returns its id. Raises DatabaseUnavailable."""
    [budget_id] = await make_own_budgets(records, caller, limits, 1)
    if reset_at is not None:
        await records.budgets.update(budget_id, {"budget_reset_at": reset_at})
    return budget_id


async def make_own_budgets(
    records: Records, caller: Principal, limits: Mapping[str, object], count: int
) -> list[str]:
    """Make so many budget rows of these limits; returns their ids. Raises DatabaseUnavailable."""
    made = await records.make_budgets(limits, count, actor_of(caller))
    rows = (created(Audited.BUDGET, name, {"budget_id": name, **limits}) for name in made)
    await records.audit.record(caller, *rows)
    return made


async def _check_named(records: Records, faults: Faults, sent: Mapping[str, Any]) -> None:
    budget_id = sent.get("budget_id")
    if budget_id is None:
        return
    inline = inline_budget(sent)
    if inline:
        faults.add("budget_id", f"names a budget, so it cannot go with {', '.join(inline)}.")
    elif not await records.budgets.hold(budget_id):
        faults.add("budget_id", f"Budget not found. Budget ID: {budget_id}")


def _sent_limits(sent: Mapping[str, Any]) -> dict[str, object]:
    """The sent members that are columns of a budget row, null ones too."""
    return {name: sent[name] for name in BUDGET_FIELDS if name in sent}
