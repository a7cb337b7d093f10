"""Workers that are killed, a Redis that freezes, dies or forgets, under load: books and counters agree.

And an MCP server that dies: its callers go on, each with its own credential.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.ids import hash_token
from tests.chaos.load import PRICE, Books, Load, check_books, wait_for_books
from tests.integration.many_workers.conftest import config_for, serve_two, wait_for_workers
from tests.integration.many_workers.mcp_callers import Crowd, McpServerOfMany, call_interleaved, gather_crowd
from tests.integration.serving import ServerProcess
from tests.redis_servers import RedisServer
from tests.upstreams import Upstream

pytestmark = pytest.mark.asyncio(loop_scope="module")


def counters(redis_server: RedisServer, key: str) -> tuple[int, int]:
    """What Redis says is settled and held on a key, in nano-dollars."""
    client = redis_server.client()
    epoch = client.get("{gatewright}:epoch") or b""
    settled, held = client.hmget(f"{{gatewright}}:{epoch.decode()}:m:key:{hash_token(key)}", "s", "h")
    client.close()
    return int(settled or 0), int(held or 0)


async def wait_for_agreement(redis_server: RedisServer, database_url: str, key: str, at_least: int) -> Books:
    """Return the books once they are what Redis counts."""
    async with asyncio.timeout(60):
        while True:
            books = await wait_for_books(database_url, key, at_least)
            if counters(redis_server, key) == (books.spent_nanos, 0):
                return books
            await asyncio.sleep(0.1)


async def load_until(load: Load, answers: int) -> "asyncio.Task[None]":
    running = asyncio.create_task(load.run(12))
    await load.wait_for_answers(answers)
    return running


async def test_a_killed_worker_is_replaced_and_what_it_held_is_settled(
    server: ServerProcess, shared_redis: RedisServer, upstream: Upstream, shared_database_url: str
) -> None:
    load = Load(server, await server.make_key(max_budget=1_000))
    running = await load_until(load, 60)
    before = set(server.worker_pids())
    os.kill(server.worker_pid(), signal.SIGKILL)
    await load.wait_for_answers(200)
    await asyncio.sleep(0)
    async with asyncio.timeout(60):
        while len(set(server.worker_pids()) - before) != 1:  # noqa: ASYNC110  another process tells nobody
            await asyncio.sleep(0.05)
    await wait_for_workers(shared_redis, 2)
    await load.wait_for_answers(len(load.answered) + 40)
    await server.stop()
    await running
    assert load.refused == []
    await server.start()
    books = await wait_for_agreement(shared_redis, shared_database_url, load.key, len(upstream.requests))
    check_books(books, load)


async def test_callers_of_an_mcp_server_that_dies_go_on_each_with_its_own_credential(
    server: ServerProcess,
) -> None:
    mcp = McpServerOfMany()
    async with mcp.upstream:
        assert await call_interleaved(server, mcp, callers=60, calls=2) > 0
    assert mcp.mixed_up == []
    assert mcp.calls >= 120


@pytest_asyncio.fixture(loop_scope="module")
async def crowd(server: ServerProcess) -> AsyncIterator[tuple[McpServerOfMany, Crowd]]:
    mcp = McpServerOfMany()
    async with gather_crowd(server, mcp) as found:
        yield mcp, found


PLAYS = st.lists(
    st.lists(st.sampled_from(["call", "begin", "steal"]), min_size=1, max_size=5), min_size=3, max_size=6
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plays=PLAYS)
async def test_no_order_of_calls_mixes_up_credentials_on_two_workers(
    crowd: tuple[McpServerOfMany, Crowd], plays: list[list[str]]
) -> None:
    mcp, callers = crowd
    before = mcp.calls
    await callers.play(plays)
    assert mcp.mixed_up == []
    assert mcp.calls == before + sum(play.count("call") for play in plays), "what was stolen reached nobody"


async def test_a_frozen_redis_is_answered_and_then_forgotten(
    server: ServerProcess, shared_redis: RedisServer, shared_database_url: str
) -> None:
    load = Load(server, await server.make_key(max_budget=1_000))
    free = await server.make_key()
    running = await load_until(load, 60)
    shared_redis.freeze()
    await running
    assert load.refused
    assert all('"503"' in text or "looked up at the moment" in text for text in load.refused)
    assert (await server.chat(free)).status_code == 200, "who has no limit is served"
    shared_redis.thaw()
    await wait_until_served(server, load.key)
    books = await wait_for_agreement(shared_redis, shared_database_url, load.key, len(load.answered) + 1)
    assert books.spent_nanos % PRICE == 0


@pytest.mark.parametrize("trouble", ["flush", "restart"])
async def test_a_redis_that_forgot_is_told_again_while_requests_go_on(
    server: ServerProcess,
    shared_redis: RedisServer,
    upstream: Upstream,
    shared_database_url: str,
    trouble: str,
) -> None:
    load = Load(server, await server.make_key(max_budget=1_000))
    running = await load_until(load, 60)
    if trouble == "flush":
        shared_redis.flush()
        await load.wait_for_answers(len(load.answered) + 100)
        await server.stop()
        await running
        assert load.refused == [], "requests wait while everything is counted anew"
        await server.start()
    else:
        shared_redis.kill()
        await running
        shared_redis.start()
        await wait_until_served(server, load.key)
    books = await wait_for_agreement(shared_redis, shared_database_url, load.key, len(upstream.requests))
    assert set(load.answered) <= set(books.call_ids)
    assert books.spent_nanos >= len(load.answered) * PRICE


async def test_an_allowance_bounds_what_is_spent_without_redis(
    upstream: Upstream, redis_server: RedisServer, migrated_database_url: str, tmp_path: Path
) -> None:
    """Two workers, a budget of five requests, an allowance of ten in each: at most 25."""
    dollars = PRICE / 1e9
    config = config_for(upstream, redis_outage="allow", redis_allowance=10 * dollars)
    async with serve_two(tmp_path, config, migrated_database_url, redis_server) as server:
        key = await server.make_key(max_budget=5 * dollars)
        assert (await server.chat(key, max_tokens=7)).status_code == 200
        redis_server.freeze()
        answers = await asyncio.gather(*(server.chat(key, max_tokens=7) for _ in range(100)))
        served = sum(answer.status_code == 200 for answer in answers)
        assert 1 <= served <= 24
        redis_server.thaw()
        books = await wait_for_agreement(redis_server, migrated_database_url, key, served + 1)
        assert books.spent_nanos == (served + 1) * PRICE


@pytest.mark.slow
async def test_a_rolling_restart_loses_nothing(
    server: ServerProcess, shared_redis: RedisServer, upstream: Upstream, shared_database_url: str
) -> None:
    load = Load(server, await server.make_key(max_budget=1_000))
    for round_number in range(1, 3):
        running = await load_until(load, 60 * round_number)
        assert await server.stop() == 0
        await running
        await server.start()
        await wait_for_workers(shared_redis, 2)
    books = await wait_for_agreement(shared_redis, shared_database_url, load.key, len(upstream.requests))
    check_books(books, load)


async def wait_until_served(server: ServerProcess, key: str) -> None:
    async with asyncio.timeout(30):
        while (await server.chat(key)).status_code != 200:  # noqa: ASYNC110  another process tells nobody
            await asyncio.sleep(0.05)
