"""Conversations that go on from a stored response: who may, where to, and what that holds of a budget."""

import json
from typing import Any

import httpx
import openai
import pytest

from tests.integration.serving import INPUT_NANOS, MASTER_KEY, LiveGateway, bearer, deployment
from tests.upstreams import USAGE, replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

MODEL = "m"
each_way = pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
LARGE = {"prompt_tokens": 90_000, "completion_tokens": 10_000, "total_tokens": 100_000}


async def ask(live: LiveGateway, key: str, **members: Any) -> httpx.Response:
    return await live.post("/v1/responses", key, {"model": MODEL, "input": "Hello", **members})


async def first_id(live: LiveGateway, key: str, *, is_stream: bool = False, text: str = "Hello") -> str:
    """The id of a first answer, which is the same in all events of a stream."""
    client = live.openai(key)
    if not is_stream:
        return (await client.responses.create(model=MODEL, input=text)).id
    stream = await client.responses.create(model=MODEL, input=text, stream=True)
    (found,) = {event.response.id async for event in stream if hasattr(event, "response")}
    return found


async def make_team(live: LiveGateway) -> str:
    answer = await live.http.post("/team/new", json={}, headers=bearer(MASTER_KEY))
    return answer.json()["team_id"]


def assert_is_refused(answer: httpx.Response) -> None:
    error = answer.json()["error"]
    assert (answer.status_code, error["type"]) == (400, "invalid_request_error")
    assert error["param"] == "previous_response_id"


@each_way
async def test_a_conversation_goes_on_from_its_last_response(
    live: LiveGateway, key: str, *, is_stream: bool
) -> None:
    named = await first_id(live, key, is_stream=is_stream)
    assert named.startswith("resp_")
    assert "resp_up" not in named
    assert len(named) < 1_000
    answer = await live.openai(key).responses.create(model=MODEL, input="And?", previous_response_id=named)
    assert answer.output_text == "Hello there"
    assert answer.id not in (named, "resp_up")
    sent = live.upstream.requests[1].json
    assert sent == {"model": "real-model", "input": "And?", "previous_response_id": "resp_up"}
    rows = await live.rows(key)
    assert all(row.request_id.startswith("resp_up") for row in rows)


async def test_a_response_tells_the_id_that_its_client_has_named(live: LiveGateway, key: str) -> None:
    named = await first_id(live, key)
    whole = {"id": "resp_2", "object": "response", "model": "x", "output": [], "usage": {"input_tokens": 1}}
    whole |= {"previous_response_id": "resp_up"}
    live.upstream.script.append(replies.raw(200, json.dumps(whole).encode()))
    answer = await ask(live, key, previous_response_id=named)
    assert answer.json()["previous_response_id"] == named
    live.upstream.script.append(replies.raw(200, json.dumps(whole).encode()))
    answer = await ask(live, key, previous_response_id=named, store=False)
    assert (answer.json()["id"], answer.json()["previous_response_id"]) == ("resp_2", named)


async def test_what_is_not_stored_keeps_its_id(live: LiveGateway, key: str) -> None:
    assert (await ask(live, key, store=False)).json()["id"] == "resp_up"
    live.configure(deployment(MODEL, live.upstream, store=False))
    assert (await ask(live, key)).json()["id"] == "resp_up"


async def test_nobody_else_goes_on_from_a_response(live: LiveGateway, key: str) -> None:
    named = await first_id(live, key)
    other = await live.make_key()
    refused = await ask(live, other, previous_response_id=named)
    assert_is_refused(refused)
    half = len(named) // 2
    turned = named[:half] + ("A" if named[half] != "A" else "B") + named[half + 1 :]
    broken = [turned, named[:half], named.removeprefix("resp_"), "resp_up", "resp_", "", "é", "r" * 5_000]
    for wrong in broken:
        answer = await ask(live, key, previous_response_id=wrong)
        assert_is_refused(answer)
        # Of an id of somebody else it says as much as of one that is none.
        assert answer.json()["error"]["message"] == refused.json()["error"]["message"]
    assert_is_refused(await ask(live, key, previous_response_id=["resp_up"]))
    assert len(live.upstream.requests) == 1


async def test_a_user_and_a_team_without_users_go_on_by_another_key(live: LiveGateway) -> None:
    one, two = await make_team(live), await make_team(live)
    user, other_user = "user-of-stored-1", "user-of-stored-2"
    asked = {
        "user": await live.make_key(user_id=user),
        "team": await live.make_key(team_id=one),
        "member": await live.make_key(user_id=user, team_id=one),
    }
    ids = {name: await first_id(live, asking) for name, asking in asked.items()}
    may = {
        await live.make_key(user_id=user): {"user"},
        await live.make_key(user_id=other_user): set[str](),
        await live.make_key(team_id=one): {"team"},
        await live.make_key(team_id=two): set[str](),
        await live.make_key(user_id=user, team_id=one): {"team", "member"},
        await live.make_key(user_id=other_user, team_id=one): {"team"},
        await live.make_key(): set[str](),
        MASTER_KEY: {"user", "team", "member"},
    }
    for another, expected in may.items():
        answers = {name: await ask(live, another, previous_response_id=named) for name, named in ids.items()}
        assert {name for name, answer in answers.items() if answer.status_code == 200} == expected


async def test_the_next_turn_goes_to_the_deployment_of_the_last(live: LiveGateway, key: str) -> None:
    both = [deployment(MODEL, live.upstream, f"openai/real-{name}", info_id=name) for name in ("a", "b")]
    live.configure(*both)
    for _ in range(6):
        named = await first_id(live, key)
        place = live.upstream.requests[-1].json["model"]
        for _ in range(3):
            assert (await ask(live, key, previous_response_id=named)).status_code == 200
            assert live.upstream.requests[-1].json["model"] == place


