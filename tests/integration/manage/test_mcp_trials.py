"""MCP servers that are tried out before anybody stores them."""

import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.manage.conftest import Desk
from tests.integration.manage.counting import statements
from tests.integration.manage.mcp_serving import SERVERS, TOKEN, body_of, emptied, make, unique
from tests.integration.serving import MASTER_KEY, LiveGateway, deployment
from tests.mcp_servers import McpFixture

pytestmark = pytest.mark.asyncio(loop_scope="session")

PROGRAM = """
import json, os, pathlib, sys
pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))
about = {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": "x", "version": "1"}}
for line in sys.stdin:
    said = json.loads(line)
    if "id" in said:
        result = about if said["method"] == "initialize" else {"tools": []}
        print(json.dumps({"jsonrpc": "2.0", "id": said["id"], "result": result}), flush=True)
"""
"""A server in few lines, which notes the number of its process."""
CONNECTION, TOOLS = "/mcp-rest/test/connection", "/mcp-rest/test/tools/list"


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture() as running:
        yield running


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def configured(live: LiveGateway) -> AsyncIterator[None]:
    live.configure(deployment("m", live.upstream), mcp_servers={"conf": {"url": "http://127.0.0.1:9/mcp"}})
    async with emptied(live):
        yield


async def test_a_server_is_asked_before_it_is_stored(desk: Desk, server: McpFixture) -> None:
    body, before = body_of(server, unique()), await desk.get(SERVERS)
    server.headers.clear()
    assert await desk.post(CONNECTION, body) == {"status": "ok"}
    assert server.headers[-1]["authorization"] == f"Bearer {TOKEN}"
    listed = await desk.post(TOOLS, body)
    assert [tool["name"] for tool in listed["tools"]] == ["add", "echo", "wait", "ask"]
    assert listed["error"] is None
    assert await desk.get(SERVERS) == before
    away = {**body, "url": "http://127.0.0.1:9/mcp"}
    told = await desk.post(CONNECTION, away)
    assert (told["status"], told["error"], "127.0.0.1" in told["message"]) == ("error", True, False)
    assert ((await desk.post(TOOLS, away))["error"], TOKEN in str(told)) == ("server_error", False)


async def test_masked_secrets_of_a_stored_server_are_its_own(desk: Desk, server: McpFixture) -> None:
    made = await make(desk, body_of(server, unique()))
    server.headers.clear()
    masked = {name: made[name] for name in ("server_id", "server_name", "url", "auth_type", "credentials")}
    assert await desk.post(CONNECTION, masked) == {"status": "ok"}
    assert server.headers[-1]["authorization"] == f"Bearer {TOKEN}"
    assert await statements(desk, "POST", CONNECTION, json=masked) == 1


async def test_a_program_that_is_tried_out_ends_with_the_trial(
    desk: Desk, server: McpFixture, tmp_path: Path
) -> None:
    allowed = {"plugins": {"settings": {"mcp": {"stdio_commands": [sys.executable]}}}}
    desk.live.configure(deployment("m", desk.live.upstream), mcp_servers={}, gatewright=allowed)
    noted = tmp_path / "process"
    args = ["-c", PROGRAM, str(noted)]
    body = {"server_name": unique(), "transport": "stdio", "command": sys.executable, "args": args}
    assert (await desk.post(TOOLS, body))["error"] is None
    with pytest.raises(ProcessLookupError):
        os.kill(int(noted.read_text()), 0)


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"transport": "stdio", "url": None, "command": "sh", "auth_type": "none"}, "stdio_commands"),
        ({"spec_path": "/etc/passwd"}, "only the configuration may name files"),
        ({"url": "ftp://x"}, "url"),
        ({"credentials": {"command": "sh"}}, "credentials.command"),
    ],
    ids=["program", "file", "address", "credentials"],
)
async def test_what_cannot_be_served_is_not_tried(
    desk: Desk, server: McpFixture, members: dict[str, Any], said: str
) -> None:
    answer = await desk.ask("POST", TOOLS, json={**body_of(server, unique()), **members})
    assert (answer.status_code, said in answer.text) == (400, True), answer.text


async def test_trials_are_an_administrators(desk: Desk, server: McpFixture) -> None:
    server.headers.clear()
    for path in (CONNECTION, TOOLS):
        _, key = await desk.make_user()
        assert (await desk.ask("POST", path, key, json=body_of(server, unique()))).status_code == 401
    assert server.headers == []


async def test_anybody_may_know_whether_servers_are_served(desk: Desk) -> None:
    assert (await desk.live.http.get("/mcp/enabled")).json() == {"enabled": True}
    desk.live.configure(deployment("m", desk.live.upstream), gatewright={"plugins": {"deny": ["mcp"]}})
    assert await desk.get("/mcp/enabled", MASTER_KEY) == {"enabled": False}
