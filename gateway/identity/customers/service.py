"""The rules of making, changing, blocking, deleting and showing customers."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from gateway.audit.changes import Action, Audited, Change, created, deleted, updated
from gateway.db.rows import Columns
from gateway.domain import Principal, Scope, ScopeKind
from gateway.errors import BadRequest, NotFound, ValidationFailed
from gateway.identity.budgets.linking import check_link, check_relink, link_budget, relink_budget
from gateway.identity.budgets.request import inline_budget
from gateway.identity.customers.request import NewCustomerRequest
from gateway.identity.faults import Faults
from gateway.identity.linked_rows import with_links
from gateway.identity.pages import Listed, Page, cut
from gateway.identity.records import Records
from gateway.identity.values import check_members, check_name_of_requests

__all__ = ["CustomerService"]

_CHANGED = ("alias", "blocked", "allowed_model_region", "default_model", "models")
_COLUMNS = ("user_id", "spend", *_CHANGED)
_MOST_NAMED = 20


class CustomerService:
    """Customers on behalf of proxy admins; every change is one transaction that announces itself.

    All methods raise DatabaseUnavailable.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._rows = records.customers

    async def create(
        self, caller: Principal, request: NewCustomerRequest, has_model: Callable[[str], bool]
    ) -> Columns:
        """Make a customer; returns its row with budget and permission.

        Raises BadRequest for a customer who is there and values that cannot be, ValidationFailed for a
        default model that `has_model` does not know and for two budgets at once.
        """
        sent = {name: value for name, value in msgspec.structs.asdict(request).items() if value is not None}
        _check_choices(sent, has_model)
        async with self._records.transaction():
            faults = Faults()
            check_members(faults, sent)
            check_name_of_requests(faults, "user_id", request.user_id)
            await check_link(self._records, faults, sent)
            reset_at = sent.get("budget_reset_at")
            if reset_at is not None and reset_at.astimezone() <= self._records.now():
                faults.add("budget_reset_at", "must be in the future.")
            faults.refuse()
            values = {name: sent[name] for name in _COLUMNS if name in sent}
            values["budget_id"] = await link_budget(self._records, caller, sent)
            values |= await self._records.change_permission(caller, None, sent)
            row = await self._rows.insert(values)
            if row is None:
                message = f"Customer already exists, passed user_id={request.user_id}."
                raise BadRequest(message, param="user_id", type="bad_request")
            await self._records.entries.open_balance(_scope(request.user_id), row["spend"])
            await self._records.audit.record(caller, created(Audited.CUSTOMER, request.user_id, row))
            return await self._finish(row)

    async def update(
        self,
        caller: Principal,
        sent: Mapping[str, Any],
        has_model: Callable[[str], bool],
        everybodys: str | None,
    ) -> Columns:
        """Change what was sent of a customer, null clearing it; returns the row as `create` does.

        `everybodys` is the id of the budget of customers who have none. Raises NotFound, and what `create`
        raises for values.
        """
        _check_choices(sent, has_model)
        async with self._records.transaction():
            row = await self._rows.lock(sent["user_id"])
            if row is None:
                raise _not_found([sent["user_id"]], "user_id")
            faults = Faults()
            check_members(faults, sent)
            budget = await check_relink(self._records, faults, sent, row["budget_id"])
            faults.refuse()
            values: Columns = {name: sent[name] for name in _CHANGED if name in sent}
            if values.get("blocked", False) is None:
                del values["blocked"]
            values |= await relink_budget(self._records, caller, sent, budget, everybodys)
            values |= await self._records.change_permission(caller, row["object_permission_id"], sent)
            changed = await self._rows.update(row["user_id"], values) if values else row
            if changed["object_permission_id"] != row["object_permission_id"]:
                await self._records.permissions.drop_unused([row["object_permission_id"]])
            change = updated(Audited.CUSTOMER, row["user_id"], row, changed)
            await self._records.audit.record(caller, change)
            return await self._finish(changed)

    async def delete(self, caller: Principal, user_ids: list[str]) -> Columns:
        """Forget customers, all or none; raises NotFound naming those who are not there."""
        wanted = _ids(user_ids)
        async with self._records.transaction():
            rows = await self._lock_all(wanted)
            await self._rows.delete_any(wanted)
            await self._records.permissions.drop_unused([row["object_permission_id"] for row in rows])
            changes = [deleted(Audited.CUSTOMER, row["user_id"], row) for row in rows]
            await self._records.audit.record(caller, *changes)
            await self._announce(wanted)
        return {
            "deleted_customers": len(rows),
            "message": f"Successfully deleted {len(rows)} customer(s): {', '.join(wanted)}",
        }

    async def block(self, caller: Principal, user_ids: list[str]) -> Columns:
        """Block customers, before their first request too; returns their rows."""
        wanted = _ids(user_ids)
        async with self._records.transaction():
            before = await self._rows.lock_any(wanted)
            _check_new(set(wanted) - {row["user_id"] for row in before})
            new = await self._rows.block(wanted)
            await self._records.entries.open_accounts(ScopeKind.END_USER, new)
            return {"blocked_users": await self._switched(caller, Action.BLOCKED, wanted, before)}

    async def unblock(self, caller: Principal, user_ids: list[str]) -> Columns:
        """Unblock customers; returns their rows. Raises NotFound naming those who are not there."""
        wanted = _ids(user_ids)
        async with self._records.transaction():
            before = await self._lock_all(wanted)
            await self._rows.unblock(wanted)
            return {"blocked_users": await self._switched(caller, Action.UNBLOCKED, wanted, before)}

    async def info(self, end_user_id: str) -> Columns:
        """Show a customer; raises NotFound."""
        row = await self._rows.find(end_user_id)
        if row is None:
            raise _not_found([end_user_id], "end_user_id")
        return (await with_links(self._records, [row]))[0]

    async def list_all(self, page: Page) -> Listed:
        """Customers in the order of their ids."""
        found = cut(await self._rows.list_after(page.after, page.most + 1), page, "user_id")
        return msgspec.structs.replace(found, rows=await with_links(self._records, found.rows))

    async def _switched(
        self, caller: Principal, action: Action, user_ids: list[str], before: list[Columns]
    ) -> list[Columns]:
        rows = await self._rows.find_any(user_ids)
        known = {row["user_id"]: row for row in before}
        changes = [
            Change(action, Audited.CUSTOMER, row["user_id"], known.get(row["user_id"]), row) for row in rows
        ]
        await self._records.audit.record(caller, *changes)
        await self._announce(user_ids)
        return rows

    async def _lock_all(self, user_ids: list[str]) -> list[Columns]:
        rows = await self._rows.lock_any(user_ids)
        missing = sorted(set(user_ids) - {row["user_id"] for row in rows})
        if missing:
            raise _not_found(missing, "user_ids")
        return rows

    async def _finish(self, row: Columns) -> Columns:
        await self._announce([row["user_id"]])
        return (await with_links(self._records, [row]))[0]

    async def _announce(self, user_ids: Iterable[str]) -> None:
        await self._records.notices.announce_many(_scope(user_id) for user_id in user_ids)


