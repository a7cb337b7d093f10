"""The rules of making and showing customers."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from gateway.db.rows import Columns, Rows
from gateway.db.tables.users import EndUserTable
from gateway.domain import Principal, Scope, ScopeKind
from gateway.errors import BadRequest, NotFound, ValidationFailed
from gateway.identity.budgets.linking import check_link, link_budget
from gateway.identity.budgets.request import inline_budget
from gateway.identity.customers.request import NewCustomerRequest
from gateway.identity.faults import Faults
from gateway.identity.records import Records
from gateway.identity.rights import actor_of
from gateway.identity.values import check_members

__all__ = ["CustomerService"]

_COLUMNS = ("user_id", "alias", "blocked", "spend", "allowed_model_region", "default_model", "models")


class CustomerService:
    """Customers on behalf of proxy admins; every change is one transaction that announces itself.

    All methods raise DatabaseUnavailable.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._rows = Rows(EndUserTable)

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
            await check_link(self._records, faults, sent)
            reset_at = sent.get("budget_reset_at")
            if reset_at is not None and reset_at.astimezone() <= self._records.now():
                faults.add("budget_reset_at", "must be in the future.")
            faults.refuse()
            values = {name: sent[name] for name in _COLUMNS if name in sent}
            values["budget_id"] = await link_budget(self._records, sent, actor_of(caller))
            if request.object_permission is not None:
                permission = request.object_permission
                values["object_permission_id"] = await self._records.save_permission(None, permission)
            row = await self._rows.insert(values)
            if row is None:
                message = f"Customer already exists, passed user_id={request.user_id}."
                raise BadRequest(message, param="user_id", type="bad_request")
            scope = Scope(ScopeKind.END_USER, request.user_id)
            await self._records.entries.open_balance(scope, row["spend"])
            await self._records.notices.announce([scope])
            return await self._shown(row)

    async def info(self, end_user_id: str) -> Columns:
        """Show a customer; raises NotFound."""
        row = await self._rows.find(end_user_id)
        if row is None:
            message = f"End User Id={end_user_id} does not exist in db"
            raise NotFound(message, param="end_user_id", type="not_found")
        return await self._shown(row)

    async def _shown(self, row: Columns) -> Columns:
        permission_id, budget_id = row["object_permission_id"], row["budget_id"]
        return {
            **row,
            "litellm_budget_table": await self._records.budgets.find(budget_id) if budget_id else None,
            "object_permission": (
                await self._records.permissions.find(permission_id) if permission_id else None
            ),
        }


def _check_choices(sent: Mapping[str, Any], has_model: Callable[[str], bool]) -> None:
    if "budget_id" in sent and inline_budget(sent):
        raise ValidationFailed("Name a budget or give its members, not both.", param="budget_id")
    model = sent.get("default_model")
    if model is not None and not has_model(model):
        raise ValidationFailed("There is no model of this name.", param="default_model")
