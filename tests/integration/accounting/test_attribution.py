"""Spend rows say for whom a request was made, and the totals of those grow."""

import json
import secrets

import pytest

from tests.integration.serving import LiveGateway, deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")

CLOSED = {"block_requests_for_models_without_pricing": True}


def unique(word: str) -> str:
    return f"{word}-{secrets.token_hex(4)}"


async def spend_of(live: LiveGateway, sql: str, *args: object) -> int:
    await live.gateway.parts.drain.flush()
    return round((await live.gateway.parts.database.fetch_value(sql, *args) or 0) * 1e9)


async def test_the_end_user_of_the_body_gets_a_row_and_its_spend(live: LiveGateway, key: str) -> None:
    customer = unique("customer")
    await live.chat(key, user=customer)
    row = await live.row(key)
    assert row.end_user == customer
    sql = 'SELECT spend FROM "LiteLLM_EndUserTable" WHERE user_id = $1'
    assert await spend_of(live, sql, customer) == row.nanos > 0


async def test_the_header_names_the_end_user_before_the_body(live: LiveGateway, key: str) -> None:
    await live.post(
        "/v1/chat/completions",
        key,
        {"model": "m", "messages": [{"role": "user", "content": "x"}], "user": "of-the-body"},
        x_litellm_end_user_id="of-the-header",
    )
    assert (await live.row(key)).end_user == "of-the-header"


async def test_tags_of_request_key_and_client_are_noted_and_counted(live: LiveGateway) -> None:
    tag = unique("tag")
    key = await live.make_key(metadata={"tags": ["of-the-key"]})
    await live.gateway.parts.database.execute(
        'INSERT INTO "LiteLLM_TagTable" (tag_name, updated_at) VALUES ($1, now())', tag
    )
    await live.post(
        "/v1/chat/completions",
        key,
        {"model": "m", "messages": [{"role": "user", "content": "x"}], "metadata": {"tags": [tag]}},
        x_litellm_tags="first, second",
        user_agent="program/1.0",
    )
    row = await live.row(key)
    assert json.loads(row.request_tags) == [
        *("first", "second", tag, "of-the-key"),
        *("User-Agent: program", "User-Agent: program/1.0"),
    ]
    sql = 'SELECT spend FROM "LiteLLM_TagTable" WHERE tag_name = $1'
    assert await spend_of(live, sql, tag) == row.nanos > 0
    daily = 'SELECT sum(spend) FROM "LiteLLM_DailyTagSpend" WHERE tag = $1'
    assert await spend_of(live, daily, tag) == row.nanos


async def test_session_and_notes_are_in_the_row(live: LiveGateway, key: str) -> None:
    await live.post(
        "/v1/chat/completions",
        key,
        {
            "model": "m",
            "messages": [{"role": "user", "content": "x"}],
            "metadata": {"spend_logs_metadata": {"job": 7, "step": "a"}},
        },
        x_litellm_session_id="session-1",
        x_litellm_spend_logs_metadata='{"step": "b"}',
    )
    row = await live.row(key)
    assert row.session_id == "session-1"
    assert row.details["spend_logs_metadata"] == {"job": 7, "step": "b"}


async def test_a_refused_request_is_booked_for_its_end_user_too(live: LiveGateway, key: str) -> None:
    await live.chat(key, model="unknown", user="somebody")
    row = await live.row(key)
    assert (row.end_user, row.status, row.nanos) == ("somebody", "failure", 0)


async def test_odd_values_never_refuse_a_request(live: LiveGateway, key: str) -> None:
    odd = {
        "user": {"a": 1},
        "tags": [1, None, " ", "x" * 1_000, "with\nline"],
        "metadata": {"spend_logs_metadata": {"n": 1e400, "big": 10**30}, "tags": 5},
    }
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x"}], **odd})
    answer = await live.post(
        "/v1/chat/completions",
        key,
        body.replace("Infinity", "1e308").encode(),
        x_litellm_spend_logs_metadata="no json",
    )
    assert answer.status_code == 200, answer.text
    row = await live.row(key)
    assert row.end_user is None
    assert json.loads(row.request_tags)[:2] == ["x" * 256, "with line"]


class TestStoredPrompts:
    async def test_nothing_is_stored_unless_asked_for(self, live: LiveGateway, key: str) -> None:
        await live.chat(key)
        row = await live.row(key)
        assert [json.loads(row.members[name] or "{}") for name in ("messages", "response")] == [{}, {}]
        assert json.loads(row.proxy_server_request or "{}") == {}

    async def test_request_and_answer_are_stored_without_credentials(
        self, live: LiveGateway, key: str
    ) -> None:
        live.configure(deployment("m", live.upstream), general_settings={"store_prompts_in_spend_logs": True})
        answer = await live.chat(key, extra_headers={"authorization": "Bearer sk-of-the-client"})
        row = await live.row(key)
        assert json.loads(row.messages) == [{"role": "user", "content": "Say hello"}]
        assert json.loads(row.response) == answer.json()
        assert json.loads(row.proxy_server_request)["model"] == "m"
        assert "sk-" not in row.messages + row.response + row.proxy_server_request

    async def test_a_stream_is_stored_as_one_answer(self, live: LiveGateway, key: str) -> None:
        live.configure(deployment("m", live.upstream), general_settings={"store_prompts_in_spend_logs": True})
        await live.chat(key, stream=True)
        stored = json.loads((await live.row(key)).response)
        [choice] = stored["choices"]
        assert choice["message"]["content"].strip()
        assert choice["finish_reason"] == "stop"


class TestModelsWithoutAPrice:
    async def test_they_are_refused_before_anything_is_sent(self, live: LiveGateway, key: str) -> None:
        unpriced = deployment("m", live.upstream)
        del unpriced["litellm_params"]["input_cost_per_token"]
        del unpriced["litellm_params"]["output_cost_per_token"]
        live.configure(unpriced, litellm_settings=CLOSED)
        answer = await live.chat(key)
        assert (answer.status_code, answer.json()["error"]["type"]) == (403, "model_cost_map_missing")
        assert live.upstream.requests == []
        assert (await live.row(key)).details["error_information"]["error_code"] == "403"

    async def test_one_priced_deployment_of_the_name_is_enough(self, live: LiveGateway, key: str) -> None:
        live.configure(
            deployment("m", live.upstream), deployment("m", live.upstream), litellm_settings=CLOSED
        )
        assert (await live.chat(key)).status_code == 200

    async def test_they_are_no_fallback_either(self, live: LiveGateway, key: str) -> None:
        unpriced = deployment("other", live.upstream)
        del unpriced["litellm_params"]["input_cost_per_token"]
        del unpriced["litellm_params"]["output_cost_per_token"]
        dead = deployment("m", "http://127.0.0.1:1/v1")
        settings = {"fallbacks": [{"m": ["other"]}], "num_retries": 0}
        live.configure(dead, unpriced, router_settings=settings, litellm_settings=CLOSED)
        assert (await live.chat(key)).status_code == 500
        assert live.upstream.requests == []
