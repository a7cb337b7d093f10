"""The unmodified `openai` client against the gateway, and what the upstream sees of it."""

import asyncio
import json
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletion

from tests.integration.serving import (
    INPUT_NANOS,
    MASTER_KEY,
    OUTPUT_NANOS,
    UPSTREAM_KEY,
    LiveGateway,
    chat_body,
    deployment,
)
from tests.upstreams import replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

PRICE = 11 * INPUT_NANOS + 7 * OUTPUT_NANOS
"""What one answer of the test upstream costs."""
HELLO: list[Any] = [{"role": "user", "content": "Hello"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


async def in_thread(live: LiveGateway, key: str, call: Any) -> Any:
    """Run the synchronous client where it does not hold up the gateway."""

    def run() -> Any:
        with openai.OpenAI(base_url=live.origin + "/v1", api_key=key, max_retries=0) as client:
            return call(client)

    return await asyncio.to_thread(run)


@pytest.mark.parametrize("path", ["/v1", ""])
async def test_a_chat_completion_is_answered_and_charged(live: LiveGateway, key: str, path: str) -> None:
    answer = await live.openai(key, path).chat.completions.create(model="m", messages=HELLO)
    assert answer.choices[0].message.content == "Hello there"
    assert answer.model == "m"
    assert answer.usage is not None
    assert answer.usage.total_tokens == 18
    row = await live.row(key)
    assert row.nanos == PRICE
    assert (row.request_id, row.status, row.model_group) == (
        "chatcmpl-up",
        "success",
        "m",
    ) or row.request_id.startswith("chatcmpl-up")
    assert await live.spent_nanos(key) == PRICE


async def test_the_synchronous_client_gets_the_same_answer(live: LiveGateway, key: str) -> None:
    answer = await in_thread(
        live, key, lambda client: client.chat.completions.create(model="m", messages=HELLO)
    )
    assert answer.choices[0].message.content == "Hello there"


async def test_the_synchronous_client_reads_a_stream(live: LiveGateway, key: str) -> None:
    def read(client: openai.OpenAI) -> list[str | None]:
        stream = client.chat.completions.create(model="m", messages=HELLO, stream=True)
        return [chunk.choices[0].delta.content for chunk in stream]

    assert await in_thread(live, key, read) == ["Hello", " there", None]


async def test_the_upstream_sees_its_own_credential_and_model(live: LiveGateway, key: str) -> None:
    await live.openai(key).chat.completions.create(model="m", messages=HELLO)
    seen = live.upstream.requests[0]
    assert seen.path == "/v1/chat/completions"
    assert seen.headers["authorization"] == f"Bearer {UPSTREAM_KEY}"
    assert seen.json == {"model": "real-model", "messages": HELLO}
    assert key not in str(seen.raw_headers)


async def test_tools_and_their_calls_pass_through(live: LiveGateway, key: str) -> None:
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "weather", "arguments": '{"city":"Oslo"}'},
    }
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    live.upstream.script.append(replies.raw(200, json.dumps(completion_of(message)).encode()))
    answer = await live.openai(key).chat.completions.create(
        model="m",
        messages=HELLO,
        tools=[TOOL],  # type: ignore[list-item]  the client's typed dictionary
        tool_choice="auto",
        parallel_tool_calls=False,
    )
    assert answer.choices[0].message.tool_calls is not None
    assert answer.choices[0].message.tool_calls[0].to_dict() == call
    sent = live.upstream.requests[0].json
    assert (sent["tools"], sent["tool_choice"], sent["parallel_tool_calls"]) == ([TOOL], "auto", False)


@pytest.mark.parametrize(
    "option",
    [
        {"response_format": {"type": "json_object"}},
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "x", "schema": {}, "strict": True},
            }
        },
        {"n": 3},
        {"temperature": 0.1, "seed": 7, "stop": ["\n"], "logprobs": True, "top_logprobs": 2},
        {"extra_body": {"vendor_option": {"nested": [1, None, "é"]}}},
    ],
    ids=str,
)
async def test_options_reach_the_upstream_as_they_are(
    live: LiveGateway, key: str, option: dict[str, Any]
) -> None:
    await live.openai(key).chat.completions.create(model="m", messages=HELLO, **option)
    expected = option.get("extra_body", option)
    assert {name: live.upstream.requests[0].json[name] for name in expected} == expected


