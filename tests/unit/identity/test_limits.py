from datetime import UTC, datetime

import pytest

from gateway.domain import Limit, LimitKind, Scope, ScopeKind
from gateway.identity.limits import Increase, LimitBuilder, nanos_of
from gateway.identity.rows import BudgetColumns

TEAM = Scope(ScopeKind.TEAM, "t")
NOW = datetime(2026, 2, 2, tzinfo=UTC)
USD = 10**9


@pytest.fixture
def builder() -> LimitBuilder:
    return LimitBuilder(TEAM, "Team", NOW)


def budget(amount: int, **fields: object) -> Limit:
    return Limit(scope=TEAM, kind=LimitKind.BUDGET, amount=amount, name="Team", **fields)


def rate(kind: LimitKind, amount: int, window: int = 60, **fields: object) -> Limit:
    return Limit(scope=TEAM, kind=kind, amount=amount, window_seconds=window, name="Team", **fields)


def test_a_row_may_have_a_hard_and_a_soft_budget(builder):
    reset = datetime.fromisoformat("2030-01-01")
    builder.add_budget(BudgetColumns(max_budget=2, soft_budget=1, reset_at=reset))
    nanos = 1_893_456_000 * 10**9
    assert builder.limits == [
        budget(2 * USD, reset_at_nanos=nanos),
        budget(1 * USD, reset_at_nanos=nanos, is_soft=True),
    ]


@pytest.mark.parametrize(
    ("increase", "expiry", "amount"),
    [
        (0.5, "2026-03-01", 1.5),
        (0.5, "2026-01-01", 1),
        (-0.5, "2026-03-01", 1),
        (float("nan"), "2026-03-01", 1),
    ],
)
def test_a_rows_temporary_increase_holds_until_it_expires(builder, increase, expiry, amount):
    columns = BudgetColumns(max_budget=1, temp_increase=increase, temp_expiry=datetime.fromisoformat(expiry))
    builder.add_budget(columns)
    assert [limit.amount for limit in builder.limits if limit.holds_at(nanos_of(NOW))] == [amount * USD]


def test_increases_of_a_row_and_beside_it_end_one_after_the_other(builder):
    ends, earlier = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 2, 3, tzinfo=UTC)
    columns = BudgetColumns(max_budget=1, temp_increase=2, temp_expiry=ends)
    builder.add_budget(columns, Increase(4 * USD, nanos_of(earlier)))
    assert builder.limits == [
        budget(7 * USD, until_nanos=nanos_of(earlier)),
        budget(3 * USD, since_nanos=nanos_of(earlier), until_nanos=nanos_of(ends)),
        budget(1 * USD, since_nanos=nanos_of(ends)),
    ]


