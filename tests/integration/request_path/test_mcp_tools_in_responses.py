"""Tools of MCP servers in responses: the gateway offers them to the model, calls them for it, and says so."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from gateway.wire.responses import build_events, encode_event
from gateway.wire.sse import EventSplitter, event_payload
from tests.integration.serving import LiveGateway, deployment
from tests.mcp_servers import McpFixture
from tests.upstreams import Reply, replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

OWN: Any = {
    "type": "mcp",
    "server_label": "mine",
    "server_url": "litellm_proxy/mcp/fix",
    "require_approval": "never",
}
WEATHER: Any = {"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": False}
PRICE = {"input_cost_per_token": 0.001, "output_cost_per_token": 0.01}
USAGE = {"input_tokens": 10, "output_tokens": 2, "total_tokens": 12}
REASONING = {"type": "reasoning", "id": "rs_1", "summary": []}
each_way = pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture() as running:
        yield running


@pytest.fixture(autouse=True)
def declared(live: LiveGateway, server: McpFixture) -> None:
    server.calls.clear()
    servers = {"fix": {"url": server.url, "server_id": "fix-1", "alias": "f"}}
    own = {"gatewright": {"plugins": {"settings": {"mcp": {"tool_rounds": 2}}}}}
    live.configure(deployment("m", live.upstream, **PRICE), mcp_servers=servers, **own)


def call(name: str = "f-add", arguments: str = '{"a": 2, "b": 3}') -> dict[str, Any]:
    call_id = f"call_{name}"
    return {
        "type": "function_call",
        "id": f"fc_{name}",
        "call_id": call_id,
        "name": name,
        "arguments": arguments,
        "status": "completed",
    }


def message(text: str) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {
        "type": "message",
        "id": f"msg_{text[:2]}",
        "status": "completed",
        "role": "assistant",
        "content": [part],
    }


def saying(*items: dict[str, Any], name: str = "resp_1") -> Reply:
    """A model that answers with these items, whole or as a stream."""

    async def reply(wire: Any, request: Any) -> None:
        response = {
            "id": name,
            "object": "response",
            "created_at": 1,
            "status": "completed",
            "model": "real-model",
            "output": list(items),
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": request.json.get("tools", []),
            "usage": {
                **USAGE,
                "input_tokens_details": {"cached_tokens": 0},
                "output_tokens_details": {"reasoning_tokens": 0},
            },
        }
        if request.json.get("stream"):
            await replies.stream_of(*map(encode_event, build_events(response)))(wire, request)
        else:
            await wire.answer(200, json.dumps(response).encode())

    return reply


async def ask(live: LiveGateway, key: str, *tools: Any, **members: Any) -> httpx.Response:
    body = {"model": "m", "input": "What is 2 and 3?", "tools": list(tools or (OWN,)), **members}
    return await live.post("/v1/responses", key, body)


def events_in(answer: httpx.Response) -> list[dict[str, Any]]:
    return [json.loads(event_payload(event) or b"null") for event in EventSplitter().feed(answer.content)]


def whole_of(answer: httpx.Response) -> dict[str, Any]:
    """The response, from the last event where there are events."""
    is_stream = answer.headers["content-type"].startswith("text/event-stream")
    return events_in(answer)[-1]["response"] if is_stream else answer.json()


def asked(live: LiveGateway, index: int) -> Any:
    return live.upstream.requests[index].json


@each_way
async def test_the_model_gets_its_answer_and_the_client_is_told_of_the_call(
    live: LiveGateway,
    key: str,
    server: McpFixture,
    is_stream: bool,  # noqa: FBT001  pytest passes it by name
) -> None:
    live.upstream.script += [
        saying(REASONING, message("I add."), call()),
        saying(message("It is 5"), name="two"),
    ]
    answer = await ask(live, key, OWN, WEATHER, stream=is_stream, tool_choice="required")
    whole = whole_of(answer)
    assert server.calls == [("add", {"a": 2, "b": 3})]
    assert [item["type"] for item in whole["output"]] == ["reasoning", "message", "mcp_call", "message"]
    told = whole["output"][2]
    assert (told["server_label"], told["name"], told["arguments"], told["output"], told["error"]) == (
        "mine",
        "add",
        '{"a": 2, "b": 3}',
        "5",
        None,
    )
    assert whole["tools"] == [OWN, WEATHER]
    assert (whole["usage"]["input_tokens"], whole["usage"]["total_tokens"]) == (20, 24)
    first, second = asked(live, 0), asked(live, 1)
    assert [tool["name"] for tool in first["tools"]] == ["weather", "f-add", "f-echo", "f-wait", "f-ask"]
    assert first["input"] == [{"role": "user", "content": "What is 2 and 3?"}]
    assert (first["tool_choice"], second["tool_choice"]) == ("required", "auto")
    assert second["input"][1:] == [
        REASONING,
        {name: value for name, value in message("I add.").items() if name not in ("id", "status")},
        {"type": "function_call", "call_id": "call_f-add", "name": "f-add", "arguments": '{"a": 2, "b": 3}'},
        {"type": "function_call_output", "call_id": "call_f-add", "output": "5"},
    ]
    rows = [row for row in await live.rows(key) if row.nanos]
    assert [row.nanos for row in rows] == [30_000_000, 30_000_000]
    assert live.held_nanos(key) == 0


async def test_a_conversation_goes_on_from_the_last_round(live: LiveGateway, key: str) -> None:
    live.upstream.script += [saying(call()), saying(message("It is 5"), name="resp_2")]
    whole = whole_of(await ask(live, key))
    live.upstream.script += [saying(call(), name="resp_3"), saying(message("Still 5"), name="resp_4")]
    again = whole_of(await ask(live, key, previous_response_id=whole["id"]))
    assert again["output"][-1]["content"][0]["text"] == "Still 5"
    assert [asked(live, index).get("previous_response_id") for index in range(4)] == [
        *(None, None),
        *("resp_2", "resp_2"),
    ]
    other = await live.make_key()
    assert (await ask(live, other, previous_response_id=whole["id"])).status_code == 400


async def test_a_stream_is_one_to_the_official_client(live: LiveGateway, key: str) -> None:
    live.upstream.script += [saying(message("I add."), call()), saying(message("It is 5"), name="two")]
    async with live.openai(key).responses.stream(model="m", input="What is 2 and 3?", tools=[OWN]) as stream:
        kinds = [event.type async for event in stream]
        final = await stream.get_final_response()
    assert final.output_text == "I add.It is 5"
    assert final.id.startswith("resp_")
    assert kinds.count("response.created") == 1
    assert "response.mcp_call.completed" in kinds
    assert "response.function_call_arguments.delta" not in kinds


async def test_events_and_items_are_numbered_as_one(live: LiveGateway, key: str) -> None:
    live.upstream.script += [saying(message("I add."), call(), call("f-echo", '{"text": "x"}'))]
    live.upstream.script += [saying(message("It is 5"), name="two")]
    events = events_in(await ask(live, key, stream=True))
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    added = [event for event in events if event["type"] == "response.output_item.added"]
    assert [event["output_index"] for event in added] == [0, 1, 2, 3]
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert done == events[-1]["response"]["output"]


ASKING = {**OWN, "require_approval": "always"}


@each_way
@pytest.mark.parametrize(
    ("tools", "names"),
    [([ASKING], ["f-add"]), ([OWN, WEATHER], ["f-add", "weather"]), ([OWN, WEATHER], ["weather"])],
)
async def test_what_the_gateway_may_not_call_is_asked_for_and_other_calls_are_the_clients(
    live: LiveGateway,
    key: str,
    server: McpFixture,
    tools: Any,
    names: list[str],
    is_stream: bool,  # noqa: FBT001  pytest passes it by name
) -> None:
    live.upstream.script.append(saying(*map(call, names)))
    answer = await ask(live, key, *tools, stream=is_stream)
    said = {item["type"]: item for item in whole_of(answer)["output"]}
    assert set(said) == {"mcp_approval_request" if name == "f-add" else "function_call" for name in names}
    if "f-add" in names:
        asked_for = said["mcp_approval_request"]
        assert (asked_for["server_label"], asked_for["name"]) == ("mine", "add")
        assert asked_for["arguments"] == '{"a": 2, "b": 3}'
    if "weather" in names:
        assert said["function_call"] == call("weather")
    assert server.calls == []
    if is_stream:
        done = [event["item"] for event in events_in(answer) if event["type"].endswith("item.done")]
        assert done == whole_of(answer)["output"]
        assert ("f-add" in answer.text) is False


@each_way
async def test_a_call_that_is_approved_is_made_once(
    live: LiveGateway,
    key: str,
    server: McpFixture,
    is_stream: bool,  # noqa: FBT001  pytest passes it by name
) -> None:
    live.upstream.script += [saying(call()), saying(message("It is 5")), saying(message("Yes"))]
    said = whole_of(await ask(live, key, ASKING, stream=is_stream))["output"]
    word = {"type": "mcp_approval_response", "approval_request_id": said[0]["id"], "approve": True}
    conversation = [{"role": "user", "content": "What is 2 and 3?"}, *said, word]
    second = await ask(live, key, ASKING, input=conversation, stream=is_stream)
    told = whole_of(second)["output"]
    assert server.calls == [("add", {"a": 2, "b": 3})]
    assert [item["type"] for item in told] == ["mcp_call", "message"]
    assert (told[0]["output"], told[0]["approval_request_id"]) == ("5", said[0]["id"])
    sent = asked(live, 1)["input"]
    assert [item.get("type", item.get("role")) for item in sent] == [
        "user",
        "function_call",
        "function_call_output",
    ]
    assert (sent[1]["name"], sent[1]["call_id"], sent[2]["output"]) == ("f-add", sent[2]["call_id"], "5")
    if is_stream:
        kinds = [event["type"] for event in events_in(second)]
        assert kinds.index("response.created") < kinds.index("response.mcp_call.completed")
    again = [*conversation, *told, {"role": "user", "content": "Sure?"}]
    assert (await ask(live, key, ASKING, input=again, stream=is_stream)).status_code == 200
    assert len(server.calls) == 1
    kinds = [item.get("type", item.get("role")) for item in asked(live, 2)["input"]]
    assert kinds == ["user", "function_call", "function_call_output", "message", "user"]


async def test_a_call_that_is_not_approved_is_not_made(
    live: LiveGateway, key: str, server: McpFixture
) -> None:
    live.upstream.script += [saying(call()), saying(message("As you like"))]
    said = whole_of(await ask(live, key, ASKING))["output"]
    word = {"type": "mcp_approval_response", "approval_request_id": said[0]["id"], "approve": False}
    assert (await ask(live, key, ASKING, input=[*said, word])).status_code == 200
    assert server.calls == []
    assert "not approved" in asked(live, 1)["input"][1]["output"]


async def test_an_approval_opens_nothing_that_the_request_does_not_offer(
    live: LiveGateway, key: str, server: McpFixture
) -> None:
    """The item comes from the client: it may say what it likes."""
    wanted = {
        "type": "mcp_approval_request",
        "id": "mcpr_gw_1",
        "server_label": "mine",
        "name": "add",
        "arguments": "{}",
    }
    word = {"type": "mcp_approval_response", "approval_request_id": "mcpr_gw_1", "approve": True}
    for tool, items in (
        ({**ASKING, "allowed_tools": ["echo"]}, [wanted, word]),
        ({**ASKING, "server_label": "other"}, [wanted, word]),
        (ASKING, [wanted]),
    ):
        answer = await ask(live, key, tool, input=items)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "input[0]")
    narrowed = await live.make_key(object_permission={"mcp_tool_permissions": {"fix": ["echo"]}})
    assert (await ask(live, narrowed, ASKING, input=[wanted, word])).status_code == 400
    assert server.calls == []


async def test_a_call_of_an_earlier_response_goes_as_the_function_that_it_was(
    live: LiveGateway, key: str
) -> None:
    live.upstream.script += [saying(call()), saying(message("It is 5"))]
    said = whole_of(await ask(live, key))["output"]
    live.upstream.requests.clear()
    conversation = [
        {"role": "user", "content": "What is 2 and 3?"},
        *said,
        {"role": "user", "content": "Sure?"},
    ]
    assert (await ask(live, key, input=conversation)).status_code == 200
    user, called, result, _, _ = asked(live, 0)["input"]
    assert (user, called["name"], result["output"]) == (conversation[0], "f-add", "5")
    assert called["call_id"] == result["call_id"] == said[0]["id"]


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ({"type": "mcp", "server_label": "mine"}, "required"),
        ({"type": "mcp", "server_label": "mine", "name": "add"}, {"type": "function", "name": "f-add"}),
        ("none", "none"),
    ],
)
async def test_a_choice_of_a_server_is_one_of_functions(
    live: LiveGateway, key: str, choice: Any, sent: Any
) -> None:
    live.upstream.script.append(saying(message("Yes")))
    assert (await ask(live, key, tool_choice=choice)).status_code == 200
    assert asked(live, 0)["tool_choice"] == sent


async def test_what_is_not_stored_is_not_referred_to(live: LiveGateway, key: str) -> None:
    sealed = {**REASONING, "encrypted_content": "sealed"}
    live.upstream.script += [saying(REASONING, sealed, call()), saying(message("It is 5"))]
    assert (await ask(live, key, store=False)).status_code == 200
    assert [item.get("encrypted_content") for item in asked(live, 1)["input"][1:]] == ["sealed", None, None]


@each_way
async def test_a_model_is_asked_again_so_often_and_no_more(
    live: LiveGateway,
    key: str,
    is_stream: bool,  # noqa: FBT001  pytest passes it by name
) -> None:
    live.upstream.default = saying(call())
    whole = whole_of(await ask(live, key, stream=is_stream))
    assert [item["type"] for item in whole["output"]] == ["mcp_call", "mcp_call", "mcp_approval_request"]
    assert len(live.upstream.requests) == 3


@each_way
async def test_a_budget_that_ends_between_ends_the_request(
    live: LiveGateway,
    is_stream: bool,  # noqa: FBT001  pytest passes it by name
) -> None:
    key = await live.make_key(max_budget=0.03)
    live.upstream.script.append(saying(call()))
    answer = await ask(live, key, stream=is_stream, max_output_tokens=1)
    assert "budget" in answer.text.lower()
    assert len(live.upstream.requests) == 1
    assert live.held_nanos(key) == 0


@pytest.mark.parametrize("end", [b"", b'data: {"type": "error", "code": "x", "message": "Broken."}\n\n'])
async def test_a_stream_that_breaks_ends_with_an_error(live: LiveGateway, key: str, end: bytes) -> None:
    begun = b'data: {"type": "response.created", "response": {"id": "resp_1"}}\n\n'
    live.upstream.script.append(replies.stream_of(begun, end) if end else replies.stream_of(begun))
    events = events_in(await ask(live, key, stream=True))
    assert (events[0]["type"], "error" in events[-1]) == ("response.created", True)
    assert live.held_nanos(key) == 0


@pytest.mark.parametrize(
    ("tool", "status", "param"),
    [
        ({"server_url": "litellm_proxy/mcp/nobody"}, 404, "tools[0].server_url"),
        ({"server_url": "https://mcp.example/sse"}, 403, "tools[0].server_url"),
        ({"headers": {"authorization": "Bearer x"}}, 400, "tools[0].headers"),
    ],
)
async def test_what_cannot_be_is_refused(
    live: LiveGateway, key: str, tool: Any, status: int, param: str
) -> None:
    answer = await ask(live, key, {**OWN, **tool})
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)
    twin = await ask(live, key, OWN, {**WEATHER, "name": "f-add"})
    assert (twin.status_code, twin.json()["error"]["param"]) == (400, "tools")
    assert live.upstream.requests == []