async def test_unknown_members_survive_both_ways_byte_for_byte(live: LiveGateway, key: str) -> None:
    odd = b'{"a" : 1.10e+2,"big":123456789012345678901234567890,"\\u00e9":"\\ud83d\\ude00 \\/"  }'
    answered = (
        b'{"id":"x-1","choices":[],"model":"up","new":' + odd + b',"usage":{"prompt_tokens":1,"z":2.50}}'
    )
    live.upstream.script.append(replies.raw(200, answered))
    body = b'{"model":"m","messages":[{"role":"user","content":"h\\u00e9"}],"strange":' + odd + b"}"
    answer = await live.post("/v1/chat/completions", key, body)
    assert answer.status_code == 200
    assert b'"strange":' + odd in live.upstream.requests[0].body
    assert b'[{"role":"user","content":"h\\u00e9"}]' in live.upstream.requests[0].body
    assert answer.content == answered.replace(b'"up"', b'"m"')


async def test_of_a_repeated_member_gateway_and_upstream_see_the_same_value(
    live: LiveGateway, key: str
) -> None:
    live.configure(deployment("m", live.upstream), deployment("dear", live.upstream, "openai/dear"))
    cheap = await live.make_key(models=["m"])
    body = b'{"model":"dear","messages":[{"role":"user","content":"x"}],"model":"m"}'
    assert (await live.post("/v1/chat/completions", cheap, body)).status_code == 200
    assert live.upstream.requests[0].body.count(b'"model"') == 1
    assert live.upstream.requests[0].json["model"] == "real-model"


async def test_members_for_the_gateway_do_not_leave_it(live: LiveGateway, key: str) -> None:
    extra = {
        "metadata": {"tags": ["a"]},
        "tags": ["b"],
        "num_retries": 0,
        "litellm_session_id": "s",
        "timeout": 9,
    }
    await live.openai(key).chat.completions.create(model="m", messages=HELLO, extra_body=extra)
    assert set(live.upstream.requests[0].json) == {"model", "messages"}


@pytest.mark.parametrize("path", ["/v1", ""])
async def test_a_text_completion_is_answered(live: LiveGateway, key: str, path: str) -> None:
    answer = await live.openai(key, path).completions.create(model="m", prompt="Hello")
    assert (answer.choices[0].text, answer.model) == ("Hello there", "m")
    assert live.upstream.requests[0].path == "/v1/completions"
    assert (await live.row(key)).nanos == PRICE


@pytest.mark.parametrize("path", ["/v1", ""])
async def test_embeddings_are_answered(live: LiveGateway, key: str, path: str) -> None:
    answer = await live.openai(key, path).embeddings.create(
        model="m", input=["a", "b"], encoding_format="float"
    )
    assert [item.embedding for item in answer.data] == [[0.5, 0.25]] * 2
    assert answer.model == "m"
    assert live.upstream.requests[0].path == "/v1/embeddings"
    row = await live.row(key)
    assert row.call_type == "aembedding"
    assert row.nanos > 0


async def test_models_are_listed_and_shown(live: LiveGateway, key: str) -> None:
    live.configure(
        deployment("m", live.upstream), deployment("team/x", live.upstream), deployment("z/*", live.upstream)
    )
    client = live.openai(key)
    assert {model.id for model in (await client.models.list()).data} == {"m", "team/x"}
    assert (await client.models.retrieve("m")).id == "m"
    assert (await live.http.get("/models/team/x", headers={"api-key": key})).json()["id"] == "team/x"
    with pytest.raises(openai.NotFoundError):
        await client.models.retrieve("absent")


async def test_a_key_sees_only_its_models(live: LiveGateway) -> None:
    live.configure(deployment("m", live.upstream), deployment("other", live.upstream))
    client = live.openai(await live.make_key(models=["m"]))
    assert [model.id for model in (await client.models.list()).data] == ["m"]
    with pytest.raises(openai.NotFoundError):
        await client.models.retrieve("other")
    with pytest.raises(openai.PermissionDeniedError) as refused:
        await client.chat.completions.create(model="other", messages=HELLO)
    assert refused.value.body["type"] == "key_model_access_denied"  # type: ignore[index]  the error object
    assert live.upstream.requests == []


