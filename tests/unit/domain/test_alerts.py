from gateway.domain import Limit, LimitKind, Scope, ScopeKind
from gateway.domain.alerts import first_mark_nanos, next_mark_nanos

HARD = Limit(scope=Scope(ScopeKind.KEY, "k"), kind=LimitKind.BUDGET, amount=1_001)
SOFT = Limit(scope=Scope(ScopeKind.KEY, "k"), kind=LimitKind.BUDGET, amount=1_001, is_soft=True)
LARGEST = 2**63 - 1


def test_a_budget_has_marks_at_80_85_95_and_100_percent_rounded_up() -> None:
    assert first_mark_nanos(HARD) == 801
    assert next_mark_nanos(HARD, 801) == 851
    assert next_mark_nanos(HARD, 900) == 951
    assert next_mark_nanos(HARD, 951) == 1_001
    assert next_mark_nanos(HARD, 1_001) == LARGEST


def test_a_settlement_may_pass_several_marks_at_once() -> None:
    assert next_mark_nanos(HARD, 960) == 1_001


def test_a_soft_limit_has_one_mark() -> None:
    assert first_mark_nanos(SOFT) == 1_001
    assert next_mark_nanos(SOFT, 5_000) == LARGEST


def test_nothing_is_awaited_of_a_budget_of_zero() -> None:
    zero = Limit(scope=HARD.scope, kind=LimitKind.BUDGET, amount=0)

    assert first_mark_nanos(zero) == LARGEST


def test_a_soft_limit_of_zero_is_crossed_by_the_first_nano_dollar() -> None:
    zero = Limit(scope=SOFT.scope, kind=LimitKind.BUDGET, amount=0, is_soft=True)

    assert first_mark_nanos(zero) == 1
    assert next_mark_nanos(zero, 1) == LARGEST
