import gc
import weakref

import pytest

from gateway.admission.ledger import Ledger
from gateway.admission.options import LedgerOptions
from gateway.domain import LimitKind, Meter, Scope, ScopeKind
from gateway.errors import BudgetExceeded, RateLimited
from gateway.testing import FakeClock
from tests.unit.admission.conftest import KEY, TEAM, USD, budget, caller, rate, slots, subject, take

TAG = Scope(ScopeKind.TAG, "batch")
END_USER = Scope(ScopeKind.END_USER, "alice")


async def test_a_settlement_turns_the_hold_into_its_cost_on_every_scope(ledger: Ledger) -> None:
    hold = take(ledger, budget(10 * USD), cost=3 * USD)
    assert (ledger.settled(KEY), ledger.held(KEY), ledger.held(TEAM)) == (0, 3 * USD, 3 * USD)
    await hold.settle(2 * USD, 4, 6)
    assert (ledger.settled(KEY), ledger.held(KEY), ledger.settled(TEAM)) == (2 * USD, 0, 2 * USD)


async def test_only_the_first_ending_of_a_hold_counts(ledger: Ledger) -> None:
    hold = take(ledger, budget(10 * USD), cost=3 * USD)
    await hold.settle(2 * USD, 4, 6)
    await hold.settle(2 * USD, 4, 6)
    await hold.release()
    assert (ledger.settled(KEY), ledger.held(KEY)) == (2 * USD, 0)


async def test_a_budget_of_which_everything_is_held_refuses_the_next_request(ledger: Ledger) -> None:
    held = take(ledger, budget(5), cost=5)
    with pytest.raises(BudgetExceeded) as refused:
        take(ledger, budget(5), cost=1)
    assert refused.value.status == 422
    assert refused.value.details["scope"] == "key"
    assert refused.value.details["held"] == 5e-9
    await held.release()


def test_a_budget_of_zero_allows_nothing(ledger: Ledger) -> None:
    with pytest.raises(BudgetExceeded):
        take(ledger, budget(0))


def test_what_costs_nothing_needs_no_budget(ledger: Ledger) -> None:
    ledger.seed([(KEY, 10)])
    take(ledger, budget(5), is_free=True)
    with pytest.raises(RateLimited):
        take(ledger, budget(5), slots(0), is_free=True)


def test_a_refused_request_leaves_nothing_taken(ledger: Ledger) -> None:
    ledger.seed([(TEAM, 100)])
    limits = (budget(50), slots(1), rate(LimitKind.REQUESTS, 1))
    with pytest.raises(BudgetExceeded) as refused:
        take(ledger, *limits, budget(100, TEAM), cost=7)
    assert f"Team={TEAM.id}" in refused.value.message
    assert ledger.held(KEY) == 0
    take(ledger, *limits)


def test_a_budget_is_judged_before_a_rate(ledger: Ledger) -> None:
    with pytest.raises(BudgetExceeded):
        take(ledger, rate(LimitKind.REQUESTS, 0), budget(0))


def test_the_status_of_a_spent_budget_is_a_setting() -> None:
    ledger = Ledger(FakeClock(), LedgerOptions(budget_status=429))
    with pytest.raises(BudgetExceeded) as refused:
        take(ledger, budget(0))
    assert refused.value.status == 429


def test_a_window_opens_anew_exactly_when_retry_after_says(ledger: Ledger, clock: FakeClock) -> None:
    limit = rate(LimitKind.REQUESTS, 2)
    take(ledger, limit)
    clock.advance(20)
    take(ledger, limit)
    with pytest.raises(RateLimited) as refused:
        take(ledger, limit)
    assert refused.value.headers["retry-after"] == "40"
    clock.advance(39.5)
    with pytest.raises(RateLimited):
        take(ledger, limit)
    clock.advance(0.5)
    take(ledger, limit)


