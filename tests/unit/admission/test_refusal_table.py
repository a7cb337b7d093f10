"""Every budget and every rate, on every scope, once used up and once not: status, type, words and members."""

from typing import Any

import pytest

from gateway.admission.ledger import Ledger
from gateway.clock import datetime_from_nanos
from gateway.domain import Limit, LimitKind, Scope, ScopeKind, Subject
from gateway.errors import BudgetExceeded, RateLimited
from gateway.testing import FakeClock
from tests.unit.admission.conftest import KEY, TEAM, budget, rate, slots, take

WORDS = {
    ScopeKind.KEY: "Key",
    ScopeKind.TEAM: "Team",
    ScopeKind.TEAM_MEMBER: "TeamMember",
    ScopeKind.ORGANIZATION: "Organization",
    ScopeKind.ORGANIZATION_MEMBER: "OrganizationMember",
    ScopeKind.PROJECT: "Project",
    ScopeKind.TAG: "Tag",
    ScopeKind.AGENT: "Agent",
    ScopeKind.MCP_SERVER: "McpServer",
    ScopeKind.GATEWAY: "Gateway",
}
BY_ID = {
    ScopeKind.ORGANIZATION: "it",
    ScopeKind.PROJECT: "it",
    ScopeKind.USER: "it",
    ScopeKind.END_USER: "it",
}
OWN_WORDING = {ScopeKind.USER: "User", ScopeKind.END_USER: "End User"}
DESCRIPTORS = {ScopeKind.KEY: "api_key"}
RATED = (
    *(ScopeKind.KEY, ScopeKind.TEAM, ScopeKind.TEAM_MEMBER, ScopeKind.USER, ScopeKind.ORGANIZATION),
    *(ScopeKind.ORGANIZATION_MEMBER, ScopeKind.PROJECT, ScopeKind.END_USER, ScopeKind.TAG, ScopeKind.AGENT),
    *(ScopeKind.AGENT_SESSION, ScopeKind.MCP_SERVER, ScopeKind.KEY_MCP_SERVER, ScopeKind.TEAM_MCP_SERVER),
    ScopeKind.USER_MCP_SERVER,
)


def scope_of(kind: ScopeKind) -> Scope:
    return {ScopeKind.KEY: KEY, ScopeKind.TEAM: TEAM}.get(kind) or Scope(kind, "it")


def ask(ledger: Ledger, limit: Limit, *, cost: int = 0, tokens: tuple[int, int, int] = (0, 0, 0)) -> Any:
    """A request that only this limit bounds; it is a subject's where it is not the caller's."""
    if limit.scope in (KEY, TEAM):
        return take(ledger, limit, cost=cost, tokens=tokens)
    named = Subject(scope=limit.scope, name="alias", limits=(limit,))
    return take(ledger, cost=cost, tokens=tokens, subjects=(named,))


def text_of(kind: ScopeKind, more: dict[str, Any]) -> str:
    word = WORDS.get(kind) or OWN_WORDING[kind]
    name = {**BY_ID, ScopeKind.TEAM: TEAM.id}.get(kind, "alias")
    if "model" in more:
        owner = "LiteLLM Virtual Key" if kind is ScopeKind.KEY else word
        return f"{owner}: {name}, exceeded budget for model=m. Current cost: 3e-09, Max budget: 3e-09"
    if "period" in more:
        text = f"ExceededBudget: {word}={name} over 1d budget. Spend=$3e-09, Limit=$3e-09"
        return f"{text}. The budget starts anew at"
    if kind in OWN_WORDING:
        return f"ExceededBudget: {word}={name} over budget. Spend=3e-09, Budget=3e-09"
    return f"Budget has been exceeded! {word}={name} Current cost: 3e-09, Max budget: 3e-09"


