"""Rows as they are shown: with the budget and the object permission that they refer to."""

from collections.abc import Sequence

from gateway.db.rows import Columns
from gateway.identity.records import Records

__all__ = ["with_links"]


async def with_links(records: Records, rows: Sequence[Columns]) -> list[Columns]:
    """The rows with `litellm_budget_table` and `object_permission`, read in two statements at most.

    Raises DatabaseUnavailable.
    """
    budget_ids = sorted({row["budget_id"] for row in rows if row["budget_id"]})
    permission_ids = sorted({row["object_permission_id"] for row in rows if row["object_permission_id"]})
    budgets = {row["budget_id"]: row for row in await records.budgets.find_any(budget_ids)}
    permissions = {
        row["object_permission_id"]: row for row in await records.permissions.find_any(permission_ids)
    }
    return [
        {
            **row,
            "litellm_budget_table": budgets.get(row["budget_id"]),
            "object_permission": permissions.get(row["object_permission_id"]),
        }
        for row in rows
    ]
