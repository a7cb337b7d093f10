"""A slot gets free however a request ends, and limits that change meet the requests under way."""

import asyncio
from collections.abc import Callable

import pytest

from gateway.domain import Scope, ScopeKind
from gateway.ids import hash_token
from tests.integration.counting import heard
from tests.integration.serving import INPUT_NANOS, OUTPUT_NANOS, LiveGateway, deployment
from tests.upstreams import Reply, replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

PRICE = 11 * INPUT_NANOS + 7 * OUTPUT_NANOS
ENDINGS: dict[str, tuple[Callable[[], Reply], bool]] = {
    "an answer": (replies.ok, False),
    "a stream's end": (lambda: replies.stream(["one", "two"]), True),
    "a stream that breaks off": (lambda: replies.stream_reset(["one"]), True),
    "a stream without its end": (lambda: replies.stream(["one"], ends=False), True),
    "an upstream that hangs up": (replies.reset, False),
    "an upstream that hangs up on a stream": (replies.close, True),
    "an error": (lambda: replies.error(400), False),
    "a body that is cut off": (replies.short_body, False),
    "no JSON": (lambda: replies.raw(200, b"nonsense"), False),
}


@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_slot_gets_free_at_every_end(live: LiveGateway, ending: str) -> None:
    live.configure(
        deployment("m", live.upstream), router_settings={"num_retries": 0, "disable_cooldowns": True}
    )
    reply, is_stream = ENDINGS[ending]
    key = await live.make_key(max_parallel_requests=1, max_budget=1)
    live.upstream.script.append(reply())
    live.upstream.release.set()
    await live.chat(key, stream=is_stream)
    await live.settled()
    assert live.held_nanos(key) == 0
    assert (await live.chat(key)).status_code == 200


async def test_a_slot_of_a_team_is_shared_by_its_keys(live: LiveGateway) -> None:
    await live.gateway.parts.database.execute(
        'INSERT INTO "LiteLLM_TeamTable" (team_id, max_parallel_requests) VALUES ($1, 1)', "one-slot"
    )
    one, other = await live.make_key(team_id="one-slot"), await live.make_key(team_id="one-slot")
    live.upstream.script.append(replies.held())
    request = asyncio.create_task(live.chat(one))
    await live.upstream.wait_for_requests(1)
    refused = await live.chat(other)
    error = refused.json()["error"]
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert (error["scope"], error["limit_type"], error["limit"]) == ("team", "max_parallel_requests", 1)
    live.upstream.release.set()
    await request
    assert (await live.chat(other)).status_code == 200


async def test_a_reset_while_a_request_runs_keeps_its_hold(live: LiveGateway) -> None:
    key = await live.make_key(max_budget=PRICE / 1e9)
    assert (await live.chat(key)).status_code == 200
    assert (await live.chat(key)).status_code == 422
    database, scope = live.gateway.parts.database, Scope(ScopeKind.KEY, hash_token(key))
    await live.spent_nanos(key)
    await _set_spend(live, scope.id, 0)
    live.upstream.script.append(replies.held())
    request = asyncio.create_task(live.chat(key))
    await live.upstream.wait_for_requests(2)
    held = live.held_nanos(key)
    assert held > 0
    await _set_spend(live, scope.id, 0)
    assert (await live.chat(key)).status_code == 422
    assert live.held_nanos(key) == held
    live.upstream.release.set()
    assert (await request).status_code == 200
    assert (live.held_nanos(key), live.settled_nanos(key)) == (0, PRICE)
    sql = 'UPDATE "LiteLLM_VerificationToken" SET max_budget = 1 WHERE token = $1'
    await database.execute(sql, scope.id)
    await _announce(live, scope.id)
    assert (await live.chat(key)).status_code == 200


async def test_retry_after_is_the_rest_of_the_window(live: LiveGateway) -> None:
    key = await live.make_key(rpm_limit=1)
    await live.chat(key)
    refused = await live.chat(key)
    error = refused.json()["error"]
    assert 58 <= int(refused.headers["retry-after"]) <= 60
    assert error["retry_after"] == int(refused.headers["retry-after"])
    assert (error["scope"], error["limit_type"], error["limit"], error["remaining"]) == (
        "key",
        "requests",
        1,
        0,
    )
    assert refused.headers["rate_limit_type"] == "requests"
    assert error["message"].startswith("Rate limit exceeded for api_key: ")


async def _set_spend(live: LiveGateway, token: str, usd: float) -> None:
    sql = 'UPDATE "LiteLLM_VerificationToken" SET spend = $2 WHERE token = $1'
    await live.gateway.parts.database.execute(sql, token, usd)
    await _announce(live, token)


async def _announce(live: LiveGateway, token: str) -> None:
    """Return when the change of a key has been heard of."""
    payload = f'[{{"kind":"key","id":"{token}"}}]'
    await live.gateway.parts.database.execute("SELECT pg_notify('gatewright_identity', $1)", payload)
    await heard(live)
