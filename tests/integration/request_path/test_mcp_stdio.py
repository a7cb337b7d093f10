"""MCP servers that are programs, with the official SDK on both sides and in both generations."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import MCPError

from gateway.errors import GatewayError
from tests.integration.request_path.mcp import connect, names_of, post, text_of
from tests.integration.serving import LiveGateway, deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")

MODES = ["legacy", "auto"]
PROGRAM = str(Path(__file__).parents[2] / "mcp_stdio_server.py")
SERVER = {
    "transport": "stdio",
    "command": sys.executable,
    "args": [PROGRAM],
    "env": {"OF_THE_SERVER": "its own"},
}
ALLOWED = {"plugins": {"settings": {"mcp": {"stdio_commands": [sys.executable]}}}}


@pytest.fixture
def program(live: LiveGateway) -> LiveGateway:
    live.configure(deployment("m", live.upstream), mcp_servers={"run": SERVER}, gatewright=ALLOWED)
    return live


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("path", "prefix"), [("/run/mcp", ""), ("/mcp", "run-")])
async def test_a_client_lists_and_calls(
    program: LiveGateway, key: str, path: str, prefix: str, mode: str
) -> None:
    async with connect(program, key, path, mode) as client:
        assert f"{prefix}add" in await names_of(client)
        assert text_of(await client.call_tool(f"{prefix}add", {"a": 2, "b": 3})) == "5"
    assert "run/add" in [row.members["mcp_namespaced_tool_name"] for row in await program.rows(key)]


async def test_it_has_its_own_environment(program: LiveGateway, key: str, monkeypatch: Any) -> None:
    monkeypatch.setenv("OF_THE_GATEWAY", "secret")
    async with connect(program, key, "/run/mcp", "legacy") as client:
        said = text_of(await client.call_tool("environment", {}))
    assert "its own" in said
    assert "OF_THE_GATEWAY" not in said
    assert "DATABASE_URL" not in said


@pytest.mark.parametrize("mode", MODES)
async def test_progress_comes_through(program: LiveGateway, key: str, mode: str) -> None:
    heard: list[float] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        del total, message
        heard.append(progress)

    async with connect(program, key, "/run/mcp", mode) as client:
        result = await client.call_tool("count", {}, progress_callback=hear)
    assert (text_of(result), heard) == ("done", [1, 2])


async def test_one_process_serves_all_and_is_run_again_when_it_dies(program: LiveGateway, key: str) -> None:
    async with connect(program, key, "/run/mcp", "legacy") as one, connect(program, key, "/run/mcp") as two:
        number = text_of(await one.call_tool("process", {}))
        assert text_of(await two.call_tool("process", {})) == number
        with pytest.raises(MCPError):
            await one.call_tool("die", {})
        assert text_of(await one.call_tool("process", {})) != number


async def test_a_call_is_given_up_with_its_client(program: LiveGateway, key: str, tmp_path: Path) -> None:
    noted = tmp_path / "noted"
    params = {"name": "wait", "arguments": {"path": str(noted)}}
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    task = asyncio.create_task(post(program, key, call, "/run/mcp"))
    async with asyncio.timeout(20):
        while not noted.exists():  # noqa: ASYNC110  another process
            await asyncio.sleep(0.02)
        task.cancel()
        while noted.read_text() != "cancelled":  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_what_cannot_be_run_is_an_error(live: LiveGateway, key: str) -> None:
    server = {"transport": "stdio", "command": "/nowhere/at-all"}
    allowed = {"plugins": {"settings": {"mcp": {"stdio_commands": ["/nowhere/at-all"]}}}}
    live.configure(deployment("m", live.upstream), mcp_servers={"run": server}, gatewright=allowed)
    answer = await post(live, key, {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, "/run/mcp")
    assert answer.json()["error"]["type"] == "api_connection_error"
    assert "cannot be run" in answer.json()["error"]["message"]


async def test_commands_are_off_unless_listed(live: LiveGateway) -> None:
    with pytest.raises(GatewayError, match="stdio_commands"):
        live.configure(deployment("m", live.upstream), mcp_servers={"run": SERVER})
