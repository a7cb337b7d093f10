"""The guardrail `tool_permission` on the real path: requests, answers, streams and MCP."""

import json
from typing import Any

import pytest

from tests.integration.request_path.mcp import post
from tests.integration.serving import LiveGateway, deployment
from tests.mcp_servers import McpFixture
from tests.upstreams import replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

RULES = [
    {"id": "mail", "decision": "allow", "tool_name": "mail", "allowed_param_patterns": {"to": ".*@own.test"}},
    {"id": "adding", "decision": "allow", "tool_name": "add", "allowed_param_patterns": {"a": "[0-9]"}},
]


def declare(live: LiveGateway, *modes: str, action: str = "block", **sections: Any) -> None:
    permission = {
        "guardrail_name": "tools",
        "litellm_params": {
            "guardrail": "tool_permission",
            "mode": list(modes),
            "default_on": True,
            "rules": RULES,
            "on_disallowed_action": action,
        },
    }
    live.configure(deployment("m", live.upstream), guardrails=[permission], **sections)


def tool(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}


def call(name: str, arguments: Any, index: int = 0) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments if isinstance(arguments, str) else json.dumps(arguments)}
    return {"index": index, "id": f"call-{index}", "type": "function", "function": function}


def answer(*calls: dict[str, Any]) -> bytes:
    message = {"role": "assistant", "content": None, "tool_calls": list(calls)}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return json.dumps({"id": "x", "object": "chat.completion", "choices": [choice], "usage": usage}).encode()


def events(*deltas: dict[str, Any]) -> bytes:
    chunks = [{"id": "x", "choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    return (
        b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks) + b"data: [DONE]\n\n"
    )


def piece(index: int, name: str | None = None, arguments: str | None = None) -> dict[str, Any]:
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    return {"tool_calls": [{"index": index, "function": function}]}


async def ask(live: LiveGateway, key: str, **members: Any) -> Any:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], **members}
    return await live.post("/v1/chat/completions", key, body)


async def test_tools_that_are_offered(live: LiveGateway, key: str) -> None:
    declare(live, "pre_call")
    assert (await ask(live, key, tools=[tool("mail")])).status_code == 200
    refused = await ask(live, key, tools=[tool("mail"), tool("wipe")])
    assert (refused.status_code, "'wipe'" in refused.text) == (400, True)
    refused = await ask(live, key, functions=[{"name": "wipe"}])
    assert refused.status_code == 400
    assert len(live.upstream.requests) == 1


async def test_tools_that_are_taken_out_of_a_request(live: LiveGateway, key: str) -> None:
    declare(live, "pre_call", action="rewrite")
    await ask(live, key, tools=[tool("wipe"), tool("mail"), tool("format")], tool_choice="auto", odd=1)
    sent = live.upstream.requests[-1].json
    assert (sent["tools"], sent["tool_choice"], sent["odd"]) == ([tool("mail")], "auto", 1)
    await ask(live, key, tools=[tool("wipe")], tool_choice="required", odd=1)
    assert {"tools", "tool_choice"}.isdisjoint(live.upstream.requests[-1].json)


@pytest.mark.parametrize(
    ("calls", "status"),
    [
        ([call("mail", {"to": "a@own.test"})], 200),
        ([call("mail", {"to": "a@else.test"})], 400),
        ([call("mail", "")], 400),
        ([call("mail", {"to": "a@own.test"}), call("wipe", {}, 1)], 400),
    ],
)
async def test_calls_in_an_answer(live: LiveGateway, key: str, calls: Any, status: int) -> None:
    declare(live, "post_call")
    live.upstream.default = replies.raw(200, answer(*calls))
    assert (await ask(live, key)).status_code == status


async def test_calls_that_are_taken_out_of_an_answer(live: LiveGateway, key: str) -> None:
    declare(live, "post_call", action="rewrite")
    good, bad = call("mail", {"to": "a@own.test"}), call("wipe", {}, 1)
    live.upstream.default = replies.raw(200, answer(good, bad))
    (choice,) = (await ask(live, key)).json()["choices"]
    assert (choice["message"]["tool_calls"], choice["finish_reason"]) == ([good], "tool_calls")
    assert "'wipe'" in choice["message"]["content"]
    live.upstream.default = replies.raw(200, answer(bad))
    (choice,) = (await ask(live, key)).json()["choices"]
    assert ("tool_calls" in choice["message"], choice["finish_reason"]) == (False, "stop")


@pytest.mark.parametrize(
    ("deltas", "is_allowed"),
    [
        ([piece(0, "mail", ""), piece(0, None, '{"to":"a@'), piece(0, None, 'own.test"}')], True),
        ([piece(0, "ma", ""), piece(0, "il", '{"to":"a@own.test"}')], True),
        ([piece(0, "mail", ""), piece(0, None, '{"to":"a@'), piece(0, None, 'else.test"}')], False),
        ([piece(0, "mail", '{"to":"a@own.test"}'), piece(1, "wi"), piece(1, "pe", "{}")], False),
        ([piece(0, "mail"), piece(0, "_wipe", '{"to":"a@own.test"}')], False),
        ([{"tool_calls": [{"index": 0, "custom": {"name": "wipe", "input": "x"}}]}], False),
        (
            [
                *(piece(0, "mail", '{"to":"a@'), piece(1, "mail", '{"to":"b@')),
                *(piece(0, None, 'own.test"}'), piece(1, None, 'own.test"}')),
            ],
            True,
        ),
    ],
)
@pytest.mark.parametrize("action", ["block", "rewrite"])
async def test_calls_in_a_stream(
    live: LiveGateway,
    key: str,
    deltas: Any,
    is_allowed: bool,  # noqa: FBT001  pytest passes it by name
    action: str,
) -> None:
    declare(live, "post_call", action=action)
    sent = events(*deltas)
    live.upstream.default = replies.stream_of(sent)
    got = await ask(live, key, stream=True)
    assert (b'"arguments"' in got.content) is is_allowed
    assert ("does not allow the tool" in got.text) is not is_allowed


async def test_calls_by_mcp(live: LiveGateway, key: str) -> None:
    async with McpFixture() as server:
        for action in ("block", "rewrite"):
            declare(live, "pre_mcp_call", action=action, mcp_servers={"fix": {"url": server.url}})
            for name, arguments, status in (
                ("add", {"a": 2, "b": 3}, 200),
                ("add", {"a": 22, "b": 3}, 400),
                ("echo", {"text": "x"}, 400),
            ):
                params = {"name": name, "arguments": arguments}
                body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
                headers = {"mcp-protocol-version": "2025-11-25"}
                if status == 400:
                    got = await post(live, key, body, **headers)
                    assert got.status_code == 400, got.text
            rest = {"server_id": "fix", "name": "add", "arguments": {"a": 2, "b": 3}}
            got = await live.http.post(
                "/mcp-rest/tools/call", json=rest, headers={"authorization": f"Bearer {key}"}
            )
            assert got.status_code == 200, got.text
        assert server.calls == [("add", {"a": 2, "b": 3})] * 2
