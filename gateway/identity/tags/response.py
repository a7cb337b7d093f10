"""Tags as they are shown: made ones with their budget, and those that requests have carried."""

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from gateway.db.rows import Columns
from gateway.identity.records import Records

__all__ = ["seen_tag", "shown_tags"]

_SEEN = "Seen on requests. It has no budget, and restricts nothing."


async def shown_tags(records: Records, rows: Sequence[Mapping[str, Any]]) -> list[Columns]:
    """The tags of these rows, with their budgets. Raises DatabaseUnavailable."""
    ids = sorted({row["budget_id"] for row in rows if row["budget_id"]})
    budgets = {budget["budget_id"]: budget for budget in await records.budgets.find_any(ids)}
    return [
        {
            "name": row["tag_name"],
            **{name: value for name, value in row.items() if name != "tag_name"},
            "litellm_budget_table": budgets.get(row["budget_id"]),
        }
        for row in rows
    ]


def seen_tag(row: Mapping[str, Any]) -> Columns:
    """A tag that nobody has made, from when it was seen first and last."""
    return {
        "name": row["tag"],
        "description": _SEEN,
        "models": None,
        "model_info": None,
        "spend": None,
        "budget_id": None,
        "created_at": row["created_at"].replace(tzinfo=UTC),
        "created_by": None,
        "updated_at": row["updated_at"].replace(tzinfo=UTC),
        "litellm_budget_table": None,
    }
