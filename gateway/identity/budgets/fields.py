"""What the members of a budget mean, as `GET /budget/settings` tells it."""

from collections.abc import Mapping
from typing import Any

__all__ = ["describe_budget"]

_FIELDS = (
    ("max_parallel_requests", "Integer", "Requests that may be under way at the same time."),
    ("tpm_limit", "Integer", "Tokens per minute."),
    ("rpm_limit", "Integer", "Requests per minute."),
    ("tpd_limit", "Integer", "Tokens per day, of batches."),
    ("budget_duration", "String", "After what time the spend starts anew: 30s, 24h, 7d, 1mo, ..."),
    ("max_budget", "Float", "US dollars that may be spent until then."),
    ("soft_budget", "Float", "US dollars from which on a warning is sent."),
    ("model_max_budget", "Dictionary", "Budgets of single models, by their names."),
)


def describe_budget(row: Mapping[str, Any]) -> list[dict[str, object]]:
    """Every member, with what the row has there."""
    return [
        {
            "field_name": name,
            "field_type": kind,
            "field_description": meaning,
            "field_value": row[name],
            "stored_in_db": row[name] is not None,
            "field_default_value": None,
            "premium_field": False,
        }
        for name, kind, meaning in _FIELDS
    ]
