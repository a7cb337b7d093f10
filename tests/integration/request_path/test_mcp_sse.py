"""MCP servers with the transport before streamable HTTP, with the official SDK on both sides."""

import asyncio
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
SECRET = "of-the-server-itself"


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture(is_older=True) as running:
        yield running


def declare(live: LiveGateway, server: McpFixture, **settings: Any) -> None:
    server.calls.clear()
    server.headers.clear()
    fix = {"url": server.url, "auth_type": "bearer_token", "auth_value": SECRET, **settings}
    live.configure(deployment("m", live.upstream), mcp_servers={"fix": fix})


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("path", "prefix"), [("/fix/mcp", ""), ("/mcp", "fix-")])
@pytest.mark.parametrize("transport", ["sse", None])
async def test_a_client_lists_and_calls(
    live: LiveGateway, key: str, server: McpFixture, transport: str | None, path: str, prefix: str, mode: str
) -> None:
    declare(live, server, transport=transport)
    async with connect(live, key, path, mode) as client:
        assert f"{prefix}add" in await names_of(client)
        assert text_of(await client.call_tool(f"{prefix}add", {"a": 2, "b": 3})) == "5"
    assert server.calls == [("add", {"a": 2, "b": 3})]
    assert {one["authorization"] for one in server.headers} == {f"Bearer {SECRET}"}
    assert key not in str(server.headers)


@pytest.mark.parametrize("mode", MODES)
async def test_progress_comes_through_and_questions_do_not(
    live: LiveGateway, key: str, server: McpFixture, mode: str
) -> None:
    heard: list[float] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        del total, message
        heard.append(progress)

    declare(live, server, transport="sse")
    async with connect(live, key, "/fix/mcp", mode) as client:
        assert text_of(await client.call_tool("count", {}, progress_callback=hear)) == "done"
        assert heard == [1, 2]
        with pytest.raises(MCPError, match="no client"):
            await client.call_tool("ask", {})


async def test_a_call_ends_with_its_client(live: LiveGateway, key: str, server: McpFixture) -> None:
    declare(live, server, transport="sse")
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "wait", "arguments": {}}}
    task = asyncio.create_task(post(live, key, call))
    async with asyncio.timeout(20):
        while not server.calls:  # noqa: ASYNC110  the server's own loop
            await asyncio.sleep(0.02)
        server.headers.clear()
        task.cancel()
        await server.cancelled.wait()
        while not server.headers:  # noqa: ASYNC110  the notification, beside the end of the stream
            await asyncio.sleep(0.02)
    assert [one["content-type"] for one in server.headers] == ["application/json"]


@pytest.mark.parametrize("transport", ["sse", None])
async def test_a_server_that_has_neither_transport(
    live: LiveGateway, key: str, server: McpFixture, transport: str | None
) -> None:
    declare(live, server, transport=transport, url=server.url.replace("sse", "nothing"))
    answer = await post(live, key, {"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    assert answer.status_code == (502 if transport else 404)
