"""Upstreams that break, clients that leave at any moment, a clock that jumps: everything adds up after it."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from gateway.domain import Scope, ScopeKind
from gateway.ids import hash_token
from gateway.pipeline.counters import check_counters
from gateway.spend.books.check import check_books
from tests.integration.serving import LiveGateway, bearer, chat_body, deployment, serve_here
from tests.upstreams import Reply, SeenRequest, Upstream, Wire, replies

CLIENTS = 12
REQUESTS_EACH = 25
LIMITS = {
    "max_budget": 1000,
    "rpm_limit": 1_000_000,
    "tpm_limit": 10_000_000_000,
    "max_parallel_requests": CLIENTS,
}
TROUBLES: tuple[Reply, ...] = (
    replies.ok(),
    replies.stream(["one", "two", "three"]),
    replies.stream_reset(["one", "two"]),
    replies.stream(["one"], ends=False),
    replies.error(500, "trouble"),
    replies.error(429, "slow down"),
    replies.reset(),
    replies.close(),
    replies.short_body(),
    replies.bytes_then_close(b"HTTP/1.1 200 OK\r\ncontent-le"),
)


@pytest.fixture
async def live(migrated_database_url: str, tmp_path: Path) -> AsyncIterator[LiveGateway]:
    async with Upstream() as upstream, serve_here(upstream, migrated_database_url, tmp_path) as running:
        yield running


def trouble(dice: random.Random) -> Reply:
    async def reply(wire: Wire, request: SeenRequest) -> None:
        await dice.choice(TROUBLES)(wire, request)

    return reply


async def ask(http: httpx.AsyncClient, key: str, dice: random.Random) -> None:
    """Some requests of one client; it leaves a third of them after up to 30 ms."""
    for _ in range(REQUESTS_EACH):
        patience = dice.uniform(0, 0.03) if dice.random() < 0.33 else 20
        body = chat_body(stream=dice.random() < 0.5, max_tokens=50, num_retries=0)
        try:
            async with asyncio.timeout(patience):
                await http.post("/v1/chat/completions", json=body, headers=bearer(key))
        except (TimeoutError, httpx.TransportError):
            continue


async def storm(live: LiveGateway, key: str, seed: int) -> None:
    live.upstream.default = trouble(random.Random(seed))
    live.upstream.release.set()
    # A connection each, so that one client's leaving ends nobody else's request.
    client = httpx.AsyncClient(base_url=live.origin, timeout=20, verify=False)
    async with asyncio.TaskGroup() as group, client as http:
        asked = [group.create_task(ask(http, key, random.Random(seed + n))) for n in range(CLIENTS)]
        await asyncio.wait(asked)


async def expect_balance(live: LiveGateway, key: str) -> None:
    await live.settled()
    rows = await live.rows(key)
    scope = Scope(ScopeKind.KEY, hash_token(key))
    ledger = live.gateway.parts.ledger
    assert sum(row.nanos for row in rows) == await live.spent_nanos(key) == ledger.settled(scope) > 0
    assert ledger.held(scope) == 0
    assert len({row.details["gatewright"]["charge_id"] for row in rows}) == len(rows)
    report = await check_books(live.gateway.parts.database)
    assert report.differences == ()
    assert await check_counters(live.gateway) == ()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 20_000])
async def test_broken_streams_and_leaving_clients_leave_the_books_whole(live: LiveGateway, seed: int) -> None:
    key = await live.make_key(**LIMITS)
    await storm(live, key, seed)
    await expect_balance(live, key)
    live.upstream.default = None
    live.configure(deployment("m", live.upstream))
    # Every slot has come back.
    answers = await asyncio.gather(*(live.chat(key) for _ in range(CLIENTS)))
    assert {answer.status_code for answer in answers} == {200}


@pytest.mark.slow
async def test_a_clock_that_jumps_costs_nothing_and_gives_nothing(
    monkeypatch: pytest.MonkeyPatch, migrated_database_url: str, tmp_path: Path
) -> None:
    hour = 3_600 * 10**9
    offset = [0]
    tell = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: tell() + offset[0])
    async with Upstream() as upstream, serve_here(upstream, migrated_database_url, tmp_path) as live:
        key = await live.make_key(**LIMITS, budget_duration="1h")
        jumps = random.Random(7)
        for round_number in range(4):
            running = asyncio.create_task(storm(live, key, round_number))
            while not running.done():
                offset[0] = jumps.choice((0, hour // 3, -hour // 3))
                await asyncio.wait((running,), timeout=0.02)
            await running
        offset[0] = 0
        await expect_balance(live, key)
