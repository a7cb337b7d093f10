"""Looking at limits: what `take` would say, and nothing that it would do."""

import pytest

from gateway.admission.hold import Want
from gateway.admission.ledger import Ledger
from gateway.admission.outlook import Outlook
from gateway.domain import Limit, LimitKind, Principal, Scope, ScopeKind
from gateway.errors import GatewayError
from gateway.testing import FakeClock, make_principal

KEY = Scope(ScopeKind.KEY, "k")


def limit(kind: LimitKind, amount: int, **fields: object) -> Limit:
    window = 0 if kind in {LimitKind.BUDGET, LimitKind.PARALLEL} else 60
    return Limit(scope=KEY, kind=kind, amount=amount, window_seconds=window, name="k", **fields)


class Desk:
    def __init__(self, *limits: Limit) -> None:
        self.clock = FakeClock()
        self.ledger = Ledger(self.clock)
        self.principal: Principal = make_principal(limits=limits, scopes=(KEY,))
        self.part = self.ledger.plans.find(self.principal, (), "m", "m")
        self.want = Want(self.principal, 10, (3, 2, 1))

    def look(self) -> Outlook:
        return self.ledger.look(self.part, self.want)

    def take(self) -> GatewayError | None:
        try:
            self.ledger.take(self.part, self.want)
        except GatewayError as error:
            return error
        return None


@pytest.mark.parametrize("kind", LimitKind)
def test_it_says_what_taking_then_says(kind: LimitKind) -> None:
    desk = Desk(limit(kind, 5))
    for _ in range(6):
        seen, again = desk.look(), desk.look()
        assert seen.standings == again.standings
        said = seen.budget_error or seen.rate_error
        error = desk.take()
        assert (said is None) == (error is None)
        if said is not None and error is not None:
            assert (said.message, said.headers, said.details) == (error.message, error.headers, error.details)
            assert [one.refuses for one in seen.standings] == [True]
    assert desk.look().standings[0].refuses


def test_held_and_spent_are_told_apart() -> None:
    desk = Desk(limit(LimitKind.BUDGET, 100, reset_at_nanos=7))
    desk.ledger.seed([(KEY, 30)])
    desk.take()
    (one,) = desk.look().standings
    assert (one.used, one.held, one.remaining, one.resets_at_nanos) == (30, 10, 60, 7)


def test_a_window_that_is_over_counts_for_nothing_and_is_left_alone() -> None:
    desk = Desk(limit(LimitKind.REQUESTS, 1))
    desk.take()
    (full,) = desk.look().standings
    assert (full.used, full.refuses, full.remaining) == (1, True, 0)
    assert full.resets_at_nanos == desk.clock.now_nanos() + 60_000_000_000
    desk.clock.advance(60)
    (over,) = desk.look().standings
    assert (over.used, over.refuses, over.resets_at_nanos) == (0, False, None)
    assert desk.part.requests[0][0].count == 1


def test_a_budget_and_a_rate_are_both_told() -> None:
    seen = Desk(limit(LimitKind.BUDGET, 0), limit(LimitKind.REQUESTS, 0)).look()
    assert seen.budget_error is not None
    assert seen.rate_error is not None
    assert (seen.budget_error.status, seen.rate_error.status) == (422, 429)


def test_a_soft_budget_refuses_nothing() -> None:
    seen = Desk(limit(LimitKind.BUDGET, 0, is_soft=True)).look()
    assert (seen.budget_error, [one.refuses for one in seen.standings]) == (None, [False])
