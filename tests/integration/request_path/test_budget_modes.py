"""Strict budgets, fallbacks for used up budgets, and what an answer is expected to take."""

import asyncio

import pytest

from gateway.domain import LimitKind
from tests.integration.serving import INPUT_NANOS, MASTER_KEY, OUTPUT_NANOS, LiveGateway, bearer, deployment
from tests.upstreams import replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

PRICE = 11 * INPUT_NANOS + 7 * OUTPUT_NANOS
USD = 1e9
STRICT = {"budget_mode": "strict"}


async def test_strict_refuses_what_might_not_fit(live: LiveGateway) -> None:
    live.configure(deployment("m", live.upstream), gatewright=STRICT)
    key = await live.make_key(max_budget=0.001)
    assert (await live.chat(key, max_tokens=100)).status_code == 422
    assert live.upstream.requests == []
    assert (await live.chat(key, max_tokens=7)).status_code == 200


async def test_strict_bounds_an_answer_that_nobody_bounds(live: LiveGateway) -> None:
    live.configure(deployment("m", live.upstream), gatewright=STRICT)
    key = await live.make_key(max_budget=1)
    await live.chat(key)
    assert live.upstream.requests[0].json["max_completion_tokens"] == 1024
    live.configure(deployment("m", live.upstream, info_max_output_tokens=50), gatewright=STRICT)
    await live.chat(key)
    assert "max_completion_tokens" not in live.upstream.requests[1].json


async def test_strict_is_never_over_however_many_ask_at_once(live: LiveGateway) -> None:
    live.configure(deployment("m", live.upstream), gatewright=STRICT)
    budget = 10 * PRICE
    key = await live.make_key(max_budget=budget / USD)
    for _ in range(4):
        answers = await asyncio.gather(*(live.chat(key, max_tokens=7) for _ in range(40)))
        assert {answer.status_code for answer in answers} <= {200, 422}
        assert live.settled_nanos(key) <= budget
    # As long as the most that a request may cost still fits, one is served.
    assert budget - live.settled_nanos(key) < 300 * INPUT_NANOS + 7 * OUTPUT_NANOS
    assert await live.spent_nanos(key) == live.settled_nanos(key) <= budget
    assert live.held_nanos(key) == 0


async def test_a_used_up_budget_of_a_model_leads_to_its_fallback(live: LiveGateway) -> None:
    live.configure(deployment("m", live.upstream), deployment("cheap", live.upstream, "openai/other-model"))
    key = await live.make_key(
        model_max_budget={"m": {"budget_limit": PRICE / USD, "time_period": "1d"}},
        budget_fallbacks={"m": ["absent", "cheap"]},
    )
    first, second = await live.chat(key), await live.chat(key)
    assert (first.json()["model"], second.json()["model"]) == ("m", "cheap")
    assert [request.json["model"] for request in live.upstream.requests] == ["real-model", "other-model"]
    rows = await live.rows(key)
    assert [(row.model_group, row.status) for row in rows] == [("m", "success"), ("cheap", "success")]


async def test_a_fallback_is_of_no_use_where_it_may_not_be_used_or_another_budget_is_spent(
    live: LiveGateway,
) -> None:
    live.configure(deployment("m", live.upstream), deployment("cheap", live.upstream))
    budget = {"m": {"budget_limit": PRICE / USD}}
    fallbacks = {"m": ["cheap"]}
    closed = await live.make_key(model_max_budget=budget, budget_fallbacks=fallbacks, models=["m"])
    spent = await live.make_key(model_max_budget=budget, budget_fallbacks=fallbacks, max_budget=PRICE / USD)
    for key, text in ((closed, "exceeded budget for model=m"), (spent, "Budget has been exceeded! Key=")):
        assert (await live.chat(key)).status_code == 200
        refused = await live.chat(key)
        assert refused.status_code == 422
        assert text in refused.json()["error"]["message"]
        await live.settled()
        assert live.held_nanos(key) == 0


async def test_the_tokens_that_are_limited_are_a_setting(live: LiveGateway) -> None:
    live.configure(deployment("m", live.upstream), general_settings={"token_rate_limit_type": "output"})
    key = await live.make_key(tpm_limit=30)
    first = await live.chat(key, max_tokens=1)
    assert first.headers[f"x-ratelimit-api_key-remaining-{LimitKind.TOKENS.value}"] == "23"


async def test_a_hold_follows_the_answers_of_its_model(live: LiveGateway) -> None:
    """Until a hundred answers were seen 1,024 tokens are held for one, then little more than they had."""
    # A model of which no other test has seen answers.
    live.configure(deployment("followed", live.upstream))
    key = await live.make_key(max_budget=10)
    live.upstream.default = replies.held()
    request = asyncio.create_task(live.chat(key, "followed"))
    await live.upstream.wait_for_requests(1)
    assert live.held_nanos(key) > 1024 * OUTPUT_NANOS
    live.upstream.release.set()
    await request
    live.upstream.default = None
    for _ in range(128):
        await live.chat(key, "followed")
    live.upstream.release.clear()
    live.upstream.default = replies.held()
    request = asyncio.create_task(live.chat(key, "followed"))
    await live.upstream.wait_for_requests(130)
    assert live.held_nanos(key) < 20 * OUTPUT_NANOS
    live.upstream.release.set()
    await request


@pytest.mark.parametrize(
    "metadata",
    [
        {"default_estimated_output_tokens": 77},
        {"default_estimated_output_tokens": 5, "default_estimated_output_tokens_per_model": {"m": 77}},
    ],
)
async def test_a_key_says_what_its_answers_take(live: LiveGateway, metadata: dict[str, object]) -> None:
    key = await live.make_key(max_budget=10, metadata=metadata)
    live.upstream.default = replies.held()
    request = asyncio.create_task(live.chat(key))
    await live.upstream.wait_for_requests(1)
    assert 77 * OUTPUT_NANOS < live.held_nanos(key) < 85 * OUTPUT_NANOS
    live.upstream.release.set()
    await request


async def test_the_master_key_has_no_budget(live: LiveGateway) -> None:
    live.configure(deployment("m", live.upstream), gatewright=STRICT)
    answer = await live.http.get("/v1/models", headers=bearer(MASTER_KEY))
    assert answer.status_code == 200
    assert (await live.chat(MASTER_KEY)).status_code == 200
