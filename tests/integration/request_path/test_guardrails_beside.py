"""Guardrails beside calls of models: what they refuse is answered at once, and charged as it was used."""

import asyncio

import pytest

from tests.integration.request_path.guarded import CALLS, DURING, Call, Later, Probe, ask, install, refusal_of
from tests.integration.serving import LiveGateway, deployment
from tests.upstreams import Reply, replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

each_call = pytest.mark.parametrize("call", CALLS, ids=str)


def usual(call: Call) -> Reply:
    return replies.stream(["hi"]) if call.is_stream else replies.ok()


@each_call
async def test_a_refusal_does_not_wait_for_the_provider(live: LiveGateway, call: Call) -> None:
    guard = Later()
    install(live, guard, DURING, deadline_seconds=30)
    key = await live.make_key(max_budget=1)
    live.upstream.script.append(replies.held(usual(call)))
    async with asyncio.timeout(30):
        asking = asyncio.create_task(ask(live, key, call))
        await live.upstream.wait_for_requests(1)
        guard.go.set()
        answer = await asking
        assert (answer.status_code, refusal_of(answer)["message"]) == (400, "Not that.")
        assert live.held_nanos(key) > 0, "the provider still works"
        live.upstream.release.set()
        row = await live.row(key)
    assert (row.status, row.details["error_information"]["error_class"]) == ("failure", "GuardrailBlocked")
    assert row.nanos > 0
    assert (live.held_nanos(key), live.settled_nanos(key)) == (0, row.nanos)
    if not call.is_stream:
        install(live, Probe(), DURING)
        assert (await ask(live, key, call)).status_code == 200
        passed = next(one for one in await live.rows(key) if one.status == "success")
        assert passed.nanos == row.nanos, "what it did cost is known exactly"


@each_call
async def test_what_is_refused_at_once_is_not_sent(live: LiveGateway, call: Call) -> None:
    guard = Later()
    guard.go.set()
    install(live, guard, DURING)
    key = await live.make_key(max_budget=1, rpm_limit=1)
    for _ in range(2):
        assert (await ask(live, key, call)).status_code == 400
    assert live.upstream.requests == []
    assert [row.nanos for row in await live.rows(key)] == [0, 0]


async def test_a_refusal_is_told_although_the_provider_fails(live: LiveGateway, key: str) -> None:
    guard = Later()
    install(live, guard, DURING, deadline_seconds=30)
    live.upstream.script.append(replies.held(replies.error(400, "Bad.")))
    async with asyncio.timeout(30):
        asking = asyncio.create_task(ask(live, key))
        await live.upstream.wait_for_requests(1)
        guard.go.set()
        answer = await asking
        live.upstream.release.set()
        row = await live.row(key)
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "Not that.")
    assert (row.status, row.nanos) == ("failure", 0)


async def test_a_guardrail_of_a_fallback_is_heard_at_once_too(live: LiveGateway, key: str) -> None:
    first, second = Later(refuses=False), Later()
    live.configure(
        deployment("m", live.upstream),
        deployment("other", live.upstream, guardrails=["probe"]),
        router_settings={"fallbacks": [{"m": ["other"]}], "num_retries": 0},
    )
    install(live, second, DURING, is_default=False, deadline_seconds=30)
    live.upstream.script += [replies.error(500, "down"), replies.held()]
    first.go.set()
    async with asyncio.timeout(30):
        asking = asyncio.create_task(ask(live, key))
        await live.upstream.wait_for_requests(2)
        second.go.set()
        answer = await asking
        assert (answer.status_code, answer.json()["error"]["message"]) == (400, "Not that.")
        live.upstream.release.set()
        row = await live.row(key)
    assert row.status == "failure"
    assert row.nanos > 0
