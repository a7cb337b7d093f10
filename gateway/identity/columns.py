"""One record of a joined look-up, read column by column; a column that cannot be read is noted."""

import math
from typing import Any

import msgspec

from gateway.db.connection import Record
from gateway.domain import Scope, ScopeKind
from gateway.identity.rows import BudgetColumns, OwnerRow
from gateway.identity.stored_values import read_list, read_names, read_object
from gateway.money import nanos_from_usd

__all__ = ["Columns"]


class Columns:
    """Reads the columns of one object after another: `complete` ends one and takes what was noted."""

    def __init__(self, row: Record) -> None:
        self.row = row
        self._names = frozenset(row.keys())
        self._unreadable: list[str] = []

    def refuse(self, setting: str) -> None:
        """Note that a setting of the present object cannot be read."""
        self._unreadable.append(setting)

    def check_object(self, column: str, setting: str | None = None) -> dict[str, object]:
        """The object in a JSON column; what is none is noted."""
        found = read_object(self.row[column])
        if found is None:
            self.refuse(setting or column)
            return {}
        return found

    def read_metadata(self, column: str) -> dict[str, object]:
        """The metadata of an object."""
        return self.check_object(column, "metadata")

    def read_windows(self, column: str) -> tuple[object, ...]:
        """The budgets per period of an object; what is no list is noted."""
        found = read_list(self.row[column])
        if found is None:
            self.refuse("budget_limits")
            return ()
        return tuple(found)

    def budget(self, prefix: str) -> BudgetColumns:
        """The limits among the columns with a prefix."""
        row, names = self.row, self._names

        def column(name: str) -> Any:
            return row[f"{prefix}_{name}"] if f"{prefix}_{name}" in names else None

        return BudgetColumns(
            max_budget=column("max_budget"),
            soft_budget=column("soft_budget"),
            tpm_limit=column("tpm_limit"),
            rpm_limit=column("rpm_limit"),
            tpd_limit=column("tpd_limit"),
            max_parallel_requests=column("max_parallel_requests"),
            reset_at=column("budget_reset_at"),
            duration=column("budget_duration"),
            temp_increase=column("temp_budget_increase"),
            temp_expiry=column("temp_budget_expiry"),
            model_max_budget=self.check_object(f"{prefix}_model_max_budget", "model_max_budget"),
        )

    def owner(
        self,
        prefix: str,
        kind: ScopeKind,
        alias: str | None,
        budget: BudgetColumns,
        *,
        metadata: dict[str, object] | None = None,
        windows: tuple[object, ...] = (),
        group_ids: tuple[str, ...] = (),
    ) -> tuple[OwnerRow, int]:
        """The object whose columns have a prefix, with its spend."""
        row, names = self.row, self._names
        identifier: str = row[f"{prefix}_id"]
        models, blocked = f"{prefix}_models", f"{prefix}_blocked"
        policies = f"{prefix}_policies"
        owner = OwnerRow(
            scope=Scope(kind, identifier),
            name=alias or identifier,
            models=read_names(row[models]) if models in names else (),
            budget=budget,
            is_blocked=blocked in names and bool(row[blocked]),
            permission_id=row[f"{prefix}_permission"],
            metadata=metadata or {},
            windows=windows,
            group_ids=group_ids,
            policies=read_names(row[policies]) if policies in names else (),
        )
        return self.complete(owner, row[f"{prefix}_spend"])

    def complete(self, owner: OwnerRow, spend_usd: float | None) -> tuple[OwnerRow, int]:
        """The object with everything that was noted, and its spend in nano-dollars."""
        spent, unreadable = self.take(spend_usd)
        return msgspec.structs.replace(owner, unreadable=unreadable), spent

    def take(self, spend_usd: float | None) -> tuple[int, tuple[str, ...]]:
        """The spend of the present object in nano-dollars, and what was noted of it; the next one begins."""
        spend = spend_usd or 0.0
        if not math.isfinite(spend):
            self.refuse("spend")
            spend = 0.0
        unreadable, self._unreadable = tuple(self._unreadable), []
        return nanos_from_usd(spend), unreadable