def test_retry_after_is_the_time_at_which_nothing_refuses_any_more(ledger: Ledger, clock: FakeClock) -> None:
    short, long = rate(LimitKind.REQUESTS, 1), rate(LimitKind.TOKENS, 1, window_seconds=300)
    take(ledger, short, long, tokens=(5, 5, 0))
    clock.advance(10)
    with pytest.raises(RateLimited) as refused:
        take(ledger, short, long)
    assert refused.value.headers["retry-after"] == "290"
    clock.advance(290)
    take(ledger, short, long)


def test_a_rate_of_zero_allows_nothing(ledger: Ledger) -> None:
    for kind in (LimitKind.REQUESTS, LimitKind.TOKENS, LimitKind.INPUT_TOKENS, LimitKind.OUTPUT_TOKENS):
        with pytest.raises(RateLimited):
            take(ledger, rate(kind, 0))


async def test_tokens_are_corrected_to_what_was_used(ledger: Ledger) -> None:
    limit = rate(LimitKind.TOKENS, 100)
    hold = take(ledger, limit, tokens=(90, 50, 40))
    await hold.settle(0, 20, 10)
    hold = take(ledger, limit, tokens=(90, 50, 40))
    await hold.settle(0, 40, 30)
    with pytest.raises(RateLimited):
        take(ledger, limit)


@pytest.mark.parametrize(
    ("kind", "left"),
    [(LimitKind.TOKENS, "70"), (LimitKind.INPUT_TOKENS, "80"), (LimitKind.OUTPUT_TOKENS, "90")],
)
async def test_each_kind_of_tokens_counts_its_own(ledger: Ledger, kind: LimitKind, left: str) -> None:
    hold = take(ledger, rate(kind, 100), tokens=(9, 5, 4))
    await hold.settle(0, 20, 10)
    assert dict(hold.headers())[f"x-ratelimit-api_key-remaining-{kind.value}"] == left


async def test_a_correction_never_reaches_a_later_window(ledger: Ledger, clock: FakeClock) -> None:
    limit = rate(LimitKind.TOKENS, 100)
    hold = take(ledger, limit, tokens=(60, 30, 30))
    clock.advance(61)
    later = take(ledger, limit, tokens=(60, 30, 30))
    await hold.settle(0, 0, 0)
    await later.settle(0, 50, 50)
    with pytest.raises(RateLimited):
        take(ledger, limit)


def test_a_window_that_another_caller_has_begun_goes_on(ledger: Ledger, clock: FakeClock) -> None:
    shared = rate(LimitKind.REQUESTS, 3, TEAM)
    one, other = caller(shared), caller(shared, scopes=(TEAM,))
    take(ledger, principal=one)
    clock.advance(61)
    take(ledger, principal=other)
    # The first caller has yet to learn that there is another window, and that it has one request already.
    take(ledger, principal=one)
    take(ledger, principal=one)
    for who in (one, other):
        with pytest.raises(RateLimited):
            take(ledger, principal=who)


async def test_a_release_gives_the_request_and_the_slot_back(ledger: Ledger) -> None:
    limits = (rate(LimitKind.REQUESTS, 1), rate(LimitKind.TOKENS, 5), slots(1))
    hold = take(ledger, *limits, tokens=(5, 2, 3))
    await hold.release()
    hold = take(ledger, *limits)
    await hold.settle(0, 0, 0)
    with pytest.raises(RateLimited):
        take(ledger, *limits)


async def test_a_slot_is_free_again_after_the_settlement(ledger: Ledger) -> None:
    hold = take(ledger, slots(1))
    with pytest.raises(RateLimited) as refused:
        take(ledger, slots(1))
    assert refused.value.headers["retry-after"] == "1"
    await hold.settle(1, 1, 0)
    take(ledger, slots(1))


async def test_a_hold_is_extended_on_all_budgets_or_on_none(ledger: Ledger) -> None:
    hold = take(ledger, budget(100), budget(50, TEAM), cost=10)
    assert not await hold.extend(41)
    assert (ledger.held(KEY), ledger.held(TEAM)) == (10, 10)
    assert await hold.extend(40)
    assert (ledger.held(KEY), ledger.held(TEAM)) == (50, 50)
    await hold.settle(7, 0, 0)
    assert (ledger.held(KEY), ledger.held(TEAM), ledger.settled(KEY)) == (0, 0, 7)


