"""Requests under way are listed and ended by whichever worker is asked."""

import asyncio
from collections import Counter

import httpx

from tests.integration.many_workers.conftest import wait_for_workers
from tests.integration.serving import MASTER_KEY, ServerProcess, bearer, chat_body
from tests.redis_servers import RedisServer
from tests.upstreams import Upstream, replies

REQUESTS = 12


async def call(
    server: ServerProcess, method: str, path: str, key: str, body: object = None
) -> httpx.Response:
    """Ask over a connection of its own, so that any worker may get it."""
    async with httpx.AsyncClient(base_url=server.origin, timeout=30, verify=False) as http:
        return await http.request(method, path, json=body, headers=bearer(key))


async def test_what_all_workers_hold_is_listed_and_released(
    server: ServerProcess, redis_server: RedisServer, upstream: Upstream
) -> None:
    key = await server.make_key(max_budget=1_000)
    upstream.default = replies.held()
    under_way = [
        asyncio.create_task(call(server, "POST", "/v1/chat/completions", key, chat_body(max_tokens=7)))
        for _ in range(REQUESTS)
    ]
    await upstream.wait_for_requests(REQUESTS)
    await wait_for_workers(redis_server, 2)
    listed = [(await call(server, "GET", "/books/holds", MASTER_KEY)).json() for _ in range(6)]
    assert all(one == [*sorted(one, key=lambda held: -held["age_seconds"])] for one in listed)
    charge_ids = {held["charge_id"] for held in listed[0]}
    assert all({held["charge_id"] for held in one} == charge_ids for one in listed)
    assert len(charge_ids) == REQUESTS
    assert len(Counter(held["worker"] for held in listed[0])) == 2, "only one worker was asked"
    for charge_id in charge_ids:
        released = await call(server, "POST", "/books/holds/release", MASTER_KEY, {"charge_id": charge_id})
        assert released.status_code == 200, released.text
    assert {answer.status_code for answer in await asyncio.gather(*under_way)} == {503}
    assert (await call(server, "GET", "/books/holds", MASTER_KEY)).json() == []
    unknown = await call(server, "POST", "/books/holds/release", MASTER_KEY, {"charge_id": "nobody's"})
    assert unknown.status_code == 404
