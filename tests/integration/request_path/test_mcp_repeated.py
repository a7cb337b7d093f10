"""Servers that want arguments in headers: whoever makes the call, and whatever became of it."""

import json
from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import pytest
import pytest_asyncio
from pydantic import Field

from gateway.settings.guardrails import GuardrailMode
from tests.integration.request_path.guarded import WORD, Probe, install_for_mcp
from tests.integration.request_path.mcp import connect, names_of, text_of
from tests.integration.serving import LiveGateway, bearer, deployment
from tests.mcp_servers import McpFixture
from tests.wild_mcp_server import WildServer

pytestmark = pytest.mark.asyncio(loop_scope="session")

HEADER = "mcp-param-place"
SAID = f"zürich {WORD}"
REFUSAL = (
    b'{"jsonrpc":"2.0","id":null,"error":{"code":-32022,"message":"m","data":{"supported":["2026-07-28"]}}}'
)


async def put(
    place: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Place"})], much: int = 0
) -> str:
    return f"put at {place} {much}"


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture(is_json=True) as running:
        running.server.add_tool(put)
        yield running


@pytest.fixture(autouse=True)
def declared(live: LiveGateway, server: McpFixture) -> None:
    server.headers.clear()
    servers = {"fix": {"url": server.url, "transport": "http"}}
    live.configure(deployment("m", live.upstream), mcp_servers=servers)


async def call_by_rest(live: LiveGateway, key: str) -> str:
    body = {"server_id": "fix", "name": "put", "arguments": {"place": SAID}}
    answer = await live.post("/mcp-rest/tools/call", key, body)
    assert answer.status_code == 200, answer.text
    return answer.json()["content"][0]["text"]


async def call(live: LiveGateway, key: str, path: str, mode: str) -> str:
    """Call by MCP; the SDK's client repeats arguments of tools that it has listed."""
    arguments = {"place": SAID}
    async with connect(live, key, path, mode) as client:
        tools = await names_of(client)
        if "call_tool" in tools:
            found = await client.call_tool("call_tool", {"name": "fix-put", "arguments": arguments})
        else:
            found = await client.call_tool("put" if "put" in tools else "fix-put", arguments)
    return text_of(found)


DOORS = {
    "rest": call_by_rest,
    "single": lambda live, key: call(live, key, "/fix/mcp", "2026-07-28"),
    "roof": lambda live, key: call(live, key, "/mcp", "2026-07-28"),
    "search": lambda live, key: call(live, key, "/mcp/proxy", "2026-07-28"),
}


@pytest.mark.parametrize("door", DOORS)
async def test_headers_repeat_what_the_server_is_told(
    live: LiveGateway, key: str, server: McpFixture, door: str
) -> None:
    assert await DOORS[door](live, key) == f"put at {SAID} 0"
    install_for_mcp(live, Probe("mask"), GuardrailMode.PRE_MCP_CALL, deadline_seconds=5, is_lenient=False)
    server.headers.clear()
    assert await DOORS[door](live, key) == "put at zürich [MASKED] 0"
    assert any(HEADER in headers for headers in server.headers)
    assert WORD not in str(server.headers)


async def test_tools_whose_marks_are_wrong_are_left_out(live: LiveGateway, key: str) -> None:
    tools = [
        {"name": kind, "inputSchema": {"properties": {"a": {"type": kind, "x-mcp-header": "A"}}}}
        for kind in ("string", "number", "object")
    ]
    async with WildServer() as wild:
        for revision, names in (("2026-07-28", ["string"]), ("2025-11-25", ["string", "number", "object"])):
            result = {"supportedVersions": [revision], "tools": tools}
            wild.tell(json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}))
            servers = {"wild": {"url": wild.url, "server_id": revision}}
            live.configure(deployment("m", live.upstream), mcp_servers=servers)
            listed = await live.http.get("/mcp-rest/tools/list", headers=bearer(key))
            assert [tool["name"] for tool in listed.json()["tools"]] == names, listed.text


async def test_a_first_request_that_is_refused_for_its_revision_is_sent_again(
    live: LiveGateway, key: str, server: McpFixture
) -> None:
    def refuse(path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes] | None:
        del path, headers
        server.refuse = lambda path, headers: None
        return httpx.codes.BAD_REQUEST, {"content-type": "application/json"}, REFUSAL

    server.refuse = refuse
    live.configure(deployment("m", live.upstream), mcp_servers={"late": {"url": server.url}})
    listed = await live.http.get("/mcp-rest/tools/list", headers=bearer(key))
    assert len(listed.json()["tools"]) == 5
    assert {one["mcp-protocol-version"] for one in server.headers} == {"2026-07-28"}
