"""Servers that want arguments in headers: whoever makes the call, and whatever became of it."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import pytest
import pytest_asyncio
from pydantic import Field

from gateway.settings.guardrails import GuardrailMode
from tests.integration.request_path.guarded import WORD, Probe, install_for_mcp
from tests.integration.request_path.mcp import connect, names_of, post, text_of
from tests.integration.serving import LiveGateway, bearer, deployment
from tests.mcp_servers import McpFixture
from tests.wild_mcp_server import WildServer

pytestmark = pytest.mark.asyncio(loop_scope="session")

HEADER = "mcp-param-place"
SAID = f"zürich {WORD}"
REFUSAL = (
    b'{"jsonrpc":"2.0","id":null,"error":{"code":-32022,"message":"m","data":{"supported":["2026-07-28"]}}}'
)


ZURICH = f"=?base64?{b64encode('zürich'.encode()).decode()}?="


def add_put(running: McpFixture) -> None:
    @running.server.tool()
    async def put(
        place: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Place"})] = "", much: int = 0
    ) -> str:
        running.calls.append(("put", {"place": place}))
        return f"put at {place} {much}"


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture(is_json=True) as running:
        add_put(running)
        yield running


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def older() -> AsyncIterator[McpFixture]:
    async with McpFixture(is_older=True) as running:
        add_put(running)
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


async def put_by_hand(
    live: LiveGateway, key: str, path: str, arguments: dict[str, Any], headers: dict[str, str]
) -> httpx.Response:
    name = "put" if path == "/fix/mcp" else "fix-put"
    stated = {"protocolVersion": "2026-07-28", "clientCapabilities": {}}
    meta = {f"io.modelcontextprotocol/{key}": value for key, value in stated.items()}
    params = {"name": name, "arguments": arguments, "_meta": meta}
    message = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}
    told = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": name}
    return await post(live, key, message, path, **told, **headers)


def serve(live: LiveGateway, url: str, **settings: Any) -> None:
    servers = {"fix": {"url": url, **settings}}
    live.configure(deployment("m", live.upstream), mcp_servers=servers)


@pytest.mark.parametrize(
    ("arguments", "headers", "calls"),
    [
        ({"place": "here"}, {HEADER: "here"}, ["put"]),
        ({"place": "zürich"}, {HEADER: ZURICH}, ["put"]),
        ({"place": "here"}, {HEADER: "here", "mcp-param-much": "9"}, ["put"]),
        ({}, {}, ["put"]),
        ({"place": "here"}, {HEADER: "there"}, []),
        ({"place": "zürich"}, {HEADER: "=?base64?eg?="}, []),
        ({"place": "here"}, {}, []),
        ({}, {HEADER: "here"}, []),
        ({"place": None}, {HEADER: "here"}, []),
    ],
    ids=["equal", "encoded", "unmarked", "neither", "other", "broken", "missing", "absent", "null"],
)
@pytest.mark.parametrize(
    ("path", "settings"),
    [
        ("/mcp", {"transport": "http", "protocol_version": "2025-11-25"}),
        ("/mcp", {"transport": "sse"}),
        ("/fix/mcp", {"transport": "sse"}),
        ("/fix/mcp", {}),
        ("/fix/mcp", {"transport": "http"}),
    ],
    ids=["translated", "older among others", "older", "undeclared", "modern"],
)
async def test_headers_are_compared_where_the_server_hears_nothing_of_them(
    live: LiveGateway,
    key: str,
    server: McpFixture,
    older: McpFixture,
    path: str,
    settings: dict[str, str],
    arguments: dict[str, Any],
    headers: dict[str, str],
    calls: list[str],
) -> None:
    one = server if settings.get("transport") == "http" else older
    serve(live, one.url, **settings)
    one.calls.clear()
    answer = await put_by_hand(live, key, path, arguments, headers)
    assert [name for name, _ in one.calls] == calls, answer.text
    assert answer.status_code == (200 if calls else 400), answer.text
    if not calls:
        assert answer.json()["error"]["code"] == -32020
        assert answer.json()["id"] == 7


async def test_who_says_something_else_in_a_header_is_told_which(
    live: LiveGateway, key: str, older: McpFixture
) -> None:
    serve(live, older.url, transport="sse")
    for headers, said in (({HEADER: "there"}, "says something else"), ({}, "is missing")):
        error = (await put_by_hand(live, key, "/mcp", {"place": "here"}, headers)).json()["error"]
        assert (error["type"], error["param"]) == ("invalid_request_error", HEADER)
        assert f"'{HEADER}' {said}" in error["message"]


@pytest.mark.parametrize("path", ["/fix/mcp", "/mcp"])
async def test_headers_are_compared_before_a_guardrail_changes_the_call(
    live: LiveGateway, key: str, server: McpFixture, path: str
) -> None:
    install_for_mcp(live, Probe("mask"), GuardrailMode.PRE_MCP_CALL, deadline_seconds=5, is_lenient=False)
    server.calls.clear()
    said = f"here {WORD}"
    for header, status in (("there", 400), ("here [MASKED]", 400), (said, 200)):
        answer = await put_by_hand(live, key, path, {"place": said}, {HEADER: header})
        assert answer.status_code == status, answer.text
    assert server.calls == [("put", {"place": "here [MASKED]"})]


async def test_a_server_that_compares_by_itself_is_not_asked_for_its_tools(
    live: LiveGateway, key: str, server: McpFixture
) -> None:
    server.headers.clear()
    for _ in range(2):
        assert (await put_by_hand(live, key, "/fix/mcp", {"place": "here"}, {HEADER: "here"})).is_success
    assert [one["mcp-method"] for one in server.headers] == ["tools/call"] * 2


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