async def test_the_azure_client_is_served(live: LiveGateway, key: str) -> None:
    client = openai.AsyncAzureOpenAI(
        azure_endpoint=live.origin,
        api_key=key,
        api_version="2024-10-21",
        max_retries=0,
        http_client=live.http,
    )
    answer = await client.chat.completions.create(model="m", messages=HELLO)
    assert answer.choices[0].message.content == "Hello there"
    stream = await client.chat.completions.create(model="m", messages=HELLO, stream=True)
    assert [chunk.model async for chunk in stream] == ["m"] * 3
    embedded = await client.embeddings.create(model="m", input="x")
    assert embedded.data[0].embedding == [0.5, 0.25]


@pytest.mark.parametrize("mount", ["/openai/deployments", "/engines"])
async def test_a_model_named_by_the_path_may_have_slashes_and_wins(
    live: LiveGateway, key: str, mount: str
) -> None:
    live.configure(deployment("m", live.upstream), deployment("team/eu/x", live.upstream, "openai/eu"))
    answer = await live.post(f"{mount}/team/eu/x/chat/completions?api-version=1", key, chat_body("m"))
    assert answer.status_code == 200, answer.text
    assert answer.json()["model"] == "team/eu/x"
    assert live.upstream.requests[0].json["model"] == "eu"


async def test_a_path_without_a_model_is_not_found(live: LiveGateway, key: str) -> None:
    answer = await live.post("/openai/deployments/m/poems", key, chat_body())
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "not_found_error")


async def test_the_answers_headers_say_what_happened(live: LiveGateway, key: str) -> None:
    live.configure(deployment("m", live.upstream, info_id="the-id"))
    live.upstream.script.append(
        replies.ok(headers={"x-ratelimit-remaining-requests": "9", "x-secret-host": "h"})
    )
    answer = await live.chat(key)
    found = answer.headers
    assert found["x-litellm-model-id"] == "the-id"
    assert found["x-litellm-model-group"] == "m"
    assert float(found["x-litellm-response-cost"]) == PRICE / 1e9
    assert float(found["x-litellm-key-spend"]) == PRICE / 1e9
    assert found["x-litellm-attempted-retries"] == found["x-litellm-attempted-fallbacks"] == "0"
    assert found["x-ratelimit-remaining-requests"] == "9"
    assert found["llm_provider-x-ratelimit-remaining-requests"] == "9"
    assert {"x-litellm-call-id", "x-litellm-version", "x-litellm-overhead-duration-ms"} <= set(found)


async def test_the_callers_call_id_is_kept_and_finds_the_row(live: LiveGateway, key: str) -> None:
    answer = await live.post("/v1/chat/completions", key, chat_body(), x_litellm_call_id="mine-7")
    assert answer.headers["x-litellm-call-id"] == "mine-7"
    assert (await live.row(key)).details["litellm_call_id"] == "mine-7"


async def test_the_master_key_may_ask_too(live: LiveGateway) -> None:
    answer: ChatCompletion = await live.openai(MASTER_KEY).chat.completions.create(model="m", messages=HELLO)
    assert answer.choices[0].message.content == "Hello there"


async def test_the_built_in_mock_answers_without_an_upstream(live: LiveGateway, key: str) -> None:
    live.configure({"model_name": "mock", "litellm_params": {"model": "mock/x", "mock_response": "Canned."}})
    answer = await live.openai(key).chat.completions.create(model="mock", messages=HELLO)
    assert answer.choices[0].message.content == "Canned."
    stream = await live.openai(key).chat.completions.create(model="mock", messages=HELLO, stream=True)
    text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
    assert text == "Canned."
    assert live.upstream.requests == []


def completion_of(message: dict[str, Any]) -> dict[str, Any]:
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    return {
        "id": "c-1",
        "object": "chat.completion",
        "created": 1,
        "model": "up",
        "choices": [choice],
        "usage": usage,
    }
