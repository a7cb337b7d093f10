"""Stored responses themselves: who may see and delete them, where they are asked for, and what is told."""

import json
from typing import Any

import openai
import pytest

from tests.integration.counting import counting, quiet
from tests.integration.serving import MASTER_KEY, UPSTREAM_KEY, LiveGateway, bearer, deployment
from tests.upstreams import replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

MODEL = "m"
ROUTES = (("GET", ""), ("GET", "/input_items"), ("DELETE", ""))


async def first_id(live: LiveGateway, key: str) -> str:
    return (await live.openai(key).responses.create(model=MODEL, input="Hello")).id


async def ask(live: LiveGateway, method: str, path: str, key: str | None) -> Any:
    return await live.http.request(method, path, headers=bearer(key) if key else {})


async def test_a_response_is_shown_listed_and_deleted(live: LiveGateway, key: str) -> None:
    client = live.openai(key)
    named = await first_id(live, key)
    shown = await client.responses.retrieve(named)
    assert (shown.id, shown.model, shown.output_text) == (named, MODEL, "Hello there")
    items = await client.responses.input_items.list(named, limit=5, order="asc")
    assert [item.id for item in items.data] == ["msg_in"]
    await client.responses.delete(named)
    seen = live.upstream.requests[1:]
    assert [(one.method, one.path) for one in seen] == [
        ("GET", "/v1/responses/resp_up"),
        ("GET", "/v1/responses/resp_up/input_items?limit=5&order=asc"),
        ("DELETE", "/v1/responses/resp_up"),
    ]
    assert all(one.headers["authorization"] == f"Bearer {UPSTREAM_KEY}" for one in seen)
    assert all("content-type" not in one.headers and one.body == b"" for one in seen)
    assert len(await live.rows(key)) == 1, "only the first request is charged"


async def test_what_was_deleted_is_told_by_the_clients_id(live: LiveGateway, key: str) -> None:
    named = await first_id(live, key)
    answer = await ask(live, "DELETE", f"/responses/{named}", key)
    assert (answer.status_code, answer.json()) == (200, {"id": named, "object": "response", "deleted": True})


@pytest.mark.parametrize("prefix", ["/v1/responses", "/responses"])
@pytest.mark.parametrize(("method", "part"), ROUTES)
async def test_nobody_else_has_a_response(
    live: LiveGateway, key: str, prefix: str, method: str, part: str
) -> None:
    named = await first_id(live, key)
    other = await live.make_key()
    refused = await ask(live, method, f"{prefix}/{named}{part}", other)
    assert (refused.status_code, refused.json()["error"]["type"]) == (404, "not_found_error")
    for wrong in ("resp_up", named[:-10], "x"):
        answer = await ask(live, method, f"{prefix}/{wrong}{part}", key)
        assert (answer.status_code, answer.json()) == (404, refused.json())
    assert (await ask(live, method, f"{prefix}/{named}{part}", None)).status_code == 401
    closed = await live.make_key(allowed_routes=["/v1/chat/completions"])
    assert (await ask(live, method, f"{prefix}/{named}{part}", closed)).status_code == 403
    assert len(live.upstream.requests) == 1
    for who in (key, MASTER_KEY):
        assert (await ask(live, method, f"{prefix}/{named}{part}", who)).status_code == 200


async def test_a_response_is_asked_for_where_it_is(live: LiveGateway, key: str) -> None:
    both = [
        deployment(MODEL, live.upstream, info_id=name, api_key=f"sk-credential-{name}") for name in ("a", "b")
    ]
    live.configure(*both)
    for _ in range(6):
        named = await first_id(live, key)
        credential = live.upstream.requests[-1].headers["authorization"]
        assert (await ask(live, "GET", f"/v1/responses/{named}", key)).status_code == 200
        assert live.upstream.requests[-1].headers["authorization"] == credential


@pytest.mark.parametrize("model", ["w/some-model", "alias", "grouped"])
async def test_a_response_is_found_by_the_name_that_its_client_knows(live: LiveGateway, model: str) -> None:
    wild = deployment("w/*", live.upstream, "openai/*")
    live.configure(
        deployment(MODEL, live.upstream), wild, router_settings={"model_group_alias": {"grouped": MODEL}}
    )
    key = await live.make_key(aliases={"alias": MODEL})
    answer = await live.openai(key).responses.create(model=model, input="Hello")
    shown = await live.openai(key).responses.retrieve(answer.id)
    assert (shown.id, shown.model) == (answer.id, model)
    again = await live.openai(key).responses.create(model=model, input="And?", previous_response_id=answer.id)
    assert again.model == model
    assert live.upstream.requests[-1].json["previous_response_id"] == "resp_up"


