"""Streams: what the client sees, when it is charged, and how they end when somebody leaves or fails."""

import asyncio
import json
from typing import Any

import openai
import pytest

from tests.integration.serving import (
    INPUT_NANOS,
    OUTPUT_NANOS,
    UPSTREAM_KEY,
    LiveGateway,
    bearer,
    chat_body,
    deployment,
)
from tests.upstreams import USAGE, SeenRequest, Wire, events_of, replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

PRICE = 11 * INPUT_NANOS + 7 * OUTPUT_NANOS
HELLO: list[Any] = [{"role": "user", "content": "Say hello"}]
PROMPT_TOKENS = 11
"""What the gateway estimates for the prompt of `chat_body()`."""


async def read_events(live: LiveGateway, key: str, **members: object) -> list[str]:
    answer = await live.chat(key, stream=True, **members)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    return [event for event in answer.text.split("\n\n") if event]


def payloads(events: list[str]) -> list[dict[str, Any]]:
    return [json.loads(event.removeprefix("data: ")) for event in events if event != "data: [DONE]"]


async def test_the_usage_chunk_is_asked_for_and_withheld(live: LiveGateway, key: str) -> None:
    events = await read_events(live, key)
    assert live.upstream.requests[0].json["stream_options"] == {"include_usage": True}
    assert events[-1] == "data: [DONE]"
    assert all(item["choices"] for item in payloads(events))
    assert (await live.row(key)).nanos == PRICE


async def test_no_chunk_shows_the_usage_that_nobody_asked_for(live: LiveGateway, key: str) -> None:
    assert not any(item.get("usage") for item in payloads(await read_events(live, key)))


async def test_the_usage_chunk_comes_to_who_asked_for_it(live: LiveGateway, key: str) -> None:
    chunks = payloads(await read_events(live, key, stream_options={"include_usage": True}))
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["total_tokens"] == 18
    assert [item["usage"] for item in chunks[:-1]] == [None] * 3