@pytest.mark.parametrize(
    ("entry", "limit"),
    [
        ({"budget_limit": 1, "time_period": "1d"}, budget(USD, model="m", period="1d")),
        ({"max_budget": "0.5", "budget_duration": "30d"}, budget(USD // 2, model="m", period="30d")),
        ({"max_budget": 0, "budget_duration": "1d"}, budget(0, model="m", period="1d")),
        ({"budget_limit": 1}, budget(USD, model="m")),
        (3, budget(3 * USD, model="m")),
        ({"rpm_limit": 7}, rate(LimitKind.REQUESTS, 7, model="m")),
        ({"tpm_limit": 0}, rate(LimitKind.TOKENS, 0, model="m")),
    ],
)
def test_budgets_per_model_in_every_form_of_the_contract(builder, entry, limit):
    builder.add_budget(BudgetColumns(model_max_budget={"m": entry}))
    assert (builder.limits, builder.unreadable) == ([limit], [])


@pytest.mark.parametrize("entry", [None, {}, {"budget_limit": None}])
def test_a_model_without_an_amount_has_no_budget(builder, entry):
    builder.add_budget(BudgetColumns(model_max_budget={"m": entry}))
    assert (builder.limits, builder.unreadable) == ([], [])


@pytest.mark.parametrize(
    ("columns", "setting"),
    [
        ({"max_budget": float("nan")}, "max_budget"),
        ({"max_budget": float("inf")}, "max_budget"),
        ({"soft_budget": float("nan")}, "soft_budget"),
        ({"model_max_budget": {"m": "lots"}}, "model_max_budget.m"),
        ({"model_max_budget": {"m": []}}, "model_max_budget.m"),
        ({"model_max_budget": {"m": {"budget_limit": True}}}, "model_max_budget.m"),
        (
            {"model_max_budget": {"m": {"budget_limit": 1, "time_period": "often"}}},
            "model_max_budget.m.budget_duration",
        ),
        ({"model_max_budget": {"m": {"rpm_limit": "few"}}}, "model_max_budget.m.rpm_limit"),
    ],
)
def test_a_budget_that_cannot_be_read_is_named_and_not_passed_over(builder, columns, setting):
    builder.add_budget(BudgetColumns(**columns))
    assert (builder.limits, builder.unreadable) == ([], [setting])


def test_budgets_per_period(builder):
    windows = (
        {"budget_duration": "1d", "max_budget": 1, "reset_at": "2030-01-01T00:00:00+00:00"},
        {"budget_duration": "30d", "max_budget": 0},
    )
    builder.add_windows(windows)
    assert builder.limits == [
        budget(USD, period="1d", reset_at_nanos=1_893_456_000 * 10**9),
        budget(0, period="30d"),
    ]


@pytest.mark.parametrize(
    ("window", "setting"),
    [
        ("1d", "budget_limits[0]"),
        ({"budget_duration": "often", "max_budget": 1}, "budget_limits[0].budget_duration"),
        ({"max_budget": 1}, "budget_limits[0].budget_duration"),
        ({"budget_duration": "1d", "max_budget": "x"}, "budget_limits[0].max_budget"),
    ],
)
def test_a_period_that_cannot_be_read_is_named(builder, window, setting):
    builder.add_windows((window,))
    assert (builder.limits, builder.unreadable) == ([], [setting])


def test_rates_of_a_row(builder):
    builder.add_rates(BudgetColumns(rpm_limit=1, tpm_limit=2, tpd_limit=3, max_parallel_requests=-4))
    assert builder.limits == [
        rate(LimitKind.REQUESTS, 1),
        rate(LimitKind.TOKENS, 2),
        rate(LimitKind.TOKENS, 3, 86_400),
        rate(LimitKind.PARALLEL, 0, 0),
    ]


def test_rates_per_model(builder):
    builder.add_model_rates(
        {
            "model_rpm_limit": {"a": 1, "b": None},
            "model_tpm_limit": '{"a": "2"}',
            "model_itpm_limit": {"a": 3},
            "model_otpm_limit": {"a": 4},
        }
    )
    kinds = (LimitKind.REQUESTS, LimitKind.TOKENS, LimitKind.INPUT_TOKENS, LimitKind.OUTPUT_TOKENS)
    assert builder.limits == [rate(kind, index, model="a") for index, kind in enumerate(kinds, 1)]
    assert builder.unreadable == []


@pytest.mark.parametrize(
    ("metadata", "setting"),
    [
        ({"model_rpm_limit": [1]}, "metadata.model_rpm_limit"),
        ({"model_rpm_limit": "few"}, "metadata.model_rpm_limit"),
        ({"model_tpm_limit": {"a": "few"}}, "metadata.model_tpm_limit.a"),
    ],
)
def test_a_rate_per_model_that_cannot_be_read_is_named(builder, metadata, setting):
    builder.add_model_rates(metadata)
    assert (builder.limits, builder.unreadable) == ([], [setting])


def test_rates_per_tag_count_each_tag_of_this_object_by_itself(builder):
    assert builder.tag_limits({"tag_rpm_limit": {"x": 3}}) == {
        "x": Limit(
            scope=Scope(ScopeKind.TAG, "t:x"),
            kind=LimitKind.REQUESTS,
            amount=3,
            window_seconds=60,
            name="x",
        )
    }
