"""Toolsets: tools of several MCP servers under one name, which keys are given and paths lead to."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.manage.conftest import Desk
from tests.integration.manage.counting import statements
from tests.integration.manage.mcp_serving import (
    SERVERS,
    body_of,
    call,
    emptied,
    list_tools,
    make,
    send,
    unique,
    until_served,
)
from tests.integration.request_path.mcp import OlderClient, open_older
from tests.integration.serving import MASTER_KEY, LiveGateway, bearer, deployment
from tests.mcp_servers import McpFixture

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOOLSETS, PLAIN = "/v1/mcp/toolset", "/v1/mcp/tools"


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture() as running:
        yield running


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def configured(live: LiveGateway, server: McpFixture) -> AsyncIterator[None]:
    live.configure(deployment("m", live.upstream), mcp_servers={"conf": {"url": server.url}})
    async with emptied(live):
        yield


async def make_toolset(desk: Desk, *tools: tuple[str, str]) -> Any:
    listed = [{"server_id": server, "tool_name": tool} for server, tool in tools]
    made = await desk.post(TOOLSETS, {"toolset_name": unique(), "tools": listed}, status=201)
    await until_served(desk, made["toolset_id"])
    return made


async def test_a_key_has_the_tools_of_its_toolset_and_no_others(desk: Desk, server: McpFixture) -> None:
    one = await make(desk, body_of(server, unique()))
    toolset = await make_toolset(desk, (one["server_id"], "add"), ("conf", "echo"))
    key = await desk.live.make_key(object_permission={"mcp_toolsets": [toolset["toolset_id"]]})
    path = f"/toolset/{toolset['toolset_name']}/mcp"
    expected = sorted([f"{one['server_name']}-add", "conf-echo"])
    for place in (path, "/mcp"):
        assert sorted(await list_tools(desk, place, key)) == expected
    assert (await call(desk, key, one["server_id"])).status_code == 200
    assert (await call(desk, key, "conf")).status_code == 403
    called = await send(desk, path, key, "tools/call", name="conf-echo", arguments={"text": "x"})
    assert called.json()["result"]["content"][0]["text"] == "you said x"

    async with open_older(desk.live, f"{path}/sse", bearer(key)) as stream:
        assert isinstance(stream, OlderClient)
        assert await stream.begin(desk.live) is None
        listed = (await stream.ask(desk.live, "tools/list", {}))["result"]["tools"]
        assert sorted(tool["name"] for tool in listed) == expected
        denied = {"name": "conf-add", "arguments": {"a": 1, "b": 2}}
        assert "conf-add" in (await stream.ask(desk.live, "tools/call", denied))["error"]["message"]

    query = {"toolset_name": toolset["toolset_name"]}
    plain = await desk.live.http.get(PLAIN, params=query, headers=bearer(key))
    assert sorted(tool["name"] for tool in plain.json()["tools"]) == ["add", "echo"]
    unknown = await desk.live.http.get(PLAIN, params={"toolset_name": "nobody"}, headers=bearer(key))
    assert unknown.json()["error"] == "server_not_found"

    refused = await send(desk, path, key, "tools/call", name="conf-add", arguments={"a": 1, "b": 2})
    assert refused.json()["error"]["type"] == "mcp_tool_access_denied"
    assert sorted(await list_tools(desk, path, MASTER_KEY)) == expected
    free = await desk.live.make_key()
    for other in (free, await desk.live.make_key(object_permission={"mcp_servers": ["conf"]})):
        assert (await desk.live.http.get(f"{path}/sse", headers=bearer(other))).status_code == 403
        refused = await send(desk, path, other, "tools/list")
        assert (refused.status_code, refused.json()["error"]["type"]) == (403, "mcp_toolset_access_denied")
        plain = await desk.live.http.get(PLAIN, params=query, headers=bearer(other))
        assert (plain.json()["error"], plain.json()["tools"]) == ("access_denied", [])

    changed = {"toolset_id": toolset["toolset_id"], "tools": []}
    assert (await desk.ask("PUT", TOOLSETS, json=changed)).json()["tools"] == []
    assert (await desk.ask("DELETE", f"{TOOLSETS}/{toolset['toolset_id']}")).status_code == 202
    await until_served(desk, toolset["toolset_id"], is_there=False)
    assert (await send(desk, path, free, "tools/list")).status_code == 404
    assert await list_tools(desk, "/mcp", key) == []


async def test_callers_see_the_toolsets_that_they_have(desk: Desk) -> None:
    mine, other = await make_toolset(desk, ("conf", "*")), await make_toolset(desk)
    key = await desk.live.make_key(object_permission={"mcp_toolsets": [mine["toolset_name"]]})
    assert [one["toolset_id"] for one in await desk.get(TOOLSETS, key)] == [mine["toolset_id"]]
    assert (await desk.get(f"{TOOLSETS}/{mine['toolset_id']}", key))["tools"] == mine["tools"]
    assert (await desk.ask("GET", f"{TOOLSETS}/{other['toolset_id']}", key)).status_code == 404
    assert len(await desk.get(TOOLSETS)) == 2
    assert "conf-wait" in await list_tools(desk, f"/toolset/{mine['toolset_name']}/mcp", key)
    for method, path, sent in (
        ("POST", TOOLSETS, {"toolset_name": unique()}),
        ("PUT", TOOLSETS, {"toolset_id": mine["toolset_id"]}),
        ("DELETE", f"{TOOLSETS}/{mine['toolset_id']}", None),
    ):
        assert (await desk.ask(method, path, key, json=sent)).status_code == 401


async def test_what_cannot_be_a_toolset_is_refused(desk: Desk) -> None:
    made = await make_toolset(desk)
    tool = {"server_id": "nobody", "tool_name": "x"}
    for body, status, param in (
        ({"toolset_name": made["toolset_name"]}, 409, "toolset_name"),
        ({"toolset_name": made["toolset_id"]}, 409, "toolset_name"),
        ({"toolset_name": "a/b"}, 400, "toolset_name"),
        (
            {"toolset_name": unique(), "tools": [{"server_id": "conf", "tool_name": "x"}, tool]},
            400,
            "tools[1]",
        ),
    ):
        answer = await desk.ask("POST", TOOLSETS, json=body)
        assert answer.status_code == status, answer.text
        assert answer.json()["error"]["param"].startswith(param)
    for method, path, sent in (
        ("PUT", TOOLSETS, {"toolset_id": "none", "description": "d"}),
        ("GET", f"{TOOLSETS}/none", None),
        ("DELETE", f"{TOOLSETS}/none", None),
    ):
        assert (await desk.ask(method, path, json=sent)).status_code == 404


async def test_the_statements_are_counted(desk: Desk, server: McpFixture) -> None:
    one = await make(desk, body_of(server, unique()))
    tools = [{"server_id": one["server_id"], "tool_name": "add"}]
    made = await make_toolset(desk)
    path, change = f"{TOOLSETS}/{made['toolset_id']}", {"toolset_id": made["toolset_id"], "tools": tools}
    body = {"toolset_name": unique(), "tools": tools}
    found = {
        "POST": await statements(desk, "POST", TOOLSETS, json=body),
        "LIST": await statements(desk, "GET", TOOLSETS),
        "GET": await statements(desk, "GET", path),
        "PUT": await statements(desk, "PUT", TOOLSETS, json=change),
        "DELETE": await statements(desk, "DELETE", path),
    }
    assert found == {"POST": 6, "LIST": 1, "GET": 1, "PUT": 5, "DELETE": 4}
    assert (await desk.ask("DELETE", f"{SERVERS}/{one['server_id']}")).status_code == 202
