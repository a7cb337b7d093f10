"""MCP servers and clients that do what they must not: an answer in time, and exact books."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.request_path.mcp import connect, post, text_of
from tests.integration.serving import MASTER_KEY, LiveGateway, deployment
from tests.mcp_servers import McpFixture
from tests.wild_mcp_server import WildServer

pytestmark = pytest.mark.asyncio(loop_scope="session")

EVENTS = "text/event-stream"
DEEP = "[" * 100_000


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def wild() -> AsyncIterator[WildServer]:
    async with WildServer() as running:
        yield running


def declare(live: LiveGateway, **urls: str) -> None:
    servers = {name: {"url": url, "transport": "http", "timeout": 0.4} for name, url in urls.items()}
    live.configure(deployment("m", live.upstream), mcp_servers=servers)


def calling(name: str = "add", **arguments: Any) -> dict[str, Any]:
    params = {"name": name, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


ANSWERS = {
    "another id": '{"jsonrpc": "2.0", "id": 999, "result": {"content": []}}',
    "no object": "[1]",
    "no JSON": '{"jsonrpc": ',
    "deep": DEEP,
    "tools that are none": '{"jsonrpc": "2.0", "id": 1, "result": {"tools": 7}}',
    "tools without end": '{"jsonrpc": "2.0", "id": 1, "result": {"tools": [{"name": 7}], "nextCursor": "x"}}',
}
STREAMS = {
    "events that are no JSON": "data: {\n\n",
    "events that break off": 'data: {"jsonrpc"',
    "events with another id": 'data: {"jsonrpc": "2.0", "id": 999, "result": {"tools": []}}\n\n',
    "deep events": f'data: {{"tools": {DEEP}\n\n',
}
RAW = {
    "a redirect": b"HTTP/1.1 307 See\r\nlocation: http://127.0.0.1:1/mcp\r\ncontent-length: 0\r\n\r\n",
    "no answer": None,
    "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
}
REFUSED = {*RAW, "no JSON", "deep"}
RESULTS = {"tools that are none", "tools without end"}
"""A call may come to anything that is an object."""


async def check_books(live: LiveGateway, key: str) -> None:
    await live.settled()
    assert live.held_nanos(key) == 0


@pytest.mark.parametrize("name", [*ANSWERS, *STREAMS, *RAW, "events without end"])
async def test_a_wild_server_harms_nobody(live: LiveGateway, wild: WildServer, name: str) -> None:
    key = await live.make_key(max_parallel_requests=1, max_budget=1)
    declare(live, wild=wild.url)
    if name in RAW:
        wild.answer = RAW[name]
    elif name in ANSWERS:
        wild.tell(ANSWERS[name])
    else:
        wild.tell(STREAMS.get(name, ""), EVENTS, is_endless=name not in STREAMS)
    tool: dict[str, Any] = {"server_id": "wild", "name": "add", "arguments": {}}
    async with asyncio.timeout(30):
        if name != "events without end":
            # Messages of one server are its client's to judge: it is given all that can be read.
            alone = await post(live, key, calling(), "/wild/mcp")
            assert alone.status_code != 429
            assert (name in REFUSED) == (alone.status_code >= 400), alone.text
        called = await post(live, key, tool, "/mcp-rest/tools/call")
        if name not in RESULTS:
            assert called.status_code in {400, 404, 502, 503, 504}, called.text
            assert called.json()["error"]["message"]
        listed = await live.http.get("/mcp-rest/tools/list", headers={"authorization": f"Bearer {key}"})
        assert (listed.status_code, listed.json()["tools"]) == (200, [])
    await check_books(live, key)


@pytest.mark.parametrize("path", ["/fix/mcp", "/fix,wild/mcp"])
async def test_a_client_that_leaves_ends_the_call(
    live: LiveGateway, wild: WildServer, server: McpFixture, path: str
) -> None:
    key = await live.make_key(max_parallel_requests=1, max_budget=1)
    wild.tell("", EVENTS, is_endless=True)
    live.configure(
        deployment("m", live.upstream),
        mcp_servers={
            "fix": {"url": server.url, "transport": "http"},
            "wild": {"url": wild.url, "transport": "http", "timeout": 0.4},
        },
    )
    server.calls.clear()
    server.cancelled.clear()
    tool = "wait" if path == "/fix/mcp" else "fix-wait"
    async with connect(live, key, path, "2026-07-28") as client:
        call = asyncio.create_task(client.call_tool(tool, {}))
        async with asyncio.timeout(30):
            while not server.calls:  # noqa: ASYNC110  the fixture has no event for it
                await asyncio.sleep(0.01)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            await server.cancelled.wait()
        await check_books(live, key)
        name = "echo" if path == "/fix/mcp" else "fix-echo"
        assert text_of(await client.call_tool(name, {"text": "x"})) == "you said x", "the slot is free"


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ('{"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": ' + DEEP, {}, 400),
        ('{"a": ' * 5_000 + "1" + "}" * 5_000, {}, 400),
        ("x" * 100, {"content-type": "text/plain"}, 400),
        (calling("é-\U0001f600/../%2e"), {"mcp-name": "=?base64?w6k=?="}, 400),
        (calling("x" * 100_000), {}, 403),
        (calling("fix-fix-add"), {}, 403),
        (calling("-add"), {}, 403),
        (calling("fix/add"), {}, 403),
        (calling("é-\U0001f600/../%2e"), {}, 403),
    ],
    ids=["deep", "nested", "text", "header", "long", "twice", "separator", "slash", "unicode"],
)
async def test_messages_that_no_server_may_see(
    live: LiveGateway, server: McpFixture, body: Any, headers: dict[str, str], status: int
) -> None:
    key = await live.make_key(object_permission={"mcp_tool_permissions": {"fix": ["add"]}})
    declare(live, fix=server.url, other=server.url)
    for path in ("/fix/mcp", "/fix,other/mcp"):
        count = len(server.calls)
        answer = await post(live, key, body, path, **headers)
        assert answer.status_code == status, answer.text[:500]
        assert answer.json()["error"]["message"]
        assert len(server.calls) == count
    await check_books(live, key)


@pytest.mark.parametrize(
    "path", ["/nobody/mcp", "/mcp/nobody", "/mcp/fix/nobody", "/mcp/%2e%2e", "/mcp/fix%2Fmcp"]
)
async def test_unknown_servers_are_not_there(live: LiveGateway, server: McpFixture, path: str) -> None:
    declare(live, fix=server.url)
    answer = await post(live, MASTER_KEY, calling(), path)
    assert answer.status_code in {400, 404}, answer.text