def _scope(user_id: str) -> Scope:
    return Scope(ScopeKind.END_USER, user_id)


def _ids(user_ids: list[str]) -> list[str]:
    """The ids once each; raises BadRequest for none, too many, and such as cannot be."""
    faults = Faults()
    if not user_ids:
        faults.add("user_ids", "Name the customers.")
    check_members(faults, {"user_ids": user_ids})
    faults.refuse()
    return sorted(set(user_ids))


def _check_new(user_ids: Iterable[str]) -> None:
    """Raise BadRequest for customers who could not be named by a request."""
    faults = Faults()
    for user_id in sorted(user_ids):
        check_name_of_requests(faults, "user_ids", user_id)
    faults.refuse()


def _not_found(user_ids: list[str], param: str) -> NotFound:
    named = ", ".join(f"End User Id={user_id}" for user_id in user_ids[:_MOST_NAMED])
    return NotFound(f"{named} does not exist in db", param=param, type="not_found")


def _check_choices(sent: Mapping[str, Any], has_model: Callable[[str], bool]) -> None:
    if sent.get("budget_id") is not None and inline_budget(sent):
        raise ValidationFailed("Name a budget or give its members, not both.", param="budget_id")
    model = sent.get("default_model")
    if model is not None and not has_model(model):
        raise ValidationFailed("There is no model of this name.", param="default_model")
