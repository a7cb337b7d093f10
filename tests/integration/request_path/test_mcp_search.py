"""Finding tools among many, with the official SDK on both sides and in both generations."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from mcp import MCPError

from tests.integration.request_path.mcp import connect, names_of, post, text_of
from tests.integration.serving import LiveGateway, deployment
from tests.mcp_servers import McpFixture

pytestmark = pytest.mark.asyncio(loop_scope="session")

MODES = ["legacy", "auto"]
LIST = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture() as running:
        yield running


@pytest.fixture(autouse=True)
def declared(live: LiveGateway, server: McpFixture) -> None:
    server.calls.clear()
    keywords = {
        "guardrail_name": "words",
        "litellm_params": {
            "guardrail": "keywords",
            "mode": "pre_mcp_call",
            "default_on": True,
            "blocked_words": [{"keyword": "forbidden", "action": "BLOCK"}],
        },
    }
    servers = {"one": {"url": server.url, "disallowed_tools": ["wait"]}, "two": {"url": server.url}}
    live.configure(deployment("m", live.upstream), mcp_servers=servers, guardrails=[keywords])


@pytest.mark.parametrize("mode", MODES)
async def test_tools_are_found_described_and_called(
    live: LiveGateway, key: str, server: McpFixture, mode: str
) -> None:
    async with connect(live, key, "/mcp/proxy", mode) as client:
        assert await names_of(client) == ["search_tools", "describe_tool", "call_tool"]
        found = await client.call_tool("search_tools", {"query": "adding numbers", "limit": 1})
        assert found.structured_content["tools"] == [{"name": "one-add", "description": "Add two numbers."}]
        described = await client.call_tool("describe_tool", {"name": "one-add"})
        assert described.structured_content["inputSchema"]["required"] == ["a", "b"]
        called = await client.call_tool("call_tool", {"name": "one-add", "arguments": {"a": 2, "b": 3}})
        assert text_of(called) == "5"
    assert server.calls == [("add", {"a": 2, "b": 3})]
    named = [row.members["mcp_namespaced_tool_name"] for row in await live.rows(key)]
    assert [name for name in named if name] == ["one/add"]


async def test_only_what_the_key_may_call_is_found(live: LiveGateway, server: McpFixture) -> None:
    key = await live.make_key(object_permission={"mcp_tool_permissions": {"one": ["echo", "wait"]}})
    async with connect(live, key, "/mcp/proxy") as client:
        found = await client.call_tool("search_tools", {"query": "add say wait", "limit": 50})
        assert [tool["name"] for tool in found.structured_content["tools"]] == ["one-echo"]
        with pytest.raises(MCPError):
            await client.call_tool("describe_tool", {"name": "one-add"})
        for name in ("one-add", "one-wait", "two-add"):
            with pytest.raises(MCPError):
                await client.call_tool("call_tool", {"name": name, "arguments": {}})
    assert server.calls == []


async def test_guardrails_see_what_is_called(live: LiveGateway, key: str, server: McpFixture) -> None:
    async with connect(live, key, "/mcp/proxy") as client:
        arguments = {"name": "two-echo", "arguments": {"text": "forbidden"}}
        with pytest.raises(MCPError):
            await client.call_tool("call_tool", arguments)
    assert server.calls == []


@pytest.mark.parametrize(
    "arguments", [{}, {"name": 7}, {"name": "one-add", "arguments": [1]}, {"name": "", "arguments": {}}]
)
async def test_calls_of_nothing_are_refused(live: LiveGateway, key: str, arguments: Any) -> None:
    params = {"name": "call_tool", "arguments": arguments}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    answer = await post(live, key, body, "/mcp/proxy")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "params.arguments")


async def test_a_list_is_narrowed_to_what_a_conversation_is_about(live: LiveGateway, key: str) -> None:
    async def ask(**headers: str) -> Any:
        return await post(live, key, LIST, "/mcp", **headers)

    for headers, names in (
        ({"x-mcp-tool-query": "add%20numbers"}, ["one-add", "two-add"]),
        ({"x-mcp-tool-query": "add numbers", "x-mcp-tool-limit": "1"}, ["one-add"]),
        ({"x-mcp-tool-query": "z%C3%BCrich"}, []),
    ):
        answer = await ask(**headers)
        assert [tool["name"] for tool in answer.json()["result"]["tools"]] == names
    for limit in ("0", "1001", "many", "-1"):
        answer = await ask(**{"x-mcp-tool-query": "add", "x-mcp-tool-limit": limit})
        assert answer.status_code == 400