async def test_no_fallback_is_asked_of_what_it_does_not_know(live: LiveGateway, key: str) -> None:
    router = {"fallbacks": [{MODEL: ["other"]}], "num_retries": 0}
    spare = deployment("other", live.upstream, "openai/other-model")
    live.configure(deployment(MODEL, live.upstream), spare, router_settings=router)
    named = await first_id(live, key)
    live.upstream.script.append(replies.error(500))
    assert (await ask(live, key, previous_response_id=named)).status_code == 500
    live.upstream.script.append(replies.error(500))
    answer = await ask(live, key)
    assert (answer.status_code, answer.json()["model"]) == (200, "other")
    # The fallback has stored it, and only its own name leads there.
    assert_is_refused(await ask(live, key, previous_response_id=answer.json()["id"]))
    again = await ask(live, key, model="other", previous_response_id=answer.json()["id"])
    assert again.status_code == 200


async def test_a_deployment_that_is_gone_is_told(live: LiveGateway, key: str) -> None:
    live.configure(deployment(MODEL, live.upstream, info_id="first"))
    named = await first_id(live, key)
    live.configure(deployment(MODEL, live.upstream, info_id="second"))
    answer = await ask(live, key, previous_response_id=named)
    assert_is_refused(answer)
    assert "send the whole conversation" in answer.json()["error"]["message"]


async def test_a_model_that_is_closed_to_the_key_stays_closed(live: LiveGateway) -> None:
    key = await live.make_key(models=[MODEL])
    named = await first_id(live, key)
    update = {"key": key, "models": ["another"]}
    assert (await live.http.post("/key/update", json=update, headers=bearer(MASTER_KEY))).status_code == 200
    assert (await ask(live, key, previous_response_id=named)).status_code == 403


async def test_a_response_that_its_provider_has_lost_closes_no_deployment(
    live: LiveGateway, key: str
) -> None:
    live.configure(deployment(MODEL, live.upstream), router_settings={"disable_cooldowns": False})
    named = await first_id(live, key)
    live.upstream.script.append(replies.error(404, "Previous response not found."))
    assert_is_refused(await ask(live, key, previous_response_id=named))
    assert (await ask(live, key)).status_code == 200
    assert live.held_nanos(key) == 0


@each_way
async def test_strict_budgets_hold_what_is_read_again(live: LiveGateway, *, is_stream: bool) -> None:
    live.configure(
        deployment(MODEL, live.upstream, info_max_output_tokens=100), gatewright={"budget_mode": "strict"}
    )
    rich = await live.make_key(user_id="user-of-stored-3")
    if is_stream:
        # Nobody knows yet what a stream uses when it tells its id, so that the most is held.
        named = await first_id(live, rich, is_stream=True, text="x" * 60_000)
        budget = 30_000 * INPUT_NANOS
    else:
        live.upstream.script.append(replies.ok(usage=LARGE))
        named = await first_id(live, rich)
        budget = 99_000 * INPUT_NANOS
    poor = await live.make_key(user_id="user-of-stored-3", max_budget=budget / 1e9)
    asked = len(live.upstream.requests)
    refused = await ask(live, poor, previous_response_id=named)
    assert (refused.status_code, refused.json()["error"]["type"]) == (422, "budget_exceeded")
    assert len(live.upstream.requests) == asked
    assert (await ask(live, poor)).status_code == 200


async def test_what_is_read_again_is_estimated_where_no_usage_is_told(live: LiveGateway, key: str) -> None:
    live.upstream.script += [replies.ok(usage=LARGE), replies.ok(usage=None)]
    named = await first_id(live, key)
    await ask(live, key, previous_response_id=named)
    rows = await live.rows(key)
    assert max(row.prompt_tokens for row in rows if row.prompt_tokens != LARGE["prompt_tokens"]) > 100_000


async def test_a_guarded_stream_tells_the_sealed_id(live: LiveGateway, key: str) -> None:
    rule = {
        "guardrail_name": "words",
        "litellm_params": {
            "guardrail": "keywords",
            "mode": "post_call",
            "default_on": True,
            "blocked_words": [{"keyword": "there", "action": "MASK"}],
        },
    }
    live.configure(deployment(MODEL, live.upstream), guardrails=[rule])
    named = await first_id(live, key, is_stream=True)
    assert (await ask(live, key, previous_response_id=named)).status_code == 200
    assert live.upstream.requests[-1].json["previous_response_id"] == "resp_up"


async def test_the_gateways_own_model_takes_its_own_ids(live: LiveGateway, key: str) -> None:
    params = {"model": "mock/any", "mock_response": "One two three"}
    live.configure({"model_name": MODEL, "litellm_params": params})
    for is_stream in (False, True):
        named = await first_id(live, key, is_stream=is_stream)
        answer = await live.openai(key).responses.create(
            model=MODEL, input="And?", previous_response_id=named
        )
        assert (answer.output_text, answer.previous_response_id) == ("One two three", named)
        with pytest.raises(openai.BadRequestError):
            await live.openai(await live.make_key()).responses.create(
                model=MODEL, input="And?", previous_response_id=named
            )


async def test_usage_is_told_as_it_was(live: LiveGateway, key: str) -> None:
    answer = await ask(live, key)
    assert answer.json()["usage"]["total_tokens"] == USAGE["total_tokens"]
