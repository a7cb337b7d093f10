"""Several MCP servers under one path, with the official SDK on both sides and in both generations."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.request_path.mcp import connect, names_of, post, speak, text_of
from tests.integration.serving import MASTER_KEY, LiveGateway, bearer, deployment
from tests.mcp_servers import McpFixture

pytestmark = pytest.mark.asyncio(loop_scope="session")

MODES = ["legacy", "auto"]
LIST = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
Servers = dict[str, McpFixture]


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def servers() -> AsyncIterator[Servers]:
    async with McpFixture() as one, McpFixture(is_json=True) as two:
        yield {"one": one, "two": two}


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def clean(servers: Servers) -> None:
    for server in servers.values():
        server.calls.clear()
        server.headers.clear()


def declare(live: LiveGateway, servers: Servers, **settings: dict[str, Any]) -> None:
    declared = {
        name: {
            "url": server.url,
            "auth_type": "bearer_token",
            "auth_value": f"secret-{name}",
            "access_groups": [f"group-{name}"],
            **settings.get(name, {}),
        }
        for name, server in servers.items()
    }
    extra = settings.get("more", {})
    live.configure(deployment("m", live.upstream), mcp_servers={**declared, **extra})


async def test_clients_learn_of_no_servers_own_session(live: LiveGateway, key: str, servers: Servers) -> None:
    declare(live, servers)
    for name in servers:
        *_, called = await speak(live, "/mcp", "2025-11-25", bearer(key), tool=f"{name}-add")
        assert called.status_code == 200, called.text
        assert "mcp-session-id" not in called.headers, "clients take it for theirs"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("path", ["/mcp", "/mcp/one,two"])
async def test_a_client_lists_and_calls(
    live: LiveGateway, key: str, servers: Servers, path: str, mode: str
) -> None:
    declare(live, servers)
    async with connect(live, key, path, mode) as client:
        expected = [f"{name}-{tool}" for name in servers for tool in ("add", "echo", "wait", "ask")]
        assert await names_of(client) == expected
        assert text_of(await client.call_tool("one-add", {"a": 2, "b": 3})) == "5"
        assert text_of(await client.call_tool("two-echo", {"text": "x"})) == "you said x"
        assert [str(one.uri) for one in (await client.list_resources()).resources] == [
            "one+note://today",
            "two+note://today",
        ]
        read = await client.read_resource("two+note://today")
        assert (read.contents[0].text, str(read.contents[0].uri)) == ("sunny", "two+note://today")
        prompts = (await client.list_prompts()).prompts
        assert [one.name for one in prompts] == ["one-greet", "two-greet"]
        told = await client.get_prompt("one-greet", {"name": "Ada"})
        assert told.messages[0].content.text == "Hello Ada"
    assert servers["one"].calls == [("add", {"a": 2, "b": 3})]
    assert servers["two"].calls == [("echo", {"text": "x"})]
    for name, server in servers.items():
        assert {one["authorization"] for one in server.headers} == {f"Bearer secret-{name}"}
    rows = [row for row in await live.rows(key) if row.members["mcp_namespaced_tool_name"]]
    assert [row.members["mcp_namespaced_tool_name"] for row in rows] == ["one/add", "two/echo"]


@pytest.mark.parametrize("mode", MODES)
async def test_everybody_sees_what_is_theirs(live: LiveGateway, servers: Servers, mode: str) -> None:
    declare(live, servers)
    permission = {"mcp_tool_permissions": {"two": ["add"]}}
    key = await live.make_key(object_permission=permission)
    async with connect(live, key, "/mcp", mode) as client:
        assert await names_of(client) == ["two-add"]
        for tool in ("two-echo", "one-add", "echo", "nobody-has-it"):
            with pytest.raises(Exception, match=r".*"):
                await client.call_tool(tool, {})
        assert text_of(await client.call_tool("two-add", {"a": 1, "b": 1})) == "2"
        assert text_of(await client.call_tool("add", {"a": 1, "b": 2})) == "3", "one server of its own has it"
    assert servers["one"].calls == []
    async with connect(live, MASTER_KEY, "/group-one/mcp", mode) as client:
        assert await names_of(client) == [f"one-{tool}" for tool in ("add", "echo", "wait", "ask")]


@pytest.mark.parametrize("mode", MODES)
async def test_a_server_that_is_away_is_named(
    live: LiveGateway, key: str, servers: Servers, mode: str
) -> None:
    declare(live, servers, more={"gone": {"url": "http://127.0.0.1:9/mcp"}})
    async with connect(live, key, "/mcp", mode) as client:
        listed = await client.list_tools()
    assert len(listed.tools) == 8
    if mode == "auto":
        assert [one["server"] for one in listed.meta["gatewright/missing"]] == ["gone"]


async def test_a_tool_asks_its_caller(live: LiveGateway, key: str, servers: Servers) -> None:
    declare(live, servers)
    asked: list[str] = []

    async def answer(_: Any, params: Any) -> Any:
        asked.append(params.message)
        return {"action": "accept", "content": {"answer": "blue"}}

    async with connect(live, key, "/mcp", "legacy", elicitation_callback=answer) as client:
        assert text_of(await client.call_tool("one-ask", {})) == "blue"
    assert asked == ["Which colour?"]


async def test_who_has_no_session_is_answered_too(live: LiveGateway, key: str, servers: Servers) -> None:
    declare(live, servers)
    body = {"jsonrpc": "2.0", "id": 7, "method": "tools/call"}
    called = await post(
        live, key, {**body, "params": {"name": "one-add", "arguments": {"a": 1, "b": 1}}}, "/mcp"
    )
    assert called.json()["result"]["content"][0]["text"] == "2"
    listed = await post(live, key, LIST, "/mcp")
    assert len(listed.json()["result"]["tools"]) == 8
    unknown = await post(live, key, {"jsonrpc": "2.0", "id": 8, "method": "tasks/list"}, "/mcp")
    assert unknown.json()["error"]["code"] == -32601
    assert (await post(live, key, {"jsonrpc": "2.0", "id": 9, "method": "ping"}, "/mcp")).json()[
        "result"
    ] == {}


async def test_a_session_is_its_keys_own(live: LiveGateway, key: str, servers: Servers) -> None:
    declare(live, servers)
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    begun = await post(
        live, key, {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}, "/mcp"
    )
    session = {"mcp-session-id": begun.headers["mcp-session-id"]}
    assert (await post(live, key, LIST, "/mcp", **session)).status_code == 200
    other = await live.make_key()
    assert (await post(live, other, LIST, "/mcp", **session)).status_code == 404
    assert (await post(live, key, LIST, "/mcp/one,two", **session)).status_code == 404, "it began elsewhere"
    ended = await live.http.delete("/mcp", headers={"authorization": f"Bearer {key}", **session})
    assert ended.status_code < 300
    call = {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "one-add", "arguments": {}}}
    assert (await post(live, key, call, "/mcp", **session)).status_code == 404, "the server has forgotten it"


async def test_lists_are_asked_for_once(live: LiveGateway, key: str, servers: Servers) -> None:
    declare(live, servers)
    await post(live, key, LIST, "/mcp")
    count = len(servers["one"].headers)
    other = await live.make_key()
    for one in (key, other):
        assert len((await post(live, one, LIST, "/mcp")).json()["result"]["tools"]) == 8
    assert len(servers["one"].headers) == count


async def test_paths_that_lead_nowhere(live: LiveGateway, key: str, servers: Servers) -> None:
    declare(live, servers)
    for path in ("/mcp/nobody", "/nobody/mcp", "/mcp/a,b", f"/mcp/{','.join('abcdefghijklmnopqrst')}"):
        assert (await post(live, key, LIST, path)).status_code == 404, path
