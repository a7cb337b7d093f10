"""What was spent of a key's budgets for models and for periods."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from gateway.clock import datetime_from_nanos
from gateway.money import usd_from_nanos

__all__ = ["build_usage"]

_NANOS_PER_MS = 1_000_000
_NOTHING = {"spend": 0.0, "reset_at": None}


def build_usage(row: Mapping[str, Any], meters: Iterable[Mapping[str, Any]]) -> dict[str, object]:
    """The members `model_max_budget_usage` and `budget_limits_usage` of `/key/info`, in USD.

    Of the periods that the meters know, the present one counts: the one that ends first.
    """
    spent: dict[tuple[str, str], dict[str, object]] = {}
    for meter in sorted(meters, key=lambda one: cast("int", one["ends_ms"])):
        ends = meter["ends_ms"]
        spent.setdefault(
            (meter["model"], meter["period"]),
            {
                "spend": usd_from_nanos(meter["nanos"]),
                "reset_at": datetime_from_nanos(ends * _NANOS_PER_MS) if ends else None,
            },
        )
    usage: dict[str, object] = {}
    if row["model_max_budget"]:
        usage["model_max_budget_usage"] = {
            model: {
                "max_budget": most,
                "budget_duration": period or None,
                **spent.get((model, period), _NOTHING),
            }
            for model, most, period in _model_budgets(row["model_max_budget"])
        }
    if row.get("budget_limits"):
        usage["budget_limits_usage"] = [
            {**window, **spent.get(("", window["budget_duration"]), {"spend": 0.0})}
            for window in row["budget_limits"]
        ]
    return usage


def _model_budgets(budgets: Mapping[str, object]) -> Iterator[tuple[str, object, str]]:
    """Model, most (USD) and period of each budget, in either of the forms that the contract knows."""
    for model, given in budgets.items():
        if not isinstance(given, Mapping):
            yield model, given, ""
            continue
        entry = cast("Mapping[str, object]", given)  # a JSON object
        most = entry.get("budget_limit")
        period = entry.get("time_period") or entry.get("budget_duration") or ""
        yield model, entry.get("max_budget") if most is None else most, str(period)
