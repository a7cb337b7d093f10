from datetime import UTC, datetime

from gateway.identity.keys.usage import build_usage

DAY_MS = 1_772_323_200_000
"""2026-03-01."""


def meter(model: str, period: str, ends_ms: int, nanos: int) -> dict[str, object]:
    return {"model": model, "period": period, "ends_ms": ends_ms, "nanos": nanos}


def row(**members: object) -> dict[str, object]:
    return {"model_max_budget": {}, "budget_limits": None, **members}


def test_a_budget_for_a_model_has_what_was_counted_for_it():
    budgets = {"m": {"budget_limit": 2, "time_period": "1d"}, "n": 5, "o": {"max_budget": "7"}}
    meters = [meter("m", "1d", DAY_MS, 250_000_000), meter("n", "", 0, 1_000_000_000)]
    usage = build_usage(row(model_max_budget=budgets), meters)["model_max_budget_usage"]
    assert usage == {
        "m": {
            "max_budget": 2,
            "budget_duration": "1d",
            "spend": 0.25,
            "reset_at": datetime(2026, 3, 1, tzinfo=UTC),
        },
        "n": {"max_budget": 5, "budget_duration": None, "spend": 1.0, "reset_at": None},
        "o": {"max_budget": "7", "budget_duration": None, "spend": 0.0, "reset_at": None},
    }


def test_the_period_that_ends_first_is_the_present_one():
    window = {"budget_duration": "1d", "max_budget": 3, "reset_at": "2026-03-01T00:00:00+00:00"}
    meters = [meter("", "1d", DAY_MS + 86_400_000, 9), meter("", "1d", DAY_MS, 1_500_000_000)]
    (shown,) = build_usage(row(budget_limits=[window]), meters)["budget_limits_usage"]
    assert shown["spend"] == 1.5
    assert shown["reset_at"] == datetime(2026, 3, 1, tzinfo=UTC)


def test_a_period_in_which_nothing_was_spent_keeps_its_end():
    window = {"budget_duration": "1d", "max_budget": 3, "reset_at": "2026-03-01T00:00:00+00:00"}
    assert build_usage(row(budget_limits=[window]), [])["budget_limits_usage"] == [{**window, "spend": 0.0}]


def test_a_key_without_such_budgets_has_no_such_members():
    assert build_usage(row(), []) == {}