async def test_the_real_client_gets_the_usage_it_asked_for(live: LiveGateway, key: str) -> None:
    stream = await live.openai(key).chat.completions.create(
        model="m", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    usages = [chunk.usage async for chunk in stream]
    assert usages[-1] is not None
    assert usages[-1].total_tokens == 18


async def test_every_chunk_shows_the_model_that_was_asked_for(live: LiveGateway, key: str) -> None:
    assert {item["model"] for item in payloads(await read_events(live, key))} == {"m"}


async def test_a_text_completion_is_streamed(live: LiveGateway, key: str) -> None:
    stream = await live.openai(key).completions.create(model="m", prompt="Hello", stream=True)
    assert "".join([chunk.choices[0].text async for chunk in stream]) == "Hello there"
    assert (await live.row(key)).nanos == PRICE


async def test_done_comes_only_after_the_settlement(live: LiveGateway, key: str) -> None:
    live.upstream.script.append(held_at_the_end)
    async with asyncio.timeout(30), stream_of(live, key) as answer:
        lines = answer.aiter_lines()
        assert (await anext(lines)).startswith("data: {")
        assert live.settled_nanos(key) == 0
        live.upstream.release.set()
        assert [line async for line in lines if line][-1] == "data: [DONE]"
    assert live.settled_nanos(key) == PRICE


async def test_what_a_stream_did_cost_is_told_to_the_next_request(live: LiveGateway, key: str) -> None:
    await read_events(live, key)
    answer = await live.chat(key)
    assert float(answer.headers["x-litellm-key-spend"]) == 2 * PRICE / 1e9


async def test_unknown_events_and_members_pass_through(live: LiveGateway, key: str) -> None:
    odd = b'data: {"id":"c","choices":[{"delta":{"content":"x"}}],"model":"up","odd":{"a" : 1.0}}\n\n'
    live.upstream.script.append(
        replies.stream_of(b": note\n\n", odd, b"event: ping\ndata: {}\n\n", b"data: [DONE]\n\n")
    )
    answer = await live.chat(key, stream=True)
    assert '"odd":{"a" : 1.0}' in answer.text
    assert answer.text.endswith("data: [DONE]\n\n")


async def test_a_stream_without_usage_is_charged_by_an_estimate(live: LiveGateway, key: str) -> None:
    live.upstream.script.append(replies.stream(["one", "two", "three"], None))
    await read_events(live, key)
    row = await live.row(key)
    assert row.status == "success"
    assert row.completion_tokens > 0
    assert row.nanos == row.prompt_tokens * INPUT_NANOS + row.completion_tokens * OUTPUT_NANOS


async def test_events_cut_in_pieces_are_put_together(live: LiveGateway, key: str) -> None:
    chunk = b'data: {"id":"c","choices":[{"delta":{"content":"h\xc3\xa9"}}],"model":"up"}'
    whole = chunk + b"\r\n\r\ndata: [DONE]\r\n\r\n"
    live.upstream.script.append(replies.stream_of(*(whole[at : at + 1] for at in range(len(whole)))))
    stream = await live.openai(key).chat.completions.create(model="m", messages=HELLO, stream=True)
    assert [chunk.choices[0].delta.content async for chunk in stream] == ["hé"]


async def test_a_silent_upstream_is_covered_by_comments(live: LiveGateway, key: str) -> None:
    live.configure(deployment("m", live.upstream), gatewright={"stream_keepalive_seconds": 0.05})
    live.upstream.script.append(replies.stream_held(["Hello"]))
    async with asyncio.timeout(30), stream_of(live, key) as answer:
        lines = answer.aiter_lines()
        seen = [await anext(lines) for _ in range(6)]
    assert seen[0].startswith("data: ")
    assert seen.count(": keep-alive") >= 2


async def test_a_client_that_leaves_in_mid_stream_is_charged_for_what_was_generated(
    live: LiveGateway, key: str
) -> None:
    live.upstream.script.append(replies.stream_held(["one", "two", "three", "four"]))
    async with asyncio.timeout(30):
        async with stream_of(live, key) as answer:
            lines = answer.aiter_lines()
            for _ in range(8):
                await anext(lines)
        await live.upstream.hung_up.wait()
    row = await live.row(key)
    assert (row.status, row.details["error_information"]["error_code"]) == ("failure", "499")
    assert row.completion_tokens >= 4
    assert row.nanos == row.prompt_tokens * INPUT_NANOS + row.completion_tokens * OUTPUT_NANOS
    assert await live.spent_nanos(key) == row.nanos == live.settled_nanos(key)
    assert live.held_nanos(key) == 0


async def test_a_client_that_leaves_before_the_headers_lets_go_of_the_stream(
    live: LiveGateway, key: str
) -> None:
    live.upstream.script.append(replies.held(replies.stream_held(["one"])))
    request = asyncio.create_task(live.chat(key, stream=True))
    await live.upstream.wait_for_requests(1)
    request.cancel()
    await asyncio.gather(request, return_exceptions=True)
    live.upstream.release.set()
    async with asyncio.timeout(30):
        await live.upstream.hung_up.wait()
    row = await live.row(key)
    assert row.status == "failure"
    assert row.nanos > 0
    assert await live.spent_nanos(key) == row.nanos
    assert live.held_nanos(key) == 0


async def test_a_client_that_leaves_a_call_without_stream_is_charged_exactly(
    live: LiveGateway, key: str
) -> None:
    live.upstream.script.append(replies.held())
    request = asyncio.create_task(live.chat(key))
    await live.upstream.wait_for_requests(1)
    request.cancel()
    await asyncio.gather(request, return_exceptions=True)
    live.upstream.release.set()
    row = await live.row(key)
    assert row.nanos == PRICE
    assert await live.spent_nanos(key) == PRICE


async def test_a_deployment_that_wants_it_is_stopped_when_the_client_leaves(
    live: LiveGateway, key: str
) -> None:
    live.configure(deployment("m", live.upstream, on_disconnect="cancel"))
    live.upstream.script.append(replies.never())
    request = asyncio.create_task(live.chat(key))
    await live.upstream.wait_for_requests(1)
    request.cancel()
    await asyncio.gather(request, return_exceptions=True)
    async with asyncio.timeout(30):
        await live.upstream.hung_up.wait()
    row = await live.row(key)
    assert row.status == "failure"
    assert row.nanos == row.prompt_tokens * INPUT_NANOS > 0


@pytest.mark.parametrize("is_reset", [True, False], ids=["reset", "closed"])
async def test_a_stream_that_breaks_off_ends_with_an_error_event_and_is_charged(
    live: LiveGateway,
    key: str,
    is_reset: bool,  # noqa: FBT001  pytest passes it by name
) -> None:
    words = ["one", "two"]
    live.upstream.release.set()
    broken = replies.stream_reset(words) if is_reset else replies.stream(words, ends=False)
    live.upstream.script.append(broken)
    events = await read_events(live, key)
    error = json.loads(events[-1].removeprefix("data: "))["error"]
    assert (error["code"], error["type"]) == ("502", "bad_gateway_error")
    assert "data: [DONE]" not in events
    assert_nothing_leaked(live, events[-1])
    row = await live.row(key)
    assert (row.status, row.details["error_information"]["error_code"]) == ("failure", "502")
    assert row.nanos == row.prompt_tokens * INPUT_NANOS + row.completion_tokens * OUTPUT_NANOS > 0
    assert await live.spent_nanos(key) == row.nanos
    assert_nothing_leaked(live, row.text)


async def test_an_error_event_of_the_upstream_ends_the_stream_without_its_secrets(
    live: LiveGateway, key: str
) -> None:
    first = b'data: {"id":"c","choices":[{"delta":{"content":"x"}}],"model":"up"}\n\n'
    failure = {
        "message": f"Overloaded at {live.upstream.origin} with {UPSTREAM_KEY}",
        "type": "overloaded",
        "code": 529,
    }
    event = b"data: " + json.dumps({"error": failure}).encode() + b"\n\n"
    live.upstream.script.append(replies.stream_of(first, event))
    answer = await live.chat(key, stream=True)
    events = [item for item in answer.text.split("\n\n") if item]
    assert "error" in json.loads(events[-1].removeprefix("data: "))
    assert events[-1].count('"error"') == 1
    assert len(events) == 2
    assert_nothing_leaked(live, answer.text)
    row = await live.row(key)
    assert row.status == "failure"
    assert row.nanos > 0
    assert_nothing_leaked(live, row.text)


async def test_the_real_client_raises_for_an_error_event(live: LiveGateway, key: str) -> None:
    event = b'data: {"error":{"message":"Overloaded.","code":503}}\n\n'
    live.upstream.script.append(replies.stream_of(event))
    stream = await live.openai(key).chat.completions.create(model="m", messages=HELLO, stream=True)
    with pytest.raises(openai.APIError, match="Overloaded"):
        [chunk async for chunk in stream]


async def test_a_stream_that_fails_before_its_first_byte_is_an_ordinary_error(
    live: LiveGateway, key: str
) -> None:
    live.upstream.script.append(replies.error(400, "No such option."))
    answer = await live.chat(key, stream=True)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/json")
    assert answer.json()["error"]["code"] == "400"
    assert (await live.row(key)).nanos == 0


async def test_an_answer_that_is_no_stream_is_refused(live: LiveGateway, key: str) -> None:
    live.configure(deployment("m", live.upstream), router_settings={"num_retries": 0})
    live.upstream.script.append(replies.raw(200, b'{"id":"x","choices":[]}'))
    answer = await live.chat(key, stream=True)
    assert (answer.status_code, answer.json()["error"]["type"]) == (502, "bad_gateway_error")


async def test_a_stream_that_falls_silent_ends_with_a_timeout_event(live: LiveGateway, key: str) -> None:
    live.configure(deployment("m", live.upstream, stream_timeout=0.2))
    live.upstream.script.append(replies.stream_held(["one"]))
    events = await read_events(live, key)
    assert json.loads(events[-1].removeprefix("data: "))["error"]["code"] == "408"
    assert (await live.row(key)).nanos > 0


async def held_at_the_end(wire: Wire, request: SeenRequest) -> None:
    """Stream everything but the usage and the end, which wait for `release`."""
    await wire.begin_events()
    events = events_of(request, ["Hello"], USAGE)
    for event in events[:-2]:
        await wire.chunk(event)
    await wire.upstream.release.wait()
    for event in events[-2:]:
        await wire.chunk(event)
    await wire.send(b"0\r\n\r\n")


def stream_of(live: LiveGateway, key: str) -> Any:
    return live.http.stream("POST", "/v1/chat/completions", json=chat_body(stream=True), headers=bearer(key))


def assert_nothing_leaked(live: LiveGateway, text: str) -> None:
    assert UPSTREAM_KEY not in text
    assert str(live.upstream.port) not in text


async def test_one_connection_serves_one_stream_after_the_other(live: LiveGateway, key: str) -> None:
    live.upstream.script += [replies.stream(["one", "two"])] * 4
    await read_events(live, key)
    before = live.upstream.connections
    for _ in range(3):
        await read_events(live, key)
    assert live.upstream.connections == before
