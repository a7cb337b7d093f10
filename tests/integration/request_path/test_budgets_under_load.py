"""Many requests at once on a budget that fits few, for everything that can have a budget."""

import asyncio

import pytest

from gateway.admission.store import GATEWAY_SCOPE
from tests.integration.budget_setups import BUDGET, PRICE, SETUPS, USD, Setup, new_name
from tests.integration.serving import LiveGateway, deployment
from tests.upstreams import replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

AT_ONCE = 150


async def _of_gateway(live: LiveGateway) -> Setup:
    sql = "DELETE FROM \"LiteLLM_UserTable\" WHERE user_id = 'litellm-proxy-budget'"
    await live.gateway.parts.database.execute(sql)
    live.gateway.parts.ledger.seed([(GATEWAY_SCOPE, 0)])
    live.configure(deployment("m", live.upstream), litellm_settings={"max_budget": BUDGET})
    await live.gateway.parts.standing.refresh()
    return await live.make_key(), {}


KINDS = (*SETUPS, "gateway")


async def _set_up(live: LiveGateway, kind: str) -> Setup:
    if kind == "gateway":
        return await _of_gateway(live)
    return await SETUPS[kind](live, live.gateway.parts.database, new_name())


@pytest.mark.parametrize("kind", KINDS)
async def test_of_many_at_once_no_more_pass_than_a_budget_fits(live: LiveGateway, kind: str) -> None:
    key, members = await _set_up(live, kind)
    live.upstream.default = replies.held()
    requests = [asyncio.create_task(live.chat(key, max_tokens=7, **members)) for _ in range(AT_ONCE)]
    done, _ = await asyncio.wait(requests, return_when=asyncio.FIRST_COMPLETED)
    assert {item.result().status_code for item in done} == {422}
    live.upstream.release.set()
    answers = await asyncio.gather(*requests)
    served = sum(answer.status_code == 200 for answer in answers)
    assert 1 <= served <= 4
    assert {answer.status_code for answer in answers} == {200, 422}
    # Until the budget is spent more are served, one by one: at most one is over.
    while (await live.chat(key, max_tokens=7, **members)).status_code == 200:
        served += 1
    assert served in {3, 4}
    assert await live.spent_nanos(key) == served * PRICE
    assert live.held_nanos(key) == 0


async def _hold_of_one(live: LiveGateway) -> int:
    key = await live.make_key(max_budget=1)
    live.upstream.default = replies.held()
    request = asyncio.create_task(live.chat(key, max_tokens=7))
    await live.upstream.wait_for_requests(1)
    held = live.held_nanos(key)
    live.upstream.release.set()
    await request
    live.upstream.default = None
    return held


async def test_a_budget_that_fits_all_holds_refuses_none(live: LiveGateway) -> None:
    """A hundred one after the other, then five hundred at once, on a budget of exactly what they hold."""
    key = await live.make_key(max_budget=600 * await _hold_of_one(live) / USD)
    for _ in range(100):
        assert (await live.chat(key, max_tokens=7)).status_code == 200
    # So many connections are open at a time.
    limit = asyncio.Semaphore(200)

    async def ask() -> int:
        async with limit:
            return (await live.chat(key, max_tokens=7)).status_code

    assert set(await asyncio.gather(*(ask() for _ in range(500)))) == {200}
    assert await live.spent_nanos(key) == 600 * PRICE == live.settled_nanos(key)
    assert live.held_nanos(key) == 0
