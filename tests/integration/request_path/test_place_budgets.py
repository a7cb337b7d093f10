"""Budgets of deployments, of providers, and of the gateway as a whole."""

import asyncio
from datetime import UTC, datetime

import pytest

from gateway.admission.store import GATEWAY_SCOPE
from gateway.identity.invalidation import CHANNEL
from tests.integration.serving import INPUT_NANOS, OUTPUT_NANOS, LiveGateway, deployment, eventually
from tests.upstreams import replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

PRICE = 11 * INPUT_NANOS + 7 * OUTPUT_NANOS
USD = 1e9
GATEWAY_ROW = """SELECT * FROM "LiteLLM_UserTable" WHERE user_id = 'litellm-proxy-budget'"""


def placed(live: LiveGateway, model: str, name: str = "m", **params: object) -> object:
    return deployment(name, live.upstream, f"openai/{model}", info_id=f"{model}-id", **params)


async def models_asked(live: LiveGateway) -> list[str]:
    return [request.json["model"] for request in live.upstream.requests]


async def forget(live: LiveGateway) -> None:
    """Delete what is counted, as a week does, so that no test meets what another one spent."""
    await live.settled()
    await live.gateway.parts.drain.flush()
    await live.gateway.parts.database.execute("DELETE FROM gatewright.meter")
    accounts = live.gateway.parts.ledger.accounts
    for money in list(accounts._money.values()):
        if money.key.kind in {"provider", "deployment", "gateway"}:
            money.settled = 0


async def test_a_deployment_that_has_spent_its_budget_is_not_chosen(live: LiveGateway, key: str) -> None:
    await forget(live)
    live.configure(
        placed(live, "cheap", order=1, max_budget=2 * PRICE / USD, budget_duration="1d"),
        placed(live, "dear", order=2),
    )
    for _ in range(3):
        assert (await live.chat(key)).status_code == 200
    assert await models_asked(live) == ["cheap", "cheap", "dear"]
    await live.rows(key)
    sql = "SELECT kind, id, period, nanos FROM gatewright.meter WHERE kind = 'deployment'"
    rows = await live.gateway.parts.database.fetch(sql)
    assert [tuple(row) for row in rows] == [("deployment", "cheap-id", "1d", 2 * PRICE)]


async def test_without_another_deployment_the_request_is_refused(live: LiveGateway, key: str) -> None:
    await forget(live)
    live.configure(placed(live, "only", max_budget=PRICE / USD))
    assert (await live.chat(key)).status_code == 200
    refused = await live.chat(key)
    assert refused.status_code == 429
    assert "budgets of its deployments, providers" in refused.json()["error"]["message"]


async def test_a_spent_provider_leads_to_the_fallback(live: LiveGateway, key: str) -> None:
    await forget(live)
    live.configure(
        placed(live, "first"),
        deployment("other", live.upstream, "groq/second"),
        router_settings={
            "provider_budget_config": {"openai": {"budget_limit": PRICE / USD, "time_period": "1mo"}},
            "fallbacks": [{"m": ["other"]}],
        },
    )
    assert [(await live.chat(key)).json()["model"] for _ in range(2)] == ["m", "other"]


async def test_attempts_hold_the_budget_of_their_place_while_they_run(live: LiveGateway, key: str) -> None:
    await forget(live)
    live.configure(placed(live, "small", order=1, max_budget=3 * PRICE / USD), placed(live, "large", order=2))
    live.upstream.default = replies.held()
    requests = [asyncio.create_task(live.chat(key, max_tokens=7)) for _ in range(12)]
    await live.upstream.wait_for_requests(12)
    live.upstream.release.set()
    await asyncio.gather(*requests)
    asked = await models_asked(live)
    assert 1 <= asked.count("small") <= 4
    assert len(asked) == 12


async def test_a_failed_attempt_gives_back_what_it_held(live: LiveGateway, key: str) -> None:
    await forget(live)
    live.configure(
        placed(live, "small", order=1, max_budget=1 / USD), placed(live, "large", order=2, max_budget=1)
    )
    live.upstream.script.append(replies.error(500))
    assert (await live.chat(key)).status_code == 200
    await live.settled()
    accounts = live.gateway.parts.ledger.accounts
    places = [money for money in list(accounts._money.values()) if money.key.kind == "deployment"]
    assert sum(money.held for money in places) == 0
    assert sum(money.settled for money in places) == PRICE


async def test_the_whole_gateway_has_a_budget(live: LiveGateway, key: str) -> None:
    await forget(live)
    database = live.gateway.parts.database
    await database.execute("DELETE FROM \"LiteLLM_UserTable\" WHERE user_id = 'litellm-proxy-budget'")
    live.configure(
        placed(live, "m"), litellm_settings={"max_budget": 2 * PRICE / USD, "budget_duration": "30d"}
    )
    await live.gateway.parts.standing.refresh()
    for _ in range(2):
        assert (await live.chat(key)).status_code == 200
    refused = await live.chat(await live.make_key())
    error = refused.json()["error"]
    assert (refused.status_code, error["scope"]) == (422, "gateway")
    assert error["message"].startswith("Budget has been exceeded! Gateway=")
    await live.rows(key)
    row = await database.fetch_row(GATEWAY_ROW)
    assert round(row["spend"] * USD) == 2 * PRICE
    assert (row["max_budget"], row["budget_duration"]) == (2 * PRICE / USD, "30d")
    assert row["budget_reset_at"] > datetime.now(UTC).replace(tzinfo=None)

    # A reset elsewhere is announced, and seen at once.
    await database.execute(
        "UPDATE \"LiteLLM_UserTable\" SET spend = 0 WHERE user_id = 'litellm-proxy-budget'"
    )
    await database.execute("SELECT pg_notify($1, '*')", CHANNEL)
    await eventually(lambda: live.gateway.parts.ledger.settled(GATEWAY_SCOPE) == 0)
    assert (await live.chat(key)).status_code == 200


async def test_after_a_restart_places_have_spent_what_they_had(live: LiveGateway, key: str) -> None:
    await forget(live)
    live.configure(placed(live, "only", max_budget=PRICE / USD, budget_duration="1w"))
    await live.chat(key)
    await live.rows(key)
    accounts = live.gateway.parts.ledger.accounts
    for money in list(accounts._money.values()):
        if money.key.kind == "deployment":
            money.settled = 0
    await live.gateway.parts.standing.refresh()
    assert (await live.chat(key)).status_code == 429


async def test_strict_a_place_is_passed_over_that_has_less_left_than_the_request_may_cost(
    live: LiveGateway, key: str
) -> None:
    """What a request may cost is estimated higher than what it does cost: the last one does not fit."""
    await forget(live)
    small = placed(live, "small", order=1, max_budget=3 * PRICE / USD)
    strict = {"budget_mode": "strict"}
    live.configure(small, placed(live, "large", order=2), gatewright=strict)
    for _ in range(4):
        assert (await live.chat(key, max_tokens=7)).status_code == 200
    asked = await models_asked(live)
    assert asked == sorted(asked, reverse=True)
    assert asked.count("small") in {1, 2}

    live.configure(small, gatewright=strict)
    refused = await live.chat(key, max_tokens=7)
    assert refused.status_code == 429
    assert "budgets of its deployments, providers" in refused.json()["error"]["message"]
