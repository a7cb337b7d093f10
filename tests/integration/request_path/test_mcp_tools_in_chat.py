"""Tools of MCP servers in chat completions: the gateway offers them to the model, and calls them for it."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import openai
import pytest
import pytest_asyncio

from tests.integration.serving import LiveGateway, deployment, eventually
from tests.mcp_servers import McpFixture
from tests.upstreams import replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

HELLO = [{"role": "user", "content": "What is 2 and 3?"}]
OWN = {
    "type": "mcp",
    "server_label": "mine",
    "server_url": "litellm_proxy/mcp/fix",
    "require_approval": "never",
}
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f-add", "arguments": '{"a": 2, "b": 3}'}}
PRICE = {"input_cost_per_token": 0.001, "output_cost_per_token": 0.01}
USAGE = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture() as running:
        yield running


@pytest.fixture(autouse=True)
def declared(live: LiveGateway, server: McpFixture) -> None:
    server.calls.clear()
    server.slow.clear()
    server.cancelled.clear()
    declare(live, server)


def declare(live: LiveGateway, server: McpFixture, **settings: Any) -> None:
    servers = {"fix": {"url": server.url, "server_id": "fix-1", "alias": "f"}}
    own = {"gatewright": {"plugins": {"settings": {"mcp": settings}}}} if settings else {}
    live.configure(deployment("m", live.upstream, **PRICE), mcp_servers=servers, **own)


def calling(*calls: Any, content: str | None = None) -> Any:
    """A model that calls tools, in a stream too."""
    message = {"role": "assistant", "content": content, "tool_calls": list(calls)}
    choices = [{"index": 0, "message": message, "finish_reason": "tool_calls"}]
    answer = {"id": "one", "object": "chat.completion", "created": 1, "model": "m", "choices": choices}
    return replies.raw(200, json.dumps({**answer, "usage": USAGE}).encode())


def event(delta: dict[str, Any] | None, finish: str | None = None, **members: Any) -> bytes:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    head = {"id": "one", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return b"data: " + json.dumps({**head, "choices": choices, **members}).encode() + b"\n\n"


def streaming(*calls: Any, content: str = "Let me see. ") -> Any:
    """The same as events: names and arguments come in pieces."""
    events = [event({"role": "assistant", "content": content})]
    for index, call in enumerate(calls):
        function, arguments = call["function"], call["function"]["arguments"]
        begin = {"name": function["name"], "arguments": arguments[:4]}
        events.append(event({"tool_calls": [{**call, "index": index, "function": begin}]}))
        rest = {"index": index, "function": {"arguments": arguments[4:]}}
        events.append(event({"tool_calls": [rest]}))
    events += [event({}, "tool_calls"), event(None, usage=USAGE), b"data: [DONE]\n\n"]
    return replies.stream_of(*events)


async def complete(live: LiveGateway, key: str, *tools: Any, **members: Any) -> httpx.Response:
    body = {"model": "m", "messages": HELLO, "tools": list(tools or (OWN,)), **members}
    return await live.post("/v1/chat/completions", key, body)


def asked(live: LiveGateway, index: int) -> Any:
    return live.upstream.requests[index].json


async def test_the_official_client_gets_the_answer_and_every_call_has_its_row(
    live: LiveGateway, key: str, server: McpFixture
) -> None:
    live.upstream.script += [calling(CALL, content="I add."), replies.ok("It is 5", USAGE)]
    answer = await live.openai(key).chat.completions.create(
        model="m",
        messages=HELLO,  # type: ignore[arg-type]  the client's typed dictionary
        tools=[OWN, WEATHER],  # type: ignore[list-item]  the client's typed dictionary
        tool_choice="required",
        temperature=0.125,
    )
    rows = [row for row in await live.rows(key) if row.nanos]

    assert answer.choices[0].message.content == "It is 5"
    assert server.calls == [("add", {"a": 2, "b": 3})]
    first, second = asked(live, 0), asked(live, 1)
    names = [tool["function"]["name"] for tool in first["tools"]]
    assert names == ["weather", "f-add", "f-echo", "f-wait", "f-ask"]
    assert first["tools"][1]["function"]["parameters"]["required"] == ["a", "b"]
    assert (first["tool_choice"], second["tool_choice"]) == ("required", "auto")
    assert (first["temperature"], first["messages"]) == (0.125, HELLO)
    assert second["messages"] == [
        *HELLO,
        {"role": "assistant", "content": "I add.", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "5"},
    ]
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.total_tokens) == (20, 24)
    assert [row.nanos for row in rows] == [30_000_000, 30_000_000]
    assert await live.spent_nanos(key) == 60_000_000
    assert live.held_nanos(key) == 0


async def test_the_cost_of_all_calls_is_told(live: LiveGateway, key: str) -> None:
    live.upstream.script += [calling(CALL), calling(CALL), replies.ok("It is 5", USAGE)]
    answer = await complete(live, key)
    assert float(answer.headers["x-litellm-response-cost"]) == 0.09
    assert answer.json()["usage"]["completion_tokens"] == 6


async def test_a_stream_is_one_to_the_official_client(
    live: LiveGateway, key: str, server: McpFixture
) -> None:
    live.upstream.script += [streaming(CALL), replies.ok("It is 5", USAGE)]
    stream = await live.openai(key).chat.completions.create(
        model="m",
        messages=HELLO,  # type: ignore[arg-type]  the client's typed dictionary
        tools=[OWN],  # type: ignore[list-item]  the client's typed dictionary
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]

    assert "".join(delta.content or "" for delta in deltas) == "Let me see. It is 5"
    assert not any(delta.tool_calls for delta in deltas)
    assert [delta.role for delta in deltas if delta.role] == ["assistant"]
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert {chunk.id for chunk in chunks} == {"one"}
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 24
    assert server.calls == [("add", {"a": 2, "b": 3})]
    assert asked(live, 1)["messages"][1] == {
        "role": "assistant",
        "content": "Let me see. ",
        "tool_calls": [CALL],
    }


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize(
    ("tools", "names"),
    [
        ([{**OWN, "require_approval": "always"}], ["f-add"]),
        ([{name: value for name, value in OWN.items() if name != "require_approval"}], ["f-add"]),
        ([{**OWN, "require_approval": {"never": {"tool_names": ["echo"]}}}], ["f-add"]),
        ([OWN, WEATHER], ["f-add", "weather"]),
        ([OWN, WEATHER], ["weather"]),
    ],
)
async def test_calls_that_are_not_the_gateways_are_the_clients(
    live: LiveGateway,
    key: str,
    server: McpFixture,
    tools: Any,
    names: list[str],
    is_stream: bool,  # noqa: FBT001  pytest passes it by name
) -> None:
    calls = [
        {"id": f"call_{name}", "type": "function", "function": {"name": name, "arguments": '{"a": 1}'}}
        for name in names
    ]
    live.upstream.script.append(streaming(*calls) if is_stream else calling(*calls))
    answer = await complete(live, key, *tools, stream=is_stream)

    for name in names:
        assert f"call_{name}" in answer.text
    assert '"tool_calls"' in answer.text
    assert answer.text.endswith("[DONE]\n\n") is is_stream
    assert server.calls == []


async def test_what_goes_wrong_with_a_call_is_told_to_the_model(
    live: LiveGateway, key: str, server: McpFixture
) -> None:
    def call(name: str, arguments: str) -> Any:
        return {"id": name, "type": "function", "function": {"name": name, "arguments": arguments}}

    live.upstream.script += [
        calling(call("f-add", '{"a": "x"}'), call("f-echo", "[1"), call("f-echo", '{"text": "hi"}')),
        replies.ok("It is 5"),
    ]
    assert (await complete(live, key)).status_code == 200
    told = [message["content"] for message in asked(live, 1)["messages"][2:]]
    assert told[0].startswith("The call failed: ")
    assert told[1:] == ["The arguments are no JSON object.", "you said hi"]
    assert server.calls == [("echo", {"text": "hi"})]


@pytest.mark.parametrize(
    ("tool", "members", "status", "param"),
    [
        ({"server_url": "litellm_proxy/mcp/nobody"}, {}, 404, "tools[0].server_url"),
        ({"server_url": "litellm_proxy/other"}, {}, 400, "tools[0].server_url"),
        ({"headers": {"authorization": "Bearer x"}}, {}, 400, "tools[0].headers"),
        ({"allowed_tools": "add"}, {}, 400, "tools[0].allowed_tools"),
        ({"require_approval": {"never": {"tool_names": [1]}}}, {}, 400, "tools[0].require_approval.never"),
        ({}, {"n": 2}, 400, "n"),
        ({"server_url": "https://mcp.example/sse"}, {}, 403, "tools[0].server_url"),
    ],
)
async def test_what_cannot_be_is_refused(
    live: LiveGateway, key: str, tool: Any, members: Any, status: int, param: str
) -> None:
    answer = await complete(live, key, {**OWN, **tool}, **members)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)
    assert live.upstream.requests == []


async def test_a_function_of_the_same_name_is_refused(live: LiveGateway, key: str) -> None:
    twin = {"type": "function", "function": {"name": "f-add", "parameters": {"type": "object"}}}
    answer = await complete(live, key, OWN, twin)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "tools")


async def test_a_server_that_the_key_may_not_reach_is_refused(live: LiveGateway) -> None:
    key = await live.make_key(object_permission={"mcp_servers": ["no_mcp_servers"]})
    answer = await complete(live, key)
    assert (answer.status_code, answer.json()["error"]["type"]) == (403, "mcp_server_access_denied")


async def test_rights_narrow_what_the_model_is_told_of(live: LiveGateway) -> None:
    key = await live.make_key(object_permission={"mcp_tool_permissions": {"fix": ["add", "echo"]}})
    for tool, names in (
        ({**OWN, "server_url": "litellm_proxy"}, ["f-add", "f-echo"]),
        ({**OWN, "allowed_tools": ["echo", "wait"]}, ["f-echo"]),
        ({**OWN, "allowed_tools": {"tool_names": []}}, None),
    ):
        live.upstream.requests.clear()
        assert (await complete(live, key, tool)).status_code == 200
        told = asked(live, 0).get("tools")
        assert (told and [one["function"]["name"] for one in told]) == names


async def test_a_model_is_asked_again_so_often_and_no_more(
    live: LiveGateway, key: str, server: McpFixture
) -> None:
    declare(live, server, tool_rounds=2)
    live.upstream.default = calling(CALL)
    answer = await complete(live, key)
    assert answer.json()["choices"][0]["finish_reason"] == "tool_calls"
    assert len(live.upstream.requests) == 3


@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_budget_that_ends_between_ends_the_request(
    live: LiveGateway,
    server: McpFixture,
    is_stream: bool,  # noqa: FBT001  pytest passes it by name
) -> None:
    key = await live.make_key(max_budget=0.03)
    live.upstream.script.append(streaming(CALL) if is_stream else calling(CALL))
    answer = await complete(live, key, stream=is_stream, max_tokens=1)
    assert "budget" in answer.text.lower()
    assert answer.status_code == (200 if is_stream else 422)
    assert len(live.upstream.requests) == 1
    assert live.held_nanos(key) == 0


async def test_a_client_that_leaves_ends_the_call_of_a_tool(
    live: LiveGateway, key: str, server: McpFixture
) -> None:
    wait = {"id": "w", "type": "function", "function": {"name": "f-wait", "arguments": "{}"}}
    live.upstream.script.append(calling(wait))
    asking = asyncio.create_task(complete(live, key))
    await eventually(lambda: bool(server.calls))
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await asyncio.wait_for(server.cancelled.wait(), 30)
    await eventually(lambda: live.held_nanos(key) == 0)
    assert len(live.upstream.requests) == 1


async def test_who_has_no_key_is_told_so(live: LiveGateway) -> None:
    with pytest.raises(openai.AuthenticationError):
        await live.openai("sk-nobody").chat.completions.create(
            model="m",
            messages=HELLO,  # type: ignore[arg-type]  the client's typed dictionary
            tools=[OWN],  # type: ignore[list-item]  the client's typed dictionary
        )
