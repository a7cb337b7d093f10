import pytest

from gateway.admission.ledger import Ledger
from gateway.domain import LimitKind, Scope, ScopeKind
from gateway.errors import BudgetExceeded
from gateway.testing import FakeClock
from tests.unit.admission.conftest import KEY, budget, caller, rate, slots, subject, take


@pytest.mark.parametrize(
    ("pattern", "model", "covers"),
    [
        ("gpt-4o", "gpt-4o", True),
        ("gpt-4o", "openai/gpt-4o", True),
        ("gpt-4o", "gpt-4o-mini", False),
        ("openai/*", "openai/gpt-4o", True),
        ("*", "anything", True),
        ("*4*mini", "gpt-4o-mini", True),
        ("*4*mini", "gpt-4o-min", False),
        ("ab*ba", "aba", False),
    ],
)
def test_limits_cover_models_by_name_and_pattern(
    ledger: Ledger,
    pattern: str,
    model: str,
    covers: bool,  # noqa: FBT001  pytest passes it by name
) -> None:
    part = ledger.plans.find(caller(budget(1, model=pattern)), (), model, model)
    assert bool(part.budgets) is covers


def test_an_alias_and_what_it_stands_for_are_both_the_model(ledger: Ledger) -> None:
    who = caller(budget(1, model="real"), budget(1, model="alias"))
    assert len(ledger.plans.find(who, (), "alias", "real").budgets) == 2


def test_the_part_of_a_caller_is_made_once(ledger: Ledger) -> None:
    who = caller(budget(1), slots(1))
    team = subject(Scope(ScopeKind.TAG, "t"), budget(1, Scope(ScopeKind.TAG, "t")))
    assert ledger.plans.find(who, (), "m", "m") is ledger.plans.find(who, (), "n", "n")
    assert ledger.plans.find(who, (team,), "m", "m") is ledger.plans.find(who, (team,), "n", "n")


def test_subjects_that_come_together_again_keep_their_part_until_they_change(ledger: Ledger) -> None:
    who, scope = caller(budget(1)), Scope(ScopeKind.TAG, "t")
    named = (subject(scope, budget(5, scope)),)
    part = ledger.plans.find(who, named, "m", "m")
    assert ledger.plans.find(who, named, "n", "n") is part
    changed = (subject(scope, budget(7, scope)),)
    assert [most for _, most in ledger.plans.find(who, changed, "m", "m").budgets] == [1, 7]
    ledger.plans.common = subject(Scope(ScopeKind.GATEWAY, ""), budget(9, Scope(ScopeKind.GATEWAY, "")))
    assert sorted(most for _, most in ledger.plans.find(who, named, "m", "m").budgets) == [1, 5, 9]


def test_a_subjects_limit_of_a_model_is_looked_at_for_every_request(ledger: Ledger) -> None:
    scope = Scope(ScopeKind.TAG, "t")
    named = (subject(scope, budget(5, scope, model="m")),)
    for model, budgets in (("m", 2), ("n", 1), ("m", 2)):
        assert len(ledger.plans.find(caller(budget(1)), named, model, model).budgets) == budgets


def test_refusals_come_in_the_order_of_the_contract(ledger: Ledger) -> None:
    def on(kind: ScopeKind) -> Scope:
        return Scope(kind, "x")

    who = caller(
        rate(LimitKind.REQUESTS, 1),
        slots(1),
        budget(1, on(ScopeKind.END_USER)),
        budget(1, on(ScopeKind.USER)),
        budget(1, on(ScopeKind.TAG)),
        budget(1, on(ScopeKind.ORGANIZATION)),
        budget(1, period="1d"),
        budget(1, on(ScopeKind.TEAM), period="1d"),
        budget(1, on(ScopeKind.TEAM)),
        budget(1, model="m"),
        budget(1, KEY),
        rate(LimitKind.TOKENS, 1, on(ScopeKind.ORGANIZATION)),
    )
    order = [
        (account.limit.scope.kind.value, account.limit.period or account.limit.model or "")
        for account in ledger.plans.find(who, (), "m", "m").accounts
    ]
    assert order == [
        ("key", ""),
        ("key", "m"),
        ("team", ""),
        ("team", "1d"),
        ("key", "1d"),
        ("organization", ""),
        ("tag", ""),
        ("user", ""),
        ("end_user", ""),
        ("organization", ""),
        ("key", ""),
        ("key", ""),
    ]


def test_a_temporary_increase_ends_to_the_nanosecond(ledger: Ledger, clock: FakeClock) -> None:
    ends = clock.now_nanos() + 10**9
    who = caller(budget(5, until_nanos=ends), budget(2, since_nanos=ends))
    take(ledger, principal=who, cost=4)
    take(ledger, principal=who, cost=1)
    with pytest.raises(BudgetExceeded, match="Max budget: 5e-09"):
        take(ledger, principal=who)
    clock.advance(1 - 1e-9)
    with pytest.raises(BudgetExceeded, match="Max budget: 5e-09"):
        take(ledger, principal=who)
    clock.advance(1e-9)
    with pytest.raises(BudgetExceeded, match="Max budget: 2e-09"):
        take(ledger, principal=who)


def test_a_clock_that_is_set_back_brings_an_increase_back(ledger: Ledger, clock: FakeClock) -> None:
    ends = clock.now_nanos() + 10**9
    who = caller(budget(5, until_nanos=ends), budget(2, since_nanos=ends))
    clock.advance(1)
    take(ledger, principal=who, cost=2)
    with pytest.raises(BudgetExceeded):
        take(ledger, principal=who)
    clock.advance(-1)
    take(ledger, principal=who, cost=2)
