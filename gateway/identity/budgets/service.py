"""The rules of making, changing, showing and deleting budget rows."""

from collections.abc import Mapping
from typing import Any

from gateway.audit.changes import Audited, created, deleted, updated
from gateway.db.rows import Columns
from gateway.domain import Principal, Role, ScopeKind
from gateway.errors import BadRequest
from gateway.identity.budgets.request import BUDGET_FIELDS, check_budget
from gateway.identity.faults import Faults
from gateway.identity.pages import Listed, Page, cut
from gateway.identity.records import Records
from gateway.identity.rights import actor_of
from gateway.identity.values import check_members

__all__ = ["BudgetService"]

_MOST_OWNERS = 200
_READERS = frozenset({Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER})


class BudgetService:
    """Budget rows on behalf of proxy admins; a change is announced by everything that the row limits.

    All methods raise DatabaseUnavailable, and BadRequest for values that cannot be and rows that are not
    there.
    """

    def __init__(self, records: Records) -> None:
        self._records = records

    async def create(self, caller: Principal, sent: Mapping[str, Any], everybodys: str | None) -> Columns:
        """Make a budget row, which limits nothing until something refers to it; returns it.

        `everybodys` is the id of the budget of end users who have none.
        """
        self._check(sent, sent)
        values = {name: value for name, value in sent.items() if value is not None}
        values |= self._reset(sent)
        actor = actor_of(caller)
        async with self._records.transaction():
            made = await self._records.budgets.insert(values | {"created_by": actor, "updated_by": actor})
            if made is None:
                raise _refuse("budget_id", f"Budget already exists. Budget ID: {sent['budget_id']}")
            await self._records.audit.record(caller, created(Audited.BUDGET, made["budget_id"], made))
            await self._announce(made["budget_id"], everybodys)
        return made

    async def update(self, caller: Principal, sent: Mapping[str, Any], everybodys: str | None) -> Columns:
        """Change what was sent, null clearing it."""
        budget_id = sent.get("budget_id")
        if not budget_id:
            raise _refuse("budget_id", "Name the budget to change.")
        async with self._records.transaction():
            row = await self._records.budgets.lock(budget_id)
            if row is None:
                raise _not_found(budget_id)
            self._check(sent, {**row, **sent})
            changes = {name: sent[name] for name in BUDGET_FIELDS if name in sent} | self._reset(sent)
            changed = await self._records.budgets.update(
                budget_id, changes | {"updated_by": actor_of(caller)}
            )
            await self._records.audit.record(caller, updated(Audited.BUDGET, budget_id, row, changed))
            await self._announce(budget_id, everybodys)
        return changed

    async def info(self, budget_ids: list[str]) -> list[Columns]:
        """The rows of these budgets that are there."""
        faults = Faults()
        if not budget_ids:
            faults.add("budgets", "Name the budgets to show.")
        check_members(faults, {"budgets": budget_ids})
        faults.refuse()
        return await self._records.budgets.find_any(budget_ids)

    async def list_all(self, caller: Principal, page: Page) -> Listed:
        """Budget rows in the order of their ids."""
        _check_may_read(caller)
        return cut(await self._records.budgets.list_after(page.after, page.most + 1), page, "budget_id")

    async def list_page(self, caller: Principal, number: int, size: int) -> Columns:
        """A page of budget rows, counted from 1, with the number of all of them."""
        _check_may_read(caller)
        total = await self._records.budgets.count()
        ids = await self._records.budgets.list_ids((number - 1) * size, size)
        pages = -(-total // size)
        meta = {"total_count": total, "page": number, "page_size": size, "total_pages": pages}
        return {"data": await self._records.budgets.find_any(ids), "meta": meta}

    async def find(self, caller: Principal, budget_id: str) -> Columns:
        """One budget row."""
        _check_may_read(caller)
        row = await self._records.budgets.find(budget_id)
        if row is None:
            raise _not_found(budget_id)
        return row

    async def delete(self, caller: Principal, budget_id: str, everybodys: str | None) -> Columns:
        """Remove a budget row: nothing limits its owners then, and an organization cannot be without one."""
        async with self._records.transaction():
            row = await self._records.budgets.lock(budget_id)
            if row is None:
                raise _not_found(budget_id)
            owners = await self._records.budgets.list_owners(budget_id, _MOST_OWNERS)
            organizations = [owner.id for owner in owners if owner.kind is ScopeKind.ORGANIZATION]
            if organizations:
                raise _refuse(
                    "id", f"Organization {organizations[0]} has this budget; give it another first."
                )
            await self._announce(budget_id, everybodys)
            await self._records.budgets.delete(budget_id)
            await self._records.audit.record(caller, deleted(Audited.BUDGET, budget_id, row))
        return row

    async def _announce(self, budget_id: str, everybodys: str | None) -> None:
        owners = await self._records.budgets.list_owners(budget_id, _MOST_OWNERS)
        if len(owners) == _MOST_OWNERS or budget_id == everybodys:
            await self._records.notices.announce_everything()
        else:
            await self._records.notices.announce(owners)

    def _check(self, sent: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        faults = Faults()
        check_members(faults, sent)
        check_budget(faults, after)
        reset_at = sent.get("budget_reset_at")
        if reset_at is not None and reset_at.astimezone() <= self._records.now():
            faults.add("budget_reset_at", "must be in the future.")
        faults.refuse()

    def _reset(self, sent: Mapping[str, Any]) -> dict[str, object]:
        """The next reset: the one that was sent, else the one of the sent duration."""
        if sent.get("budget_reset_at") is not None:
            return {"budget_reset_at": sent["budget_reset_at"]}
        if "budget_duration" in sent:
            return {"budget_reset_at": self._records.reset_at(sent["budget_duration"])}
        return {}


def _check_may_read(caller: Principal) -> None:
    if caller.role not in _READERS:
        role = caller.role.value if caller.role else "unknown"
        raise _refuse("role", f"Admin-only endpoint. Not allowed to access this. Your role={role}")


def _refuse(path: str, message: str) -> BadRequest:
    return BadRequest(message, param=path, type="bad_request_error")


def _not_found(budget_id: str) -> BadRequest:
    return _refuse("budget_id", f"Budget not found. Budget ID: {budget_id}")
