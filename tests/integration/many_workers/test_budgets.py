"""Budgets and rates hold however many workers count: every request may come to another one."""

import asyncio
from pathlib import Path

import httpx
import pytest

from gateway.db.engine import Database
from tests.chaos.load import assert_balance
from tests.integration.budget_setups import BUDGET, PRICE, SETUPS, Setup, new_name
from tests.integration.many_workers.conftest import config_for, serve_two
from tests.integration.serving import MASTER_KEY, Client, ServerProcess, bearer, chat_body, deployment
from tests.redis_servers import RedisServer
from tests.upstreams import Upstream

AT_ONCE = 150
_SPENT = 'SELECT COALESCE(sum(round(spend * 1e9)), 0)::bigint FROM "LiteLLM_SpendLogs" WHERE api_key = $1'
_SERVED = "SELECT count(*) FROM gatewright.journal_position WHERE position > 0"


async def ask(client: Client, setup: Setup) -> httpx.Response:
    """Ask over a connection of its own, so that any worker may get it."""
    key, members = setup
    async with httpx.AsyncClient(base_url=client.origin, timeout=30, verify=False) as http:
        body = chat_body(max_tokens=7, **members)
        return await http.post("/v1/chat/completions", json=body, headers=bearer(key))


async def test_of_many_at_once_no_more_pass_than_a_budget_fits(
    server: ServerProcess, database: Database, migrated_database_url: str
) -> None:
    for kind, make in SETUPS.items():
        setup = await make(server, database, new_name())
        answers = await asyncio.gather(*(ask(server, setup) for _ in range(AT_ONCE)))
        assert {answer.status_code for answer in answers} == {200, 422}, kind
        served = sum(answer.status_code == 200 for answer in answers)
        while (await ask(server, setup)).status_code == 200:
            served += 1
        assert served in {3, 4}, kind
    assert await database.fetch_value(_SERVED) == 2, "only one worker was asked"
    await assert_balance(migrated_database_url)


async def test_strict_is_never_over(
    upstream: Upstream,
    redis_server: RedisServer,
    database: Database,
    migrated_database_url: str,
    tmp_path: Path,
) -> None:
    config = config_for(upstream, budget_mode="strict")
    async with serve_two(tmp_path, config, migrated_database_url, redis_server) as server:
        for kind in ("key", "team", "tag"):
            setup = await SETUPS[kind](server, database, new_name())
            answers = await asyncio.gather(*(ask(server, setup) for _ in range(AT_ONCE)))
            served = sum(answer.status_code == 200 for answer in answers)
            assert served * PRICE <= round(BUDGET * 1e9), kind


async def test_a_rate_is_one_rate_and_says_so(server: ServerProcess) -> None:
    setup = (await server.make_key(rpm_limit=20), {})
    answers = await asyncio.gather(*(ask(server, setup) for _ in range(60)))
    assert [answer.status_code for answer in answers].count(200) == 20
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert 0 < int(refused.headers["retry-after"]) <= 60
    left = sorted(
        int(answer.headers["x-ratelimit-api_key-remaining-requests"])
        for answer in answers
        if answer.status_code == 200
    )
    assert left[0] == 0


async def test_a_change_is_seen_by_every_worker(server: ServerProcess) -> None:
    setup = (await server.make_key(max_budget=BUDGET), {})
    while (await ask(server, setup)).status_code == 200:
        pass
    changed = await server.http.post(
        "/key/update",
        json={"key": setup[0], "max_budget": 1},
        headers=bearer(MASTER_KEY),
    )
    assert changed.status_code == 200
    await asyncio.sleep(0.1)
    answers = await asyncio.gather(*(ask(server, setup) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}


async def test_the_whole_gateway_has_one_budget(
    upstream: Upstream, redis_server: RedisServer, migrated_database_url: str, tmp_path: Path
) -> None:
    config = config_for(upstream) | {"litellm_settings": {"max_budget": BUDGET}}
    async with serve_two(tmp_path, config, migrated_database_url, redis_server) as server:
        setup = (await server.make_key(), {})
        answers = await asyncio.gather(*(ask(server, setup) for _ in range(AT_ONCE)))
        served = sum(answer.status_code == 200 for answer in answers)
        while (await ask(server, setup)).status_code == 200:
            served += 1
        assert served in {3, 4}


async def test_every_worker_explains_what_all_have_spent(server: ServerProcess) -> None:
    setup = (await server.make_key(max_budget=1, rpm_limit=50), {})
    answers = await asyncio.gather(*(ask(server, setup) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    for _ in range(6):
        async with httpx.AsyncClient(base_url=server.origin, timeout=30, verify=False) as http:
            answer = await http.post(
                "/auth/explain", json={"key": setup[0], "model": "m"}, headers=bearer(MASTER_KEY)
            )
            checked = await http.get("/books/check", headers=bearer(MASTER_KEY))
        limits = {one["kind"]: one for one in answer.json()["limits"]}
        assert limits["requests"]["used"] == 20
        assert limits["budget"]["spend"] == 20 * PRICE / 1e9
        assert checked.json()["is_balanced"], checked.json()


@pytest.mark.parametrize("place", ["deployment", "provider"])
async def test_places_have_one_budget(
    upstream: Upstream, redis_server: RedisServer, migrated_database_url: str, tmp_path: Path, place: str
) -> None:
    """A deployment that has a budget, or a provider, among those of one model: all others take over."""
    config = config_for(upstream)
    own = {"max_budget": BUDGET} if place == "deployment" else {}
    config["model_list"] = [
        deployment("m", upstream, "openai/small", order=1, **own),
        deployment("m", upstream, "groq/large", order=2),
    ]
    if place == "provider":
        budgets = {"openai": {"budget_limit": BUDGET, "time_period": "30d"}}
        config["router_settings"] = {"provider_budget_config": budgets}
    async with serve_two(tmp_path, config, migrated_database_url, redis_server) as server:
        setup = (await server.make_key(), {})
        answers = await asyncio.gather(*(ask(server, setup) for _ in range(AT_ONCE)))
        assert {answer.status_code for answer in answers} == {200}
        for _ in range(6):
            assert (await ask(server, setup)).status_code == 200
    asked = [request.json["model"] for request in upstream.requests]
    assert asked.count("small") in {3, 4}
    assert len(asked) == AT_ONCE + 6
