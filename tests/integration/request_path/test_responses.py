"""The Responses API: the unmodified `openai` client, what the upstream sees, and what is charged."""

import json
from typing import Any

import openai
import pytest

from gateway.wire.sse import EventSplitter, event_payload
from tests.integration.serving import INPUT_NANOS, OUTPUT_NANOS, LiveGateway, deployment
from tests.upstreams import USAGE, replies, response_events_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

PRICE = 11 * INPUT_NANOS + 7 * OUTPUT_NANOS
"""What one answer of the test upstream costs."""
TOOL: Any = {"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": False}
CALL = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "call_1",
    "name": "weather",
    "arguments": '{"city":"Oslo"}',
    "status": "completed",
}


def events_in(text: str) -> list[dict[str, Any]]:
    return [json.loads(event_payload(event) or b"null") for event in EventSplitter().feed(text.encode())]


async def test_a_response_is_answered_and_charged(live: LiveGateway, key: str) -> None:
    answer = await live.openai(key).responses.create(model="m", input="Hello", instructions="Be brief.")
    assert (answer.output_text, answer.model) == ("Hello there", "m")
    assert answer.usage is not None
    assert answer.usage.total_tokens == 18
    seen = live.upstream.requests[0]
    assert seen.path == "/v1/responses"
    assert seen.json == {"model": "real-model", "input": "Hello", "instructions": "Be brief."}
    row = await live.row(key)
    assert (row.nanos, row.status, row.model_group) == (PRICE, "success", "m")
    assert row.request_id.startswith("resp_up")
    assert await live.spent_nanos(key) == PRICE


@pytest.mark.parametrize("path", ["/responses", "/openai/deployments/m/responses", "/engines/m/responses"])
async def test_a_response_is_asked_for_at_every_path(live: LiveGateway, key: str, path: str) -> None:
    answer = await live.post(path, key, {"model": "m", "input": [{"role": "user", "content": "Hello"}]})
    assert (answer.status_code, answer.json()["output"][0]["content"][0]["text"]) == (200, "Hello there")


async def test_a_response_is_streamed(live: LiveGateway, key: str) -> None:
    stream = await live.openai(key).responses.create(model="m", input="Hello", stream=True)
    events = [event async for event in stream]
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == (
        "Hello there"
    )
    assert events[-1].type == "response.completed"
    assert {event.response.model for event in (events[0], events[-1]) if hasattr(event, "response")} == {"m"}
    assert "stream_options" not in live.upstream.requests[0].json
    row = await live.row(key)
    assert (row.nanos, row.status) == (PRICE, "success")
    assert row.request_id.startswith("resp_up")


async def test_the_clients_own_helper_reads_the_stream(live: LiveGateway, key: str) -> None:
    async with live.openai(key).responses.stream(model="m", input="Hello") as stream:
        final = await stream.get_final_response()
    assert final.output_text == "Hello there"


async def test_only_the_name_of_the_model_is_other_in_a_stream(live: LiveGateway, key: str) -> None:
    # What is not stored has no id to be sealed.
    body = {"model": "m", "input": "Hello", "stream": True, "store": False}
    answer = await live.post("/v1/responses", key, body)
    sent = b"".join(response_events_of(live.upstream.requests[0], ["Hello", "there"], USAGE))
    shown = answer.content.replace(b'"m"', b'"real-model"')
    assert events_in(shown.decode()) == events_in(sent.decode())


async def test_a_call_of_a_tool_is_recorded(live: LiveGateway, key: str) -> None:
    whole = {
        "id": "resp_1",
        "object": "response",
        "model": "x",
        "output": [CALL],
        "usage": {"input_tokens": 1},
    }
    live.upstream.script.append(replies.raw(200, json.dumps(whole).encode()))
    answer = await live.post("/v1/responses", key, {"model": "m", "input": "Hello", "tools": [TOOL]})
    assert answer.json()["output"] == [CALL]
    assert live.upstream.requests[0].json["tools"] == [TOOL]
    row = await live.row(key)
    assert row.nanos == INPUT_NANOS


