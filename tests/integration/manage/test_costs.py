"""What requests would cost, and what providers have spent of their budgets."""

from datetime import UTC, datetime

import pytest

from tests.integration.counting import counting
from tests.integration.manage.conftest import Desk
from tests.integration.serving import INPUT_NANOS, OUTPUT_NANOS, deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_answer_costs_what_the_gateway_charged_for_it(desk: Desk, key: str):
    answer = (await desk.live.chat(key)).json()
    [row] = await desk.live.rows(key)
    body = {"model": "m", "completion_response": answer}
    assert await desk.post("/spend/calculate", body) == {"cost": row.spend}
    assert await desk.post("/spend/calculate", {"completion_response": {**answer, "model": "m"}}) == {
        "cost": row.spend
    }


async def test_a_prompt_is_priced_by_itself(desk: Desk):
    messages = [{"role": "user", "content": "x" * 300}]
    cost = (await desk.post("/spend/calculate", {"model": "m", "messages": messages}))["cost"]
    assert 100 * INPUT_NANOS / 1e9 <= cost <= 130 * INPUT_NANOS / 1e9


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "messages"),
        ({"model": "m"}, "messages"),
        ({"messages": []}, "model"),
        ({"model": "nobody-knows-this", "messages": []}, "model"),
        ({"model": "m", "completion_response": {}}, "completion_response.usage"),
        ({"completion_response": {"usage": {"prompt_tokens": 1, "completion_tokens": 1}}}, "model"),
    ],
)
async def test_what_cannot_be_priced_is_refused_by_name(desk: Desk, body, param):
    assert await desk.refusal("/spend/calculate", body) == (400, "bad_request", param)


async def test_an_estimate_has_every_part_and_multiplies_exactly(desk: Desk):
    asked = {
        "model": "m",
        "input_tokens": 1_000,
        "output_tokens": 500,
        "reasoning_tokens": 100,
        "cache_read_input_tokens": 200,
        "num_requests_per_day": 10,
    }
    found = await desk.post("/cost/estimate", asked)
    total = (1_000 * INPUT_NANOS + 500 * OUTPUT_NANOS) / 1e9
    assert found["cost_per_request"] == total
    assert found["input_cost_per_request"] == 800 * INPUT_NANOS / 1e9
    assert found["cache_read_cost_per_request"] == 200 * INPUT_NANOS / 1e9
    assert found["output_cost_per_request"] == 400 * OUTPUT_NANOS / 1e9
    assert found["reasoning_cost_per_request"] == 100 * OUTPUT_NANOS / 1e9
    assert found["daily_cost"] == 10 * round(total * 1e9) / 1e9
    assert found["monthly_cost"] is None
    assert found["input_cost_per_token"] == INPUT_NANOS / 1e9
    assert (found["provider"], found["margin_cost_per_request"]) == ("openai", 0)


async def test_a_providers_model_needs_no_configuration(desk: Desk):
    body = {"model": "openai/gpt-4o", "input_tokens": 1_000_000, "output_tokens": 0}
    assert (await desk.post("/cost/estimate", body))["cost_per_request"] == 2.5


async def test_estimates_of_nothing_known_or_possible_are_refused(desk: Desk):
    body = {"model": "none", "input_tokens": 1, "output_tokens": 1}
    assert await desk.refusal("/cost/estimate", body) == (404, "not_found_error", "model")
    answer = await desk.ask("POST", "/cost/estimate", json={**body, "input_tokens": -1})
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "input_tokens"])
    answer = await desk.ask("POST", "/cost/estimate", json={"model": "m"})
    assert [fault["loc"][1] for fault in answer.json()["detail"]] == ["input_tokens", "output_tokens"]
    _, user = await desk.make_user()
    assert (await desk.post("/cost/estimate", {**body, "model": "m"}, user))["provider"] == "openai"
    answer = await desk.ask("POST", "/cost/estimate", await desk.live.make_key(), json=body)
    assert answer.status_code == 401


async def test_providers_have_spent_what_their_requests_did_cost(desk: Desk, key: str):
    budgets = {"openai": {"budget_limit": 100, "time_period": "1d"}, "groq": {"budget_limit": 1}}
    desk.live.configure(
        deployment("m", desk.live.upstream), router_settings={"provider_budget_config": budgets}
    )
    before = (await desk.get("/provider/budgets"))["providers"]["openai"]["spend"]
    await desk.live.chat(key)
    [row] = await desk.live.rows(key)
    async with counting(desk.live) as counter:
        found = (await desk.get("/provider/budgets"))["providers"]
    assert len(counter) == 2
    assert round((found["openai"]["spend"] - before) * 1e9) == row.nanos
    assert (found["openai"]["budget_limit"], found["openai"]["time_period"]) == (100, "1d")
    assert datetime.fromisoformat(found["openai"]["budget_reset_at"]) > datetime.now(UTC)
    assert found["groq"] == {
        "budget_limit": 1,
        "time_period": None,
        "spend": 0,
        "budget_reset_at": None,
    }
    _, user = await desk.make_user()
    assert (await desk.ask("GET", "/provider/budgets", user)).status_code == 401
    desk.live.configure(deployment("m", desk.live.upstream))
    assert await desk.get("/provider/budgets") == {"providers": {}}
