"""Read amounts of budgets and the periods after which they start anew."""

import re
from collections.abc import Mapping

import msgspec

from gateway.money import nanos_from_usd
from gateway.settings.node import Node, config_error, describe
from gateway.settings.readers import read_mapping, read_number, read_text, read_values

__all__ = ["BudgetSetting", "read_period", "read_place_budgets", "read_usd"]

_PERIOD = re.compile(r"[1-9][0-9]{0,5}(s|m|h|d|w|mo)|hourly|daily|weekly|monthly")
_MOST_USD = 9e9


class BudgetSetting(msgspec.Struct, frozen=True):
    """A budget of nano-dollars that starts anew after every `period` (`1d`, `1mo`); empty: never."""

    nanos: int
    period: str = ""


def read_usd(node: Node) -> int:
    """An amount in USD as nano-dollars. Raises ConfigError."""
    usd = read_number(node)
    if not 0 <= usd <= _MOST_USD:
        raise config_error(node, f"Expected an amount of 0 to {_MOST_USD:.0f} USD, found {describe(node)}.")
    return nanos_from_usd(usd)


def read_period(node: Node) -> str:
    """A duration of budgets. Raises ConfigError."""
    text = read_text(node)
    if _PERIOD.fullmatch(text) is None:
        message = f"Expected a number and s, m, h, d, w or mo, such as 30d, found {describe(node)}."
        raise config_error(node, message)
    return text


def read_place_budgets(node: Node) -> dict[str, BudgetSetting]:
    """Budgets by name: `{openai: {budget_limit: 100, time_period: 1d}}`. Raises ConfigError."""
    return read_values(read_mapping(node), _read_place_budget)


def _read_place_budget(node: Node) -> BudgetSetting:
    members = read_mapping(node)
    limit = _first(members, "budget_limit", "max_budget")
    if limit is None:
        raise config_error(node, "The budget has no 'budget_limit'.")
    period = _first(members, "time_period", "budget_duration")
    return BudgetSetting(read_usd(limit), "" if period is None else read_period(period))


def _first(members: Mapping[str, Node], *names: str) -> Node | None:
    return next((members[name] for name in names if name in members), None)