async def test_a_stream_that_fails_ends_with_an_error(live: LiveGateway, key: str) -> None:
    failed = {
        "id": "resp_1",
        "model": "x",
        "status": "failed",
        "output": [],
        "error": {"code": "server_error", "message": "at https://secret.example"},
    }
    event = {"type": "response.failed", "response": failed}
    live.upstream.script.append(replies.stream_of(b"data: " + json.dumps(event).encode() + b"\n\n"))
    with pytest.raises(openai.APIError) as caught:
        async for _ in await live.openai(key).responses.create(model="m", input="Hello", stream=True):
            pass
    assert "secret.example" not in str(caught.value)
    assert (await live.row(key)).status == "failure"
    assert live.held_nanos(key) == 0


async def test_an_error_event_ends_the_stream(live: LiveGateway, key: str) -> None:
    event = {"type": "error", "code": "rate_limit_exceeded", "message": "Slow down.", "param": None}
    live.upstream.script.append(
        replies.stream_of(b"event: error\ndata: " + json.dumps(event).encode() + b"\n\n")
    )
    answer = await live.post("/v1/responses", key, {"model": "m", "input": "Hello", "stream": True})
    assert "error" in events_in(answer.text)[-1]
    assert (await live.row(key)).status == "failure"


async def test_a_stream_that_breaks_is_charged_for_what_came(live: LiveGateway, key: str) -> None:
    live.upstream.script.append(replies.stream(["words " * 40], ends=False))
    answer = await live.post("/v1/responses", key, {"model": "m", "input": "Hello", "stream": True})
    assert "error" in events_in(answer.text)[-1]
    row = await live.row(key)
    assert row.status == "failure"
    assert row.nanos > 40 * OUTPUT_NANOS


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"background": True}, "background"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0]"),
        ({"input": [{"role": "user", "content": "x"}, {"id": "msg_1"}]}, "input[1]"),
        ({"input": [{"\\u0074ype": "item_reference", "id": "msg_1"}]}, "input[0]"),
        ({"input": ["text"]}, "input"),
        ({"input": []}, "input"),
        ({"input": None}, "input"),
        ({"stream": "yes"}, "stream"),
        ({"max_output_tokens": -1}, "max_output_tokens"),
    ],
    ids=str,
)
async def test_what_is_not_served_is_refused(
    live: LiveGateway, key: str, members: dict[str, Any], param: str
) -> None:
    body = json.dumps({"model": "m", "input": "Hello", **members}).replace("\\\\u", "\\u")
    answer = await live.post("/v1/responses", key, body.encode())
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert live.upstream.requests == []


async def test_null_takes_nothing_from_a_store(live: LiveGateway, key: str) -> None:
    members = {"previous_response_id": None, "conversation": None, "prompt": None, "background": False}
    answer = await live.post("/v1/responses", key, {"model": "m", "input": "Hello", **members})
    assert answer.status_code == 200


async def test_the_operators_members_go_by_the_names_of_this_api(live: LiveGateway, key: str) -> None:
    set_up = deployment(
        "m", live.upstream, max_tokens=64, seed=7, stop=["x"], reasoning_effort="low", temperature=0.5
    )
    live.configure(set_up)
    await live.openai(key).responses.create(model="m", input="Hello")
    sent = live.upstream.requests[0].json
    assert sent == {
        "model": "real-model",
        "input": "Hello",
        "max_output_tokens": 64,
        "reasoning": {"effort": "low"},
        "temperature": 0.5,
    }


async def test_the_gateways_own_model_answers_offline(live: LiveGateway, key: str) -> None:
    params = {"model": "mock/any", "mock_response": "One two three"}
    live.configure({"model_name": "m", "litellm_params": params})
    client = live.openai(key)
    whole = await client.responses.create(model="m", input="Hello")
    assert whole.output_text == "One two three"
    async with client.responses.stream(model="m", input="Hello") as stream:
        deltas = [event.delta async for event in stream if event.type == "response.output_text.delta"]
    assert deltas == ["One two", " three"]


async def test_metadata_is_the_gateways_own(live: LiveGateway, key: str) -> None:
    await live.openai(key).responses.create(model="m", input="Hello", metadata={"team": "x"})
    assert "metadata" not in live.upstream.requests[0].json
