"""The explanation of a request for people: what refuses it, every rule, every limit."""

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.cli.tables import print_table, say

__all__ = ["print_report"]

_Member = Mapping[str, Any]
_MARKS = {"passes": "passes", "refuses": "REFUSES", "does_not_apply": "-", "not_judged": "not judged"}

_STATES = {"is_cooling_down": "cooling down", "is_over_budget": "over its budget"}


def print_report(report: _Member) -> None:
    """Print a report of `gateway.pipeline.explain`."""
    _print_outcome(report)
    _print_model(report["model"])
    rules = [(_rule_name(one), _MARKS[one["verdict"]], one.get("note") or "") for one in report["rules"]]
    print_table(("Rule", "Verdict", ""), rules)
    say("")
    for one in report["rules"]:
        if one["verdict"] == "refuses":
            say(f"{_rule_name(one)}: {_error(one)}")
            say(f"  {one['help']}")
    limits = [*report["limits"], *_place_budgets(report["model"])]
    if limits:
        heads = ("Limit on", "Kind", "Verdict", "Limit", "Used", "Held", "Left", "Starts anew")
        say("")
        print_table(heads, [_limit(one) for one in limits])
        say("")


def _print_outcome(report: _Member) -> None:
    refusal = report["refusal"]
    if refusal is None:
        say(f"The request would be served by {report['model'].get('served_by')}.")
    else:
        say(f"The request would be refused by the rule '{refusal['rule']}': {_error(refusal)}")
    for one in report["budget_fallbacks"]:
        fate = "would be used" if one["refusal"] is None else f"refused: {_error(one['refusal'])}"
        say(f"Instead of a model whose budget is spent, {one['model']}: {fate}")
    estimate = report["estimate"]
    if estimate is not None:
        tokens = f"{estimate['input_tokens']} tokens in, {estimate['output_tokens']} out"
        say(f"It would hold ${_number(estimate['cost'])} ({tokens}).")


def _print_model(model: _Member) -> None:
    if model.get("resolved") not in (None, model["asked"]):
        say(f"The model {model['asked']} leads to {model['resolved']}.")
    for one in model.get("deployments", ()):
        state = " and ".join(text for name, text in _STATES.items() if one[name])
        say(f"Deployment {one['id']}: {state or 'ready'}.")
    say("")


def _place_budgets(model: _Member) -> Iterable[_Member]:
    return (budget for one in model.get("deployments", ()) for budget in one.get("budgets", ()))


def _rule_name(rule: _Member) -> str:
    kind = rule.get("scope")
    if kind is None:
        return str(rule["rule"])
    # The id of a key is its hash, by which nobody knows it.
    name = "" if kind == "key" else rule.get("scope_id", "")
    return f"{rule['rule']} of {kind} {name}".rstrip()


def _error(error: _Member) -> str:
    return f"{error['status']} {error['type']}. {error['message']}"


def _limit(one: _Member) -> tuple[str, ...]:
    details = [one["kind"], one["model"] and f"for {one['model']}", one["period"] and f"per {one['period']}"]
    window = one["window_seconds"]
    details += [window and f"per {window} s", "soft" if one["is_soft"] else None]
    return (
        f"{one['scope']} {one['scope_name']}",
        " ".join(str(part) for part in details if part),
        _MARKS[one["verdict"]],
        _number(one.get("limit")),
        _number(one.get("spend", one.get("used"))),
        _number(one.get("held")),
        _number(one.get("remaining")),
        one.get("resets_at") or "",
    )


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,d}" if isinstance(value, int) else f"{value:,.9f}".rstrip("0").rstrip(".")
