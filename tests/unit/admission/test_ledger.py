import pytest

from gateway.admission.ledger import Ledger
from gateway.domain import Claim, Limit, LimitKind, Principal, Scope, ScopeKind
from gateway.errors import BudgetExceeded, RateLimited
from gateway.testing import FakeClock

KEY = Scope(ScopeKind.KEY, "k" * 64)
TEAM = Scope(ScopeKind.TEAM, "team-1")
USD = 1_000_000_000


def principal(*limits: Limit) -> Principal:
    return Principal(token_hash=KEY.id, limits=limits, scopes=(KEY, TEAM))


def budget(amount: int, scope: Scope = KEY, **more: int) -> Limit:
    return Limit(scope=scope, kind=LimitKind.BUDGET, amount=amount, name="alias", **more)


def rate(kind: LimitKind, amount: int, scope: Scope = KEY) -> Limit:
    return Limit(scope=scope, kind=kind, amount=amount, window_seconds=60, name="alias")


def slots(amount: int) -> Limit:
    return Limit(scope=KEY, kind=LimitKind.PARALLEL, amount=amount, name="alias")


def take(ledger: Ledger, *claims: Claim):
    return ledger.take(principal(*(claim.limit for claim in claims)), claims)


async def test_a_settlement_turns_the_hold_into_its_cost_on_every_scope() -> None:
    ledger = Ledger(FakeClock())
    hold = take(ledger, Claim(budget(10 * USD), 3 * USD))
    assert (ledger.settled(KEY), ledger.held(KEY)) == (0, 3 * USD)
    await hold.settle(2 * USD, 10)
    assert (ledger.settled(KEY), ledger.held(KEY), ledger.settled(TEAM)) == (2 * USD, 0, 2 * USD)


async def test_only_the_first_ending_of_a_hold_counts() -> None:
    ledger = Ledger(FakeClock())
    hold = take(ledger, Claim(budget(10 * USD), 3 * USD))
    await hold.settle(2 * USD, 10)
    await hold.settle(2 * USD, 10)
    await hold.release()
    assert (ledger.settled(KEY), ledger.held(KEY)) == (2 * USD, 0)


async def test_a_budget_of_which_everything_is_held_refuses_the_next_request() -> None:
    ledger = Ledger(FakeClock())
    take(ledger, Claim(budget(5), 5))
    with pytest.raises(BudgetExceeded) as refused:
        take(ledger, Claim(budget(5), 1))
    assert refused.value.status == 422
    assert refused.value.details["scope"] == "key"
    assert refused.value.details["held"] == 5e-9


def test_a_budget_of_zero_allows_nothing() -> None:
    with pytest.raises(BudgetExceeded):
        take(Ledger(FakeClock()), Claim(budget(0), 0))


def test_a_refused_claim_leaves_nothing_taken() -> None:
    ledger = Ledger(FakeClock())
    ledger.seed([(TEAM, 100)])
    with pytest.raises(BudgetExceeded) as refused:
        take(ledger, Claim(budget(50), 7), Claim(slots(1), 1), Claim(budget(100, TEAM), 7))
    assert "Team=alias" in refused.value.message
    assert ledger.held(KEY) == 0
    take(ledger, Claim(slots(1), 1))


def test_a_budget_is_judged_before_a_rate() -> None:
    ledger = Ledger(FakeClock())
    with pytest.raises(BudgetExceeded):
        take(ledger, Claim(rate(LimitKind.REQUESTS, 0), 1), Claim(budget(0), 1))


def test_the_status_of_a_spent_budget_is_a_setting() -> None:
    with pytest.raises(BudgetExceeded) as refused:
        take(Ledger(FakeClock(), budget_status=429), Claim(budget(0), 0))
    assert refused.value.status == 429


def test_a_window_opens_anew_exactly_when_retry_after_says() -> None:
    clock = FakeClock()
    ledger = Ledger(clock)
    claim = Claim(rate(LimitKind.REQUESTS, 2), 1)
    take(ledger, claim)
    clock.advance(20)
    take(ledger, claim)
    with pytest.raises(RateLimited) as refused:
        take(ledger, claim)
    assert refused.value.headers["retry-after"] == "40"
    clock.advance(39.5)
    with pytest.raises(RateLimited):
        take(ledger, claim)
    clock.advance(0.5)
    take(ledger, claim)


