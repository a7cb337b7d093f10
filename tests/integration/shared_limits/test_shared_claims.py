"""Limits that plugins claim, where several workers count."""

import asyncio
from collections.abc import Sequence

import pytest
import pytest_asyncio

from gateway.admission.shared.hookimpls import SharedAdmissionHooks
from gateway.domain import Claim, Endpoint, Limit, LimitKind, Meter, Scope, ScopeKind
from gateway.errors import BudgetExceeded, RateLimited
from gateway.hooks import Admission, RequestBody, RequestContext, RequestHead
from gateway.ids import new_charge_id
from tests.integration.shared_limits.conftest import Make, Worker
from tests.unit.admission.conftest import KEY, TEAM, budget, caller, rate, slots

COST = 100
SERVER = Scope(ScopeKind.MCP_SERVER, "docs")
METER = Meter(ScopeKind.MCP_SERVER, "docs")
RPM = rate(LimitKind.REQUESTS, 5, SERVER, name="docs")
TPM = rate(LimitKind.TOKENS, 50, SERVER, name="docs")
SLOTS = slots(2, SERVER, name="docs")
BUDGET = budget(300, SERVER, name="docs")


@pytest_asyncio.fixture
async def two(make_worker: Make) -> tuple[Worker, Worker]:
    one, other = make_worker("a"), make_worker("b")
    await one.open()
    await other.open()
    return one, other


def begin(*limits: Limit) -> RequestContext:
    charge_id = new_charge_id()
    context = RequestContext(
        head=RequestHead("POST", "/v1/chat/completions", {}),
        principal=caller(*limits),
        endpoint=Endpoint.CHAT,
        body=RequestBody({}),
        model="m",
        is_stream=False,
        call_id=charge_id,
        charge_id=charge_id,
        started_nanos=0,
        started_monotonic=0,
    )
    context.routed_model = "m"
    context.estimated_cost_nanos = COST
    context.estimated_tokens = 10
    return context


async def admit(worker: Worker, *claims: Claim, context: RequestContext | None = None) -> Admission:
    """Admit a request for which the core and a plugin claim, as the dispatch joins their claims."""
    hooks = SharedAdmissionHooks(worker.ledger)
    asked = context or begin()
    own: Sequence[Claim] = hooks.collect_claims(asked)
    return await hooks.admit(asked, [*own, *claims])


async def served(two: tuple[Worker, Worker], claim: Claim, count: int = 40) -> int:
    """How many of so many requests at once are admitted."""
    tries = (admit(two[number % 2], claim) for number in range(count))
    answers = await asyncio.gather(*tries, return_exceptions=True)
    wrong = [one for one in answers if isinstance(one, BaseException)]
    assert all(isinstance(one, BudgetExceeded | RateLimited) for one in wrong), wrong
    return count - len(wrong)


@pytest.mark.parametrize(
    ("claim", "fits"),
    [(Claim(RPM, 1), 5), (Claim(TPM, 10), 5), (Claim(SLOTS, 1), 2), (Claim(BUDGET, COST), 3)],
    ids=["requests", "tokens", "slots", "budget"],
)
async def test_what_a_plugin_claims_is_one_limit(two: tuple[Worker, Worker], claim: Claim, fits: int) -> None:
    assert await served(two, claim) == fits


async def test_a_claimed_budget_is_charged_and_given_back(two: tuple[Worker, Worker]) -> None:
    one, other = two
    context = begin()
    first = await admit(one, Claim(BUDGET, COST), context=context)
    assert METER in context.charged
    await first.settle(40, 0, 0)
    second = await admit(other, Claim(BUDGET, COST))
    assert (other.ledger.settled(METER), other.ledger.held(METER)) == (40, COST)
    await second.release()
    await admit(one, Claim(BUDGET, COST))
    assert (one.ledger.settled(METER), one.ledger.held(METER)) == (40, COST)


async def test_a_budget_claimed_of_the_callers_own_scope_is_charged_once(two: tuple[Worker, Worker]) -> None:
    context = begin(budget(1_000, KEY))
    await admit(two[0], Claim(budget(500, TEAM, name="claimed"), COST), context=context)
    assert context.charged == ()
    assert two[0].ledger.held(TEAM) == COST


async def test_another_amount_than_the_requests_own_is_counted_here(two: tuple[Worker, Worker]) -> None:
    assert await served(two, Claim(RPM, 2), 20) == 6, "three in each worker"
