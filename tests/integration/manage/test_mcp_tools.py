"""The registry of tools and calls of MCP servers: what it is told of them, and what it says of them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from mcp import MCPError

from tests.integration.manage.conftest import Desk
from tests.integration.request_path.mcp import connect, names_of
from tests.integration.serving import MASTER_KEY, LiveGateway, deployment, eventually
from tests.mcp_servers import McpFixture

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATHS = {"/noted/mcp": "add", "/mcp": "noted-add", "/mcp/proxy": "noted-add", "/mcp-rest": "add"}
ARGUMENTS = {"a": 2, "b": 3}


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def configured(live: LiveGateway, desk: Desk, server: McpFixture) -> AsyncIterator[None]:
    server.calls.clear()
    live.configure(deployment("m", live.upstream), mcp_servers={"noted": {"url": server.url}})
    yield
    await desk.run(
        """UPDATE "LiteLLM_ToolTable" SET input_policy = 'untrusted', output_policy = 'untrusted'"""
    )
    live.gateway.parts.added.note_change()
    await eventually(lambda: not live.gateway.parts.added.current.tools)


async def call(live: LiveGateway, key: str, path: str) -> bool:
    """Call a tool by one of the ways to it; say whether it was called."""
    name = PATHS[path]
    if path == "/mcp-rest":
        body = {"server_id": "noted", "name": name, "arguments": ARGUMENTS}
        headers = {"authorization": f"Bearer {key}"}
        answer = await live.http.post("/mcp-rest/tools/call", json=body, headers=headers)
        assert answer.status_code in {200, 403}
        return answer.status_code == 200
    async with connect(live, key, path) as client:
        wrapped = {"name": name, "arguments": ARGUMENTS}
        named = ("call_tool", wrapped) if path == "/mcp/proxy" else (name, ARGUMENTS)
        try:
            await client.call_tool(*named)
        except MCPError:
            return False
    return True


async def set_policy(desk: Desk, live: LiveGateway, name: str, **said: str) -> None:
    former = live.gateway.snapshot
    assert (await desk.post("/v1/tool/policy", {"tool_name": name, **said}))["updated"]
    await eventually(lambda: live.gateway.snapshot is not former)


async def test_calls_are_noted_under_one_name_whatever_their_way(
    desk: Desk, live: LiveGateway, key: str
) -> None:
    for path in PATHS:
        assert await call(live, key, path)
    rows = [row for row in await live.rows(key) if row.members["mcp_namespaced_tool_name"]]
    assert [row.members["mcp_namespaced_tool_name"] for row in rows] == ["noted/add"] * len(PATHS)
    tool = (await desk.get("/v1/tool/noted/add/detail"))["tool"]
    assert (tool["call_count"], tool["origin"]) == (len(PATHS), "noted")
    logs = await desk.get("/v1/tool/noted/add/logs")
    assert {row.members["request_id"] for row in rows} <= {log["id"] for log in logs["logs"]}


@pytest.mark.parametrize(("name", "policy"), [("noted/add", "blocked"), ("add", "trusted")])
async def test_a_withheld_tool_is_neither_listed_nor_called(
    desk: Desk, live: LiveGateway, key: str, server: McpFixture, name: str, policy: str
) -> None:
    await set_policy(desk, live, name, input_policy=policy)
    assert [await call(live, key, path) for path in PATHS] == [False] * len(PATHS)
    assert not await call(live, MASTER_KEY, "/mcp-rest")
    async with connect(live, key, "/noted/mcp") as client:
        assert await names_of(client) == ["echo", "wait", "ask"]
    assert server.calls == []


async def test_a_tool_is_withheld_from_a_team_and_from_a_key(
    desk: Desk, live: LiveGateway, key: str, unique: Any, server: McpFixture
) -> None:
    team = (await desk.post("/team/new", {}))["team_id"]
    alias = unique("alias")
    of_team, own = await live.make_key(team_id=team), await live.make_key(key_alias=alias)
    for owner in ({"team_id": team}, {"key_alias": alias}):
        said = {"tool_name": "noted/add", "input_policy": "blocked", **owner}
        assert (await desk.post("/v1/tool/policy", said))["updated"]
    for path in PATHS:
        assert [await call(live, one, path) for one in (of_team, own, key)] == [False, False, True]
    assert len(server.calls) == len(PATHS)
