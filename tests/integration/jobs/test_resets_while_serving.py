"""Resets while requests hold money, while charges wait to be drained, and under load."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from gateway.db.lease import Lease
from gateway.ids import hash_token
from gateway.jobs.resets import BudgetResets, ResetPolicy
from tests.integration.serving import INPUT_NANOS, OUTPUT_NANOS, LiveGateway, eventually
from tests.upstreams import replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

PRICE = 11 * INPUT_NANOS + 7 * OUTPUT_NANOS
END = "UPDATE \"LiteLLM_VerificationToken\" SET budget_reset_at = '2020-01-01' WHERE token = $1"


class Periods:
    """Ends the period of a key whenever a test wants it."""

    def __init__(self, live: LiveGateway, lease: Lease) -> None:
        self._live = live
        self._lease = lease
        self._job = BudgetResets(live.gateway.parts.database, live.gateway.clock, ResetPolicy())

    async def end(self, key: str) -> None:
        await self._live.gateway.parts.database.execute(END, hash_token(key))
        await self._job.run(self._lease)

    async def adjusted(self, key: str) -> int:
        sql = "SELECT COALESCE(sum(nanos), 0)::bigint FROM gatewright.adjustment WHERE entity_id = $1"
        return await self._live.gateway.parts.database.fetch_value(sql, hash_token(key))

    async def forgotten(self, key: str) -> None:
        """Return when the worker has heard of the reset."""
        peek = self._live.gateway.parts.principals.peek
        await eventually(lambda: peek(hash_token(key)) is None)


@pytest_asyncio.fixture(loop_scope="session")
async def periods(live: LiveGateway) -> AsyncIterator[Periods]:
    lease = Lease(live.gateway.parts.database, "test", "test")
    await lease.acquire()
    yield Periods(live, lease)
    await lease.release()


async def test_a_reset_lets_requests_pass_again_at_once(live: LiveGateway, periods: Periods) -> None:
    key = await live.make_key(max_budget=PRICE / 1e9, budget_duration="1d")
    assert (await live.chat(key)).status_code == 200
    assert (await live.chat(key)).status_code == 422
    await live.spent_nanos(key)

    await periods.end(key)
    await periods.forgotten(key)

    assert (await live.chat(key)).status_code == 200
    assert await live.spent_nanos(key) == PRICE == live.settled_nanos(key)
    assert await periods.adjusted(key) == -PRICE


async def test_what_a_request_holds_survives_a_reset(live: LiveGateway, periods: Periods) -> None:
    key = await live.make_key(max_budget=1, budget_duration="1d")
    await live.chat(key)
    await live.spent_nanos(key)
    live.upstream.script.append(replies.held())
    under_way = asyncio.create_task(live.chat(key))
    await eventually(lambda: live.held_nanos(key) > 0)
    held = live.held_nanos(key)

    await periods.end(key)
    await periods.forgotten(key)
    await live.chat(key)

    assert live.held_nanos(key) == held
    assert live.settled_nanos(key) == PRICE
    live.upstream.release.set()
    assert (await under_way).status_code == 200
    assert await live.spent_nanos(key) == 2 * PRICE == live.settled_nanos(key)
    assert live.held_nanos(key) == 0


async def test_what_is_not_drained_yet_counts_in_the_new_period(live: LiveGateway, periods: Periods) -> None:
    key = await live.make_key(max_budget=1, budget_duration="1d")
    await live.chat(key)
    await live.spent_nanos(key)
    async with live.gateway.parts.drain._turn:
        await live.chat(key)
        await periods.end(key)
        await periods.forgotten(key)
        await live.chat(key)

        assert live.settled_nanos(key) == 2 * PRICE
        assert await periods.adjusted(key) == -PRICE
    assert await live.spent_nanos(key) == 2 * PRICE == live.settled_nanos(key)


async def test_under_load_nothing_is_lost_or_counted_twice(live: LiveGateway, periods: Periods) -> None:
    key = await live.make_key(max_budget=1, budget_duration="1d")
    statuses: list[int] = []

    async def ask(count: int) -> None:
        for _ in range(count):
            answer = await live.chat(key)
            statuses.append(answer.status_code)

    async def reset(count: int) -> None:
        for _ in range(count):
            await periods.end(key)
            await live.gateway.parts.drain.flush()

    await asyncio.gather(*(ask(15) for _ in range(8)), reset(15))
    await live.settled()
    await periods.end(key)
    await periods.forgotten(key)
    await ask(1)

    spent = await live.spent_nanos(key)
    assert statuses == [200] * 121
    assert spent - await periods.adjusted(key) == 121 * PRICE
    assert live.settled_nanos(key) == spent
    assert live.held_nanos(key) == 0
