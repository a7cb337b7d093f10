"""Budgets and rates hold however many workers count: every request may come to another one."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from gateway.db.engine import Database
from tests.chaos.load import assert_balance
from tests.integration.budget_setups import BUDGET, PRICE, SETUPS, USD, Setup, new_name
from tests.integration.many_workers.conftest import config_for, open_database, serve_two, wait_for_workers
from tests.integration.serving import MASTER_KEY, Client, ServerProcess, bearer, chat_body
from tests.mcp_servers import McpFixture
from tests.redis_servers import RedisServer
from tests.upstreams import Upstream, replies

pytestmark = pytest.mark.asyncio(loop_scope="module")
AT_ONCE = 150
HELD = 12
WHOLE_BUDGET = 3 * BUDGET + 2 * PRICE / USD
_SPENT = 'SELECT COALESCE(sum(round(spend * 1e9)), 0)::bigint FROM "LiteLLM_SpendLogs" WHERE api_key = $1'
_SERVED = "SELECT count(*) FROM gatewright.journal_position WHERE position > 0"


async def ask(client: Client, setup: Setup) -> httpx.Response:
    """Ask over a connection of its own, so that any worker may get it."""
    key, members = setup
    return await call(client, "POST", "/v1/chat/completions", key, chat_body(max_tokens=7, **members))


async def call(client: Client, method: str, path: str, key: str, body: object = None) -> httpx.Response:
    """Ask over a connection of its own, so that any worker may get it."""
    async with httpx.AsyncClient(base_url=client.origin, timeout=30, verify=False) as http:
        return await http.request(method, path, json=body, headers=bearer(key))


async def ask_often(client: Client, setup: Setup) -> list[httpx.Response]:
    return await asyncio.gather(*(ask(client, setup) for _ in range(20)))


async def test_of_many_at_once_no_more_pass_than_a_budget_fits(
    server: ServerProcess, database: Database, shared_database_url: str
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
    await assert_balance(shared_database_url)


async def test_strict_is_never_over(
    upstream: Upstream, redis_server: RedisServer, migrated_database_url: str, tmp_path: Path
) -> None:
    """Nor is the whole gateway, whose budget fits a request more than those of the three kinds together."""
    config = config_for(upstream, budget_mode="strict") | {"litellm_settings": {"max_budget": WHOLE_BUDGET}}
    async with (
        serve_two(tmp_path, config, migrated_database_url, redis_server) as server,
        open_database(migrated_database_url) as database,
    ):
        for kind in ("key", "team", "tag"):
            setup = await SETUPS[kind](server, database, new_name())
            answers = await asyncio.gather(*(ask(server, setup) for _ in range(AT_ONCE)))
            served = sum(answer.status_code == 200 for answer in answers)
            assert served * PRICE <= round(BUDGET * 1e9), kind
        setup = (await server.make_key(), {})
        before = len(upstream.requests)
        answers = await asyncio.gather(*(ask(server, setup) for _ in range(AT_ONCE)))
        while (answer := await ask(server, setup)).status_code == 200:
            pass
        assert answer.status_code == 422
        assert before < len(upstream.requests)
        assert len(upstream.requests) * PRICE <= round(WHOLE_BUDGET * 1e9)


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


async def test_limits_of_an_mcp_server_hold_for_all_workers(
    server: ServerProcess, shared_redis: RedisServer
) -> None:
    async with McpFixture(is_json=True) as fixture:
        key = await server.make_key()
        for limits, served in (({"rpm": 5}, 5), ({"max_budget": 0.03}, 3)):
            name = await serve_tools(server, fixture, key, **limits)
            answers = await asyncio.gather(*(use_tool(server, key, name) for _ in range(40)))
            assert Counter(answer.status_code for answer in answers)[200] == served, limits

        name = await serve_tools(server, fixture, key, max_concurrent_requests=2)
        pending = {asyncio.create_task(use_tool(server, key, name, "wait")) for _ in range(12)}
        refused: set[asyncio.Task[httpx.Response]] = set()
        while len(refused) < 10:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            refused |= done
        assert {task.result().status_code for task in refused} == {429}
        fixture.slow.set()
        assert [answer.status_code for answer in await asyncio.gather(*pending)] == [200, 200]

        name = await serve_tools(server, fixture, key, rpm=99, max_concurrent_requests=9, max_budget=9)
        await use_tool(server, key, name)
        async with watching(shared_redis) as commands:
            for _ in range(10):
                assert (await use_tool(server, key, name)).status_code == 200
        # One to admit a call, and one to settle it, with all that it counts for.
        assert len([line for line in commands if f"mcp_server:{name}" in line]) == 2 * 10


async def serve_tools(server: ServerProcess, fixture: McpFixture, key: str, **limits: object) -> str:
    """The name and id of a server that every worker serves, and whose calls cost a cent."""
    name = new_name().replace("-", "_")
    info = {"mcp_server_cost_info": {"default_cost_per_query": 0.01}}
    body = {"server_id": name, "server_name": name, "url": fixture.url, "mcp_info": info, **limits}
    made = await call(server, "POST", "/v1/mcp/server", MASTER_KEY, body)
    assert made.status_code == 201, made.text
    path = f"/mcp-rest/tools/list?server_id={name}"
    async with asyncio.timeout(30):
        while True:
            answers = await asyncio.gather(*(call(server, "GET", path, key) for _ in range(12)))
            if all(answer.json()["error"] is None for answer in answers):
                return name
            await asyncio.sleep(0.05)


async def use_tool(server: ServerProcess, key: str, name: str, tool: str = "add") -> httpx.Response:
    arguments = {"a": 2, "b": 3} if tool == "add" else {}
    body = {"server_id": name, "name": tool, "arguments": arguments}
    return await call(server, "POST", "/mcp-rest/tools/call", key, body)


@contextlib.asynccontextmanager
async def watching(redis_server: RedisServer) -> AsyncIterator[list[str]]:
    """The commands that clients send to Redis, without those of scripts."""
    reader, writer = await asyncio.open_connection("127.0.0.1", redis_server.port)
    writer.write(b"MONITOR\r\n")
    lines: list[str] = []
    assert await reader.readline() == b"+OK\r\n"
    yield lines
    writer.write(b"PING\r\n")
    while (line := await reader.readline()) not in {b"", b"+PONG\r\n"}:
        if b" lua]" not in line:
            lines.append(line.decode())
    writer.close()


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
    async with asyncio.timeout(30):
        while {answer.status_code for answer in await ask_often(server, setup)} != {200}:  # noqa: ASYNC110  another process
            await asyncio.sleep(0.05)
    assert {answer.status_code for answer in await ask_often(server, setup)} == {200}


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
async def test_places_have_one_budget(server: ServerProcess, upstream: Upstream, place: str) -> None:
    """A deployment that has a budget, or a provider, among those of one model: all others take over."""
    setup = (await server.make_key(), {"model": f"by-{place}"})
    answers = await asyncio.gather(*(ask(server, setup) for _ in range(AT_ONCE)))
    assert {answer.status_code for answer in answers} == {200}
    for _ in range(6):
        assert (await ask(server, setup)).status_code == 200
    asked = [request.json["model"] for request in upstream.requests]
    assert asked.count("small") in {3, 4}
    assert len(asked) == AT_ONCE + 6


async def test_what_all_workers_hold_is_listed_and_released(
    server: ServerProcess, shared_redis: RedisServer, upstream: Upstream
) -> None:
    key = await server.make_key(max_budget=1_000)
    upstream.default = replies.held()
    under_way = [
        asyncio.create_task(call(server, "POST", "/v1/chat/completions", key, chat_body(max_tokens=7)))
        for _ in range(HELD)
    ]
    await upstream.wait_for_requests(HELD)
    await wait_for_workers(shared_redis, 2)
    listed = [(await call(server, "GET", "/books/holds", MASTER_KEY)).json() for _ in range(6)]
    assert all(one == [*sorted(one, key=lambda held: -held["age_seconds"])] for one in listed)
    charge_ids = {held["charge_id"] for held in listed[0]}
    assert all({held["charge_id"] for held in one} == charge_ids for one in listed)
    assert len(charge_ids) == HELD
    assert len(Counter(held["worker"] for held in listed[0])) == 2, "only one worker was asked"
    for charge_id in charge_ids:
        released = await call(server, "POST", "/books/holds/release", MASTER_KEY, {"charge_id": charge_id})
        assert released.status_code == 200, released.text
    assert {answer.status_code for answer in await asyncio.gather(*under_way)} == {503}
    assert (await call(server, "GET", "/books/holds", MASTER_KEY)).json() == []
    unknown = await call(server, "POST", "/books/holds/release", MASTER_KEY, {"charge_id": "nobody's"})
    assert unknown.status_code == 404
