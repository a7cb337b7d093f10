"""The registry of tools: filled by requests and answers, and what the operator says of its tools."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from gateway.ids import hash_token
from tests.integration.manage.conftest import Desk
from tests.integration.serving import LiveGateway, deployment, eventually
from tests.upstreams import Reply, replies

pytestmark = pytest.mark.asyncio(loop_scope="session")


def offer(*names: str) -> list[dict[str, Any]]:
    return [{"type": "function", "function": {"name": name, "parameters": {}}} for name in names]


def calling(name: str, *, is_stream: bool) -> Reply:
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": name, "arguments": "{}"}}
    said = {"role": "assistant", "content": None, "tool_calls": [call]}
    choice = {"index": 0, "delta" if is_stream else "message": said, "finish_reason": "tool_calls"}
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    body = {"id": "chatcmpl-up", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    if not is_stream:
        return replies.raw(200, json.dumps({**body, "object": "chat.completion"}).encode())
    event = json.dumps({**body, "object": "chat.completion.chunk"})
    return replies.stream_of(f"data: {event}\n\n".encode(), b"data: [DONE]\n\n")


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def configured(live: LiveGateway, desk: Desk) -> AsyncIterator[None]:
    live.configure(deployment("m", live.upstream))
    yield
    await desk.run(
        """UPDATE "LiteLLM_ToolTable" SET input_policy = 'untrusted', output_policy = 'untrusted'"""
    )
    live.gateway.parts.added.note_change()
    await eventually(lambda: not live.gateway.parts.added.current.tools)


async def set_policy(desk: Desk, live: LiveGateway, name: str, **policies: str) -> None:
    former = live.gateway.snapshot
    said = await desk.post("/v1/tool/policy", {"tool_name": name, **policies})
    assert said["updated"]
    await eventually(lambda: live.gateway.snapshot is not former)


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
async def test_what_is_offered_and_called_is_noted(
    desk: Desk,
    live: LiveGateway,
    unique: Any,
    is_stream: bool,  # noqa: FBT001  pytest passes it by name
) -> None:
    key = await live.make_key(key_alias=unique("caller"))
    called, offered = unique("called"), unique("offered")
    live.upstream.script += [calling(called, is_stream=is_stream)] * 2
    for _ in range(2):
        answer = await live.chat(key, stream=is_stream, tools=offer(called, offered))
        assert answer.status_code == 200
    rows = await live.rows(key)
    first = await desk.get(f"/v1/tool/{called}")
    assert (first["call_count"], first["origin"], first["input_policy"]) == (2, "user_defined", "untrusted")
    assert first["key_alias"] == rows[0].details["user_api_key_alias"]
    assert (await desk.get(f"/v1/tool/{offered}"))["call_count"] == 0
    listed = (await desk.get("/v1/tool/list"))["tools"]
    assert {called, offered} <= {tool["tool_name"] for tool in listed}
    logs = await desk.get(f"/v1/tool/{called}/logs")
    assert (logs["total"], {log["id"] for log in logs["logs"]}) == (
        2,
        {row.members["request_id"] for row in rows},
    )
    assert (await desk.get(f"/v1/tool/{offered}/logs"))["total"] == 0
    (spent,) = [tool for tool in (await desk.get("/v1/tool/spend"))["by_tool"] if tool["tool_name"] == called]
    assert (spent["call_count"], round(spent["spend"] * 1e9)) == (2, sum(row.nanos for row in rows))


async def test_a_blocked_tool_may_not_be_offered(desk: Desk, live: LiveGateway, key: str) -> None:
    await set_policy(desk, live, "rm", input_policy="blocked")
    answer = await live.chat(key, tools=offer("ls", "rm"))
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["param"]) == (403, "tool_access_denied", "tools")
    assert "rm" in error["message"]
    assert live.upstream.requests == []
    functions = [{"name": "rm", "parameters": {}}]
    assert (await live.chat(key, functions=functions)).status_code == 403
    assert (await live.chat(key, tools=offer("ls"))).status_code == 200
    await set_policy(desk, live, "rm", input_policy="trusted")
    assert (await live.chat(key, tools=offer("rm"))).status_code == 200


def conversation(tool: str) -> list[dict[str, Any]]:
    call = {"id": "c1", "type": "function", "function": {"name": tool, "arguments": "{}"}}
    return [
        {"role": "user", "content": "Go on."},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "From outside."},
    ]


async def test_a_careful_tool_takes_nothing_from_outside(desk: Desk, live: LiveGateway, key: str) -> None:
    await set_policy(desk, live, "pay", input_policy="trusted")
    assert (await live.chat(key, tools=offer("pay"))).status_code == 200
    refused = await live.chat(key, messages=conversation("web"), tools=offer("web", "pay"))
    assert refused.status_code == 403
    assert "web" in refused.json()["error"]["message"]
    unnamed = [{"role": "tool", "tool_call_id": "?", "content": "x"}]
    assert (await live.chat(key, messages=unnamed, tools=offer("pay"))).status_code == 403
    await set_policy(desk, live, "web", output_policy="trusted")
    answer = await live.chat(key, messages=conversation("web"), tools=offer("web", "pay"))
    assert answer.status_code == 200


async def test_a_careful_tool_takes_nothing_from_outside_in_responses(
    desk: Desk, live: LiveGateway, key: str
) -> None:
    await set_policy(desk, live, "pay", input_policy="trusted")
    call = {"type": "function_call", "call_id": "c1", "name": "web", "arguments": "{}"}
    result = {"type": "function_call_output", "call_id": "c1", "output": "From outside."}
    tools = [{"type": "function", "name": "pay", "parameters": {}}]
    asked = {"model": "m", "input": [call, result], "tools": tools}
    refused = await live.post("/v1/responses", key, asked)
    assert (refused.status_code, "web" in refused.json()["error"]["message"]) == (403, True)
    assert (await live.post("/v1/responses", key, {**asked, "input": [result]})).status_code == 403
    await set_policy(desk, live, "web", output_policy="trusted")
    assert (await live.post("/v1/responses", key, asked)).status_code == 200


async def test_a_tool_is_blocked_for_a_team_and_for_a_key(
    desk: Desk, live: LiveGateway, unique: Any, at_once: Any
) -> None:
    team = (await desk.post("/team/new", {}))["team_id"]
    tool, alias = unique("tool"), unique("alias")
    of_team, own = await live.make_key(team_id=team), await live.make_key(key_alias=alias)
    sent = {"tool_name": tool, "input_policy": "blocked"}
    await desk.post("/v1/tool/policy", {**sent, "team_id": team})
    await desk.post("/v1/tool/policy", {**sent, "key_alias": alias})
    live.upstream.script.append(calling(tool, is_stream=False))
    other = await live.make_key()
    assert (await live.chat(other, tools=offer(tool))).status_code == 200
    await live.rows(other)
    await at_once(lambda: live.chat(of_team, tools=offer(tool)), 403)
    await at_once(lambda: live.chat(own, tools=offer(tool)), 403)
    detail = await desk.get(f"/v1/tool/{tool}/detail")
    assert {(one["scope"], one["alias"]) for one in detail["overrides"]} == {("team", None), ("key", alias)}
    await desk.post("/v1/tool/policy", {**sent, "input_policy": "untrusted", "team_id": team})
    await at_once(lambda: live.chat(of_team, tools=offer(tool)), 200)
    taken_back = f"/v1/tool/{tool}/overrides?key_hash={hash_token(own)}"
    answer = await desk.ask("DELETE", taken_back)
    assert (answer.status_code, answer.json()) == (200, {"deleted": True, "tool_name": tool})
    await at_once(lambda: live.chat(own, tools=offer(tool)), 200)
    for path, status in (
        (taken_back, 404),
        (f"/v1/tool/{tool}/overrides?team_id={team}", 404),
        (f"/v1/tool/{tool}/overrides?team_id=nobody", 404),
        (f"/v1/tool/{tool}/overrides", 400),
    ):
        assert (await desk.ask("DELETE", path)).status_code == status


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"tool_name": "x"}, 400),
        ({"tool_name": "x", "input_policy": "odd"}, 422),
        ({"tool_name": "", "input_policy": "blocked"}, 400),
        ({"tool_name": "x", "input_policy": "blocked", "team_id": "nobody"}, 404),
        ({"tool_name": "x", "input_policy": "blocked", "key_alias": "nobody"}, 404),
        ({"tool_name": "x", "output_policy": "trusted", "team_id": "nobody"}, 400),
    ],
)
async def test_what_cannot_be_is_refused(desk: Desk, sent: dict[str, Any], status: int) -> None:
    assert (await desk.ask("POST", "/v1/tool/policy", json=sent)).status_code == status


async def test_who_may_not_and_what_is_not_there(desk: Desk, key: str) -> None:
    for path in ("/v1/tool/list", "/v1/tool/policy/options", "/v1/tool/x", "/v1/tool/spend"):
        assert (await desk.ask("GET", path, key)).status_code == 401
    assert (await desk.ask("POST", "/v1/tool/policy", key, json={"tool_name": "x"})).status_code == 401
    assert (await desk.ask("GET", "/v1/tool/nobody-has-it")).status_code == 404
    options = await desk.get("/v1/tool/policy/options")
    assert options == {
        "input_policies": ["trusted", "untrusted", "blocked"],
        "output_policies": ["trusted", "untrusted"],
    }
