"""Budgets per model and per period: counted by themselves, and not forgotten by anybody."""

import asyncio

import pytest

from gateway.ids import hash_token
from tests.integration.serving import INPUT_NANOS, OUTPUT_NANOS, LiveGateway, bearer, deployment
from tests.upstreams import replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

PRICE = 11 * INPUT_NANOS + 7 * OUTPUT_NANOS
USD = 1e9


async def meters_of(live: LiveGateway, key: str) -> dict[tuple[str, str], int]:
    await live.settled()
    await live.gateway.parts.drain.flush()
    sql = "SELECT model, period, nanos FROM gatewright.meter WHERE kind = 'key' AND id = $1"
    rows = await live.gateway.parts.database.fetch(sql, hash_token(key))
    return {(row["model"], row["period"]): row["nanos"] for row in rows}


async def test_a_budget_of_a_model_refuses_that_model_only(live: LiveGateway) -> None:
    live.configure(deployment("m", live.upstream), deployment("n", live.upstream))
    key = await live.make_key(model_max_budget={"m": {"budget_limit": PRICE / USD, "time_period": "1d"}})
    assert (await live.chat(key)).status_code == 200
    refused = await live.chat(key)
    error = refused.json()["error"]
    assert (refused.status_code, error["type"]) == (422, "budget_exceeded")
    assert "exceeded budget for model=m" in error["message"]
    assert (error["scope"], error["model"], error["period"]) == ("key", "m", "1d")
    assert (error["spend"], error["max_budget"], error["held"]) == (PRICE / USD, PRICE / USD, 0)
    assert error["budget_reset_at"].endswith("T00:00:00Z")
    assert (await live.chat(key, "n")).status_code == 200
    assert await meters_of(live, key) == {("m", "1d"): PRICE}
    assert await live.spent_nanos(key) == 2 * PRICE


async def test_a_budget_of_a_period_refuses_within_it(live: LiveGateway) -> None:
    windows = [
        {"budget_duration": "1mo", "max_budget": PRICE / USD},
        {"budget_duration": "1d", "max_budget": 1},
    ]
    key = await live.make_key(budget_limits=windows)
    assert (await live.chat(key)).status_code == 200
    error = (await live.chat(key)).json()["error"]
    assert error["message"].startswith("ExceededBudget: Key=")
    assert "over 1mo budget" in error["message"]
    assert await meters_of(live, key) == {("", "1mo"): PRICE, ("", "1d"): PRICE}


@pytest.mark.parametrize("is_drained", [True, False], ids=["drained", "journalled"])
async def test_a_caller_that_was_forgotten_finds_what_it_had_spent(
    live: LiveGateway,
    is_drained: bool,  # noqa: FBT001  pytest passes it by name
) -> None:
    key = await live.make_key(model_max_budget={"m": {"budget_limit": PRICE / USD}})
    assert (await live.chat(key)).status_code == 200
    if is_drained:
        assert await meters_of(live, key) == {("m", ""): PRICE}
    live.gateway.parts.principals.clear()
    assert (await live.chat(key)).status_code == 422


async def test_a_new_ledger_reads_what_the_database_has(live: LiveGateway) -> None:
    key = await live.make_key(model_max_budget={"m": {"budget_limit": 1, "time_period": "30d"}})
    await live.chat(key)
    await meters_of(live, key)
    accounts = live.gateway.parts.ledger.accounts
    (meter,) = [
        scope
        for scope in list(accounts._money)
        if scope.id == hash_token(key) and type(scope).__name__ == "Meter"
    ]
    accounts.money(meter).settled = 0
    live.gateway.parts.principals.clear()
    await live.chat(key)
    await live.settled()
    assert accounts.money(meter).settled == 2 * PRICE


async def test_many_at_once_share_a_budget_of_a_model(live: LiveGateway) -> None:
    key = await live.make_key(model_max_budget={"m": {"budget_limit": 3 * PRICE / USD, "time_period": "1d"}})
    live.upstream.default = replies.held()
    requests = [asyncio.create_task(live.chat(key, max_tokens=7)) for _ in range(50)]
    done, _ = await asyncio.wait(requests, return_when=asyncio.FIRST_COMPLETED)
    assert {item.result().status_code for item in done} == {422}
    live.upstream.release.set()
    answers = await asyncio.gather(*requests)
    served = [answer for answer in answers if answer.status_code == 200]
    assert 1 <= len(served) <= 4
    assert await meters_of(live, key) == {("m", "1d"): len(served) * PRICE}


LIMITS_ON_DEAR: dict[str, dict[str, object]] = {
    "budget": {"model_max_budget": {"dear": {"budget_limit": 0}}},
    "rate": {"model_rpm_limit": {"dear": 0}},
}


@pytest.mark.parametrize("limits", LIMITS_ON_DEAR.values(), ids=LIMITS_ON_DEAR)
async def test_no_alias_of_the_operators_leads_past_a_limit_on_a_model(
    live: LiveGateway, limits: dict[str, object]
) -> None:
    aliases = {"nick": "dear", "unseen": {"model": "dear", "hidden": True}}
    live.configure(deployment("dear", live.upstream), router_settings={"model_group_alias": aliases})
    key, own = await live.make_key(**limits), await live.make_key(**limits, aliases={"mine": "nick"})
    asked = [*((key, name) for name in ("dear", "nick", "unseen")), (own, "mine")]
    assert {(await live.chat(who, name)).status_code for who, name in asked} <= {422, 429}
    assert live.upstream.requests == []


async def test_an_alias_of_the_operators_is_open_to_who_may_use_its_model(live: LiveGateway) -> None:
    live.configure(
        deployment("dear", live.upstream),
        deployment("other", live.upstream),
        router_settings={"model_group_alias": {"nick": "dear"}},
    )
    for models, status in ((["dear"], 200), (["nick"], 200), (["other"], 403)):
        key = await live.make_key(models=models)
        answer = await live.chat(key, "nick")
        assert answer.status_code == status, models
        listed = (await live.http.get("/v1/models", headers=bearer(key))).json()["data"]
        assert ("nick" in {one["id"] for one in listed}) is (status == 200)
    key = await live.make_key(models=["nick"], aliases={"mine": "nick"})
    assert (await live.chat(key, "mine")).json()["model"] == "mine"