@pytest.mark.parametrize(("method", "part"), ROUTES)
async def test_a_model_that_is_closed_or_gone_shows_nothing(
    live: LiveGateway, key: str, method: str, part: str
) -> None:
    named = await first_id(live, key)
    live.configure(deployment(MODEL, live.upstream, info_id="another"))
    assert (await ask(live, method, f"/v1/responses/{named}{part}", key)).status_code == 404
    live.configure(deployment(MODEL, live.upstream))
    update = {"key": key, "models": ["other"]}
    assert (await live.http.post("/key/update", json=update, headers=bearer(MASTER_KEY))).status_code == 200
    assert (await ask(live, method, f"/v1/responses/{named}{part}", key)).status_code == 403
    assert len(live.upstream.requests) == 1


@pytest.mark.parametrize(("method", "part"), ROUTES)
async def test_an_error_of_the_provider_is_told_without_its_secrets(
    live: LiveGateway, key: str, method: str, part: str
) -> None:
    named = await first_id(live, key)
    text = f"Response 'resp_up' not found at {live.upstream.base_url} for {UPSTREAM_KEY}."
    live.upstream.script.append(replies.error(404, text))
    answer = await ask(live, method, f"/v1/responses/{named}{part}", key)
    assert answer.status_code == 404
    for secret in ("resp_up", str(live.upstream.port), UPSTREAM_KEY):
        assert secret not in answer.text
    live.upstream.script.append(replies.raw(200, b"not JSON"))
    assert (await ask(live, method, f"/v1/responses/{named}{part}", key)).status_code == 502


async def test_the_response_before_is_sealed_too(live: LiveGateway, key: str) -> None:
    named = await first_id(live, key)
    whole = {"id": "resp_up", "model": "x", "output": [], "previous_response_id": "resp_before"}
    live.upstream.script.append(replies.raw(200, json.dumps(whole).encode()))
    before = (await ask(live, "GET", f"/v1/responses/{named}", key)).json()["previous_response_id"]
    assert "resp_before" not in before
    body = {"model": MODEL, "input": "Hello", "previous_response_id": before}
    assert (await live.post("/v1/responses", await live.make_key(), body)).status_code == 400
    assert (await live.post("/v1/responses", key, body)).status_code == 200
    assert live.upstream.requests[-1].json["previous_response_id"] == "resp_before"


async def test_what_guardrails_watched_over_is_not_shown_as_it_is_stored(live: LiveGateway, key: str) -> None:
    words = [{"keyword": "there", "action": "MASK"}]
    params = {"guardrail": "keywords", "mode": "post_call", "default_on": True, "blocked_words": words}
    live.configure(
        deployment(MODEL, live.upstream), guardrails=[{"guardrail_name": "w", "litellm_params": params}]
    )
    named = await first_id(live, key)
    for part in ("", "/input_items"):
        answer = await ask(live, "GET", f"/v1/responses/{named}{part}", key)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "response_id")
    assert (await ask(live, "DELETE", f"/v1/responses/{named}", key)).status_code == 200


async def test_the_gateways_own_model_stores_nothing(live: LiveGateway, key: str) -> None:
    live.configure({"model_name": MODEL, "litellm_params": {"model": "mock/any", "mock_response": "One"}})
    client = live.openai(key)
    named = await first_id(live, key)
    with pytest.raises(openai.NotFoundError):
        await client.responses.retrieve(named)
    await client.responses.delete(named)


async def test_a_deployment_whose_calls_can_be_stopped_is_asked_as_well(live: LiveGateway, key: str) -> None:
    live.configure(deployment(MODEL, live.upstream, on_disconnect="cancel"))
    named = await first_id(live, key)
    for method, part in ROUTES:
        assert (await ask(live, method, f"/v1/responses/{named}{part}", key)).status_code == 200
        seen = live.upstream.requests[-1]
        assert (seen.method, seen.path, seen.body) == (method, f"/v1/responses/resp_up{part}", b"")


async def test_routes_of_models_are_closed_together(live: LiveGateway, key: str) -> None:
    named = await first_id(live, key)
    live.configure(deployment(MODEL, live.upstream), general_settings={"disable_llm_api_endpoints": True})
    closed = await live.post("/v1/responses", key, {"model": MODEL, "input": "Hello"})
    for method, part in ROUTES:
        answer = await ask(live, method, f"/v1/responses/{named}{part}", key)
        assert answer.status_code == closed.status_code == 403
    assert len(live.upstream.requests) == 1


async def test_a_stored_response_is_not_streamed(live: LiveGateway, key: str) -> None:
    named = await first_id(live, key)
    answer = await ask(live, "GET", f"/v1/responses/{named}?stream=true", key)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "stream")


async def test_stored_responses_ask_no_database(live: LiveGateway, key: str) -> None:
    named = await first_id(live, key)
    await quiet(live)
    body = {"model": MODEL, "input": "Hello", "previous_response_id": named}
    async with counting(live) as counted:
        assert (await live.post("/v1/responses", key, body)).status_code == 200
        for method, part in ROUTES:
            assert (await ask(live, method, f"/v1/responses/{named}{part}", key)).status_code == 200
    assert counted.statements == []