@pytest.mark.parametrize(
    "more", [{}, {"model": "m"}, {"period": "1d"}], ids=["in all", "per model", "per period"]
)
@pytest.mark.parametrize("kind", [*WORDS, *OWN_WORDING])
async def test_a_budget_refuses_when_it_is_spent_and_not_before(
    ledger: Ledger, kind: ScopeKind, more: dict[str, Any]
) -> None:
    limit = budget(3, scope_of(kind), **more)
    for cost in (2, 1):
        hold = ask(ledger, limit, cost=cost)
        await hold.settle(cost, 0, 0)
    with pytest.raises(BudgetExceeded) as raised:
        ask(ledger, limit)
    error = raised.value
    assert (error.status, error.type, error.param) == (422, "budget_exceeded", None)
    assert error.message.startswith(text_of(kind, more))
    members = {"scope": kind.value, "scope_name": "alias", "spend": 3e-09, "held": 0.0, "max_budget": 3e-09}
    assert members.items() <= error.details.items()
    assert (error.details["model"], error.details["period"]) == (more.get("model"), more.get("period"))
    assert (error.details["budget_reset_at"] is None) is ("period" not in more)
    help_text = "The budget starts anew at" if "period" in more else "an administrator can raise it or reset"
    assert help_text in error.message


@pytest.mark.parametrize("kind", [*WORDS, *OWN_WORDING])
def test_a_soft_budget_never_refuses(ledger: Ledger, kind: ScopeKind) -> None:
    limit = budget(0, scope_of(kind), is_soft=True)
    for _ in range(2):
        ask(ledger, limit, cost=5)


@pytest.mark.parametrize("model", [None, "m"], ids=["in all", "per model"])
@pytest.mark.parametrize(
    "counted", [LimitKind.REQUESTS, LimitKind.TOKENS, LimitKind.INPUT_TOKENS, LimitKind.OUTPUT_TOKENS]
)
@pytest.mark.parametrize("kind", RATED)
def test_a_rate_refuses_when_its_count_is_reached_and_not_before(
    ledger: Ledger, clock: FakeClock, kind: ScopeKind, counted: LimitKind, model: str | None
) -> None:
    limit = rate(counted, 2, scope_of(kind), model=model)
    for _ in range(2):
        ask(ledger, limit, tokens=(1, 1, 1))
    clock.advance(18.5)
    with pytest.raises(RateLimited) as raised:
        ask(ledger, limit, tokens=(1, 1, 1))
    error = raised.value
    descriptor = DESCRIPTORS.get(kind, kind.value) if model is None else f"model_per_{kind.value}"
    assert (error.status, error.type) == (429, "rate_limit_error")
    assert error.message == (
        f"Rate limit exceeded for {descriptor}: alias. Limit type: {counted.value}. Current limit: 2, "
        f"Remaining: 0. Limit resets at: {error.details['reset_at']}"
    )
    assert (error.headers["retry-after"], error.headers["rate_limit_type"]) == ("42", counted.value)
    members = {
        "scope": kind.value,
        "scope_name": "alias",
        "limit_type": counted.value,
        "limit": 2,
        "model": model,
    }
    assert members.items() <= error.details.items()
    clock.advance(42)
    ask(ledger, limit, tokens=(1, 1, 1))


def test_a_rate_of_nothing_tells_one_time_to_come_back(ledger: Ledger, clock: FakeClock) -> None:
    with pytest.raises(RateLimited) as raised:
        ask(ledger, rate(LimitKind.REQUESTS, 0, KEY))
    error = raised.value
    in_a_minute = f"{datetime_from_nanos(clock.now_nanos() + 60 * 10**9):%Y-%m-%d %H:%M:%S} UTC"
    assert error.message.endswith(f"Limit resets at: {in_a_minute}")
    assert (error.details["retry_after"], error.details["reset_at"]) == (60, in_a_minute)
    assert (error.headers["retry-after"], error.headers["reset_at"]) == ("60", in_a_minute)


@pytest.mark.parametrize("kind", RATED)
async def test_slots_refuse_while_all_are_taken_and_not_after(ledger: Ledger, kind: ScopeKind) -> None:
    limit = slots(1, scope_of(kind))
    hold = ask(ledger, limit)
    with pytest.raises(RateLimited) as raised:
        ask(ledger, limit)
    error = raised.value
    assert (error.status, error.type, error.headers["retry-after"]) == (429, "rate_limit_error", "1")
    descriptor = DESCRIPTORS.get(kind, kind.value)
    assert error.message == (
        f"Rate limit exceeded for {descriptor}: alias. Limit type: max_parallel_requests. Current limit: 1, "
        "Remaining: 0. A slot gets free when one of the requests under way ends"
    )
    await hold.settle(0, 0, 0)
    ask(ledger, limit)