async def test_seeding_leaves_what_is_held_alone(ledger: Ledger) -> None:
    hold = take(ledger, budget(100), cost=10)
    ledger.seed([(KEY, 80)])
    assert (ledger.settled(KEY), ledger.held(KEY)) == (80, 10)
    await hold.settle(5, 0, 0)
    assert (ledger.settled(KEY), ledger.held(KEY)) == (85, 0)


async def test_two_budgets_of_one_scope_hold_the_cost_once(ledger: Ledger) -> None:
    hold = take(ledger, budget(100), budget(60), cost=10)
    assert ledger.held(KEY) == 10
    assert not await hold.extend(51)
    assert await hold.extend(50)
    assert ledger.held(KEY) == 60
    await hold.settle(7, 0, 0)
    assert (ledger.held(KEY), ledger.settled(KEY)) == (0, 7)


async def test_a_changed_limit_finds_what_requests_hold_and_have_counted(ledger: Ledger) -> None:
    before = caller(budget(100), rate(LimitKind.REQUESTS, 5), slots(5))
    hold = take(ledger, cost=60, principal=before)
    after = caller(budget(60), rate(LimitKind.REQUESTS, 1), slots(1))
    with pytest.raises(BudgetExceeded):
        take(ledger, principal=after)
    with pytest.raises(RateLimited):
        take(ledger, principal=caller(rate(LimitKind.REQUESTS, 1)))
    with pytest.raises(RateLimited):
        take(ledger, principal=caller(slots(1)))
    await hold.settle(59, 0, 0)
    take(ledger, principal=caller(budget(60), slots(1)))


def test_a_new_budget_finds_what_was_held_before_it_was_made(ledger: Ledger) -> None:
    held = take(ledger, cost=60)
    with pytest.raises(BudgetExceeded):
        take(ledger, budget(50))
    assert held


async def test_a_reset_keeps_what_requests_hold(ledger: Ledger) -> None:
    hold = take(ledger, budget(100), cost=40)
    ledger.seed([(KEY, 100)])
    with pytest.raises(BudgetExceeded):
        take(ledger, budget(100))
    ledger.seed([(KEY, 0)])
    assert (ledger.settled(KEY), ledger.held(KEY)) == (0, 40)
    await hold.settle(30, 0, 0)
    assert (ledger.settled(KEY), ledger.held(KEY)) == (30, 0)


async def test_subjects_hold_and_settle_beside_the_caller(ledger: Ledger) -> None:
    subjects = (subject(TAG, budget(100, TAG)), subject(END_USER, budget(30, END_USER)))
    hold = take(ledger, budget(1000), cost=40, subjects=subjects)
    assert [ledger.held(scope) for scope in (KEY, TEAM, TAG, END_USER)] == [40] * 4
    with pytest.raises(BudgetExceeded) as refused:
        take(ledger, budget(1000), cost=1, subjects=subjects)
    assert refused.value.message.startswith(f"ExceededBudget: End User={END_USER.id} over budget.")
    await hold.settle(7, 0, 0)
    assert [ledger.settled(scope) for scope in (KEY, TEAM, TAG, END_USER)] == [7] * 4


async def test_a_scope_of_caller_and_subject_alike_is_charged_once(ledger: Ledger) -> None:
    agent = Scope(ScopeKind.AGENT, "a")
    hold = take(
        ledger, cost=5, principal=caller(scopes=(KEY, agent)), subjects=(subject(agent, budget(50, agent)),)
    )
    assert ledger.held(agent) == 5
    await hold.settle(3, 0, 0)
    assert ledger.settled(agent) == 3


async def test_a_session_of_an_agent_has_rates_and_no_spend(ledger: Ledger) -> None:
    session = Scope(ScopeKind.AGENT_SESSION, "a:1")
    hold = take(ledger, cost=5, subjects=(subject(session, rate(LimitKind.REQUESTS, 1, session)),))
    await hold.settle(3, 0, 0)
    assert ledger.settled(session) == 0
    with pytest.raises(RateLimited) as refused:
        take(ledger, subjects=(subject(session, rate(LimitKind.REQUESTS, 1, session)),))
    assert "agent_session: alias" in refused.value.message