async def test_tokens_are_corrected_to_what_was_used() -> None:
    ledger = Ledger(FakeClock())
    claim = Claim(rate(LimitKind.TOKENS, 100), 90)
    hold = take(ledger, claim)
    await hold.settle(0, 30)
    hold = take(ledger, claim)
    await hold.settle(0, 70)
    with pytest.raises(RateLimited):
        take(ledger, claim)


async def test_a_correction_never_reaches_a_later_window() -> None:
    clock = FakeClock()
    ledger = Ledger(clock)
    claim = Claim(rate(LimitKind.TOKENS, 100), 60)
    hold = take(ledger, claim)
    clock.advance(61)
    later = take(ledger, claim)
    await hold.settle(0, 0)
    await later.settle(0, 100)
    with pytest.raises(RateLimited):
        take(ledger, claim)


async def test_a_release_gives_the_request_and_the_slot_back() -> None:
    ledger = Ledger(FakeClock())
    claims = (Claim(rate(LimitKind.REQUESTS, 1), 1), Claim(slots(1), 1))
    hold = take(ledger, *claims)
    await hold.release()
    hold = take(ledger, *claims)
    await hold.settle(0, 0)
    with pytest.raises(RateLimited):
        take(ledger, *claims)


async def test_a_slot_is_free_again_after_the_settlement() -> None:
    ledger = Ledger(FakeClock())
    hold = take(ledger, Claim(slots(1), 1))
    with pytest.raises(RateLimited) as refused:
        take(ledger, Claim(slots(1), 1))
    assert refused.value.headers["retry-after"] == "1"
    await hold.settle(1, 1)
    take(ledger, Claim(slots(1), 1))


async def test_a_hold_is_extended_on_all_budgets_or_on_none() -> None:
    ledger = Ledger(FakeClock())
    hold = take(ledger, Claim(budget(100), 10), Claim(budget(50, TEAM), 10))
    assert not await hold.extend(41)
    assert (ledger.held(KEY), ledger.held(TEAM)) == (10, 10)
    assert await hold.extend(40)
    assert (ledger.held(KEY), ledger.held(TEAM)) == (50, 50)
    await hold.settle(7, 0)
    assert (ledger.held(KEY), ledger.held(TEAM), ledger.settled(KEY)) == (0, 0, 7)


async def test_seeding_leaves_what_is_held_alone() -> None:
    ledger = Ledger(FakeClock())
    hold = take(ledger, Claim(budget(100), 10))
    ledger.seed([(KEY, 80)])
    assert (ledger.settled(KEY), ledger.held(KEY)) == (80, 10)
    await hold.settle(5, 0)
    assert (ledger.settled(KEY), ledger.held(KEY)) == (85, 0)


async def test_headers_tell_the_spend_and_what_is_left() -> None:
    ledger = Ledger(FakeClock())
    hold = take(ledger, Claim(budget(2 * USD), 10), Claim(rate(LimitKind.REQUESTS, 5), 1))
    await hold.settle(USD, 3)
    headers = dict(hold.headers())
    assert headers["x-litellm-key-spend"] == "1.0"
    assert headers["x-litellm-key-max-budget"] == "2.0"
    assert headers["x-ratelimit-api_key-remaining-requests"] == "4"
    assert headers["x-litellm-key-rpm-limit"] == "5"


async def test_two_budgets_of_one_scope_hold_the_cost_once() -> None:
    ledger = Ledger(FakeClock())
    hold = take(ledger, Claim(budget(100), 10), Claim(budget(60), 10))
    assert ledger.held(KEY) == 10
    assert not await hold.extend(51)
    assert await hold.extend(50)
    assert ledger.held(KEY) == 60
    await hold.settle(7, 0)
    assert (ledger.held(KEY), ledger.settled(KEY)) == (0, 7)