async def test_a_limit_on_a_model_counts_and_refuses_only_that_model(ledger: Ledger) -> None:
    who = caller(
        budget(10, model="gpt-4o"), rate(LimitKind.REQUESTS, 1, model="claude*"), slots(1, model="o1")
    )
    hold = take(ledger, cost=3, model="gpt-4o", principal=who)
    await hold.settle(10, 0, 0)
    meter = Meter(ScopeKind.KEY, KEY.id, "gpt-4o")
    assert (ledger.settled(meter), ledger.settled(KEY)) == (10, 10)
    with pytest.raises(BudgetExceeded) as refused:
        take(ledger, model="gpt-4o", principal=who)
    assert "exceeded budget for model=gpt-4o" in refused.value.message
    with pytest.raises(BudgetExceeded):
        take(ledger, model="openai/gpt-4o", principal=who)
    hold = take(ledger, cost=3, model="claude-3", principal=who)
    await hold.settle(5, 0, 0)
    assert (ledger.settled(meter), ledger.settled(KEY)) == (10, 15)
    with pytest.raises(RateLimited):
        take(ledger, model="claude-4", principal=who)
    take(ledger, model="o1", principal=who)
    with pytest.raises(RateLimited):
        take(ledger, model="o1", principal=who)


def test_a_soft_budget_never_refuses(ledger: Ledger) -> None:
    ledger.seed([(KEY, 100)])
    take(ledger, budget(5, is_soft=True), cost=10)


async def test_budgets_tell_when_they_reach_their_marks(ledger: Ledger) -> None:
    told: list[tuple[bool, int]] = []
    ledger.watch = lambda _principal, limit, spent: told.append((limit.is_soft, spent))
    who = caller(budget(100), budget(50, is_soft=True))
    for cost in (40, 20, 25, 1, 13, 5):
        hold = take(ledger, principal=who)
        await hold.settle(cost, 0, 0)
    assert told == [(True, 60), (False, 85), (False, 99), (False, 104)]


def test_strict_admits_only_what_fits() -> None:
    ledger = Ledger(FakeClock(), LedgerOptions(is_strict=True))
    take(ledger, budget(100), cost=60)
    with pytest.raises(BudgetExceeded):
        take(ledger, budget(100), cost=41)
    take(ledger, budget(100), cost=40)
    with pytest.raises(BudgetExceeded):
        take(ledger, budget(100), cost=0)


async def test_headers_tell_the_spend_and_what_is_left(ledger: Ledger) -> None:
    hold = take(ledger, budget(2 * USD), rate(LimitKind.REQUESTS, 5), rate(LimitKind.TOKENS, 9, TEAM))
    await hold.settle(USD, 1, 2)
    headers = dict(hold.headers())
    assert headers["x-litellm-key-spend"] == "1.0"
    assert headers["x-litellm-key-max-budget"] == "2.0"
    assert headers["x-ratelimit-api_key-limit-requests"] == "5"
    assert headers["x-ratelimit-api_key-remaining-requests"] == "4"
    assert headers["x-litellm-key-rpm-limit"] == "5"
    assert headers["x-ratelimit-team-remaining-tokens"] == "6"


def test_headers_of_a_limit_on_a_model_name_the_model(ledger: Ledger) -> None:
    headers = dict(take(ledger, rate(LimitKind.REQUESTS, 5, model="m")).headers())
    assert headers["x-ratelimit-model_per_key-remaining-requests"] == "4"
    assert headers["x-litellm-key-remaining-requests-m"] == "4"


def test_a_caller_that_is_forgotten_takes_its_plan_along(ledger: Ledger) -> None:
    who = caller(budget(5))
    take(ledger, principal=who)
    gone = weakref.ref(who)
    del who
    gc.collect()
    assert gone() is None
    assert not ledger.plans._plans
