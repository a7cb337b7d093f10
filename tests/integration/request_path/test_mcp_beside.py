"""Guardrails beside calls of MCP tools: no call that they refuse tells its result, whoever was first."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from mcp import MCPError

from gateway.pipeline.pass_through.inspection import Inspection
from gateway.sdk import Guardrail
from gateway.settings.guardrails import GuardrailMode
from tests.integration.request_path.guarded import Later, Probe, install_for_mcp
from tests.integration.request_path.mcp import connect, post, text_of
from tests.integration.request_path.mcp_doors import ERA, META, SAID
from tests.integration.serving import LiveGateway, deployment, eventually
from tests.mcp_servers import McpFixture
from tests.wild_mcp_server import WildServer

pytestmark = pytest.mark.asyncio(loop_scope="session")

DURING = GuardrailMode.DURING_MCP_CALL
PRICES = {"mcp_server_cost_info": {"default_cost_per_query": 0.01}}
PRICE = 10_000_000
OLDER = "2025-11-25"
RESULT = json.dumps({"jsonrpc": "2.0", "id": 7, "result": {"content": [{"type": "text", "text": "told"}]}})
EVENT = f"event: message\ndata: {RESULT}\n\n"
REST = "/mcp-rest/tools/call"


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def wild() -> AsyncIterator[WildServer]:
    async with WildServer() as running:
        yield running


def declare(live: LiveGateway, url: str, guard: Guardrail, **settings: Any) -> None:
    fix = {"url": url, "transport": "http", "mcp_info": PRICES, "max_concurrent_requests": 1, **settings}
    live.configure(deployment("m", live.upstream), mcp_servers={"fix": fix})
    install_for_mcp(live, guard, DURING, deadline_seconds=20)


async def call(live: LiveGateway, key: str, era: str) -> Any:
    """Call the tool `echo` of the only server."""
    meta, named = {}, {}
    if era == ERA:
        meta, named = {"_meta": META}, {"mcp-method": "tools/call", "mcp-name": "echo"}
    params = {"name": "echo", "arguments": {"text": SAID}, **meta}
    message = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}
    return await post(live, key, message, **{"mcp-protocol-version": era}, **named)


async def check(live: LiveGateway, key: str, stopped: str, nanos: int) -> None:
    """One row says what happened, and nothing is held."""
    row = await live.row(key)
    assert (row.status, row.nanos) == ("failure", nanos)
    assert row.details["error_information"]["error_class"] == "GuardrailBlocked"
    assert row.details["gatewright"]["stopped"] == stopped
    assert row.details["guardrail_information"][0]["guardrail_mode"] == DURING
    assert (live.held_nanos(key), live.settled_nanos(key)) == (0, nanos)
    assert await live.spent_nanos(key) == nanos


WAYS = [
    ("/fix/mcp", "wait", {}),
    ("/mcp", "fix-wait", {}),
    # The gateway itself is the client of a server of another generation.
    ("/mcp", "fix-wait", {"protocol_version": OLDER}),
    ("/mcp", "fix-wait", {"protocol_version": ERA}),
]


@pytest.mark.parametrize("mode", ["legacy", ERA])
@pytest.mark.parametrize(("path", "tool", "settings"), WAYS)
async def test_a_refusal_stops_a_tool_that_runs(
    live: LiveGateway, server: McpFixture, path: str, tool: str, settings: dict[str, str], mode: str
) -> None:
    guard = Later()
    guard.refuses = False
    declare(live, server.url, guard, **settings)
    key = await live.make_key(max_parallel_requests=1, max_budget=1)
    server.calls.clear()
    server.cancelled.clear()
    async with connect(live, key, path, mode) as client, asyncio.timeout(30):
        await client.list_tools()
        guard.refuses = True
        calling = asyncio.create_task(client.call_tool(tool, {}))
        await eventually(lambda: bool(server.calls))
        guard.go.set()
        with pytest.raises(MCPError, match=r"Not that\."):
            await calling
        await server.cancelled.wait()
        assert live.held_nanos(key) == 0
        guard.refuses = False
        answer = await client.call_tool(tool.replace("wait", "echo"), {"text": "x"})
        assert text_of(answer) == "you said x", "the slots of key and server are free"
    rows = [row for row in await live.rows(key) if row.members["mcp_namespaced_tool_name"]]
    assert [(row.status, row.nanos) for row in rows] == [("failure", PRICE), ("success", PRICE)]
    assert rows[0].details["gatewright"]["stopped"] == "under_way"
    assert await live.spent_nanos(key) == 2 * PRICE


async def test_a_refusal_stops_a_tool_that_is_called_by_plain_http(
    live: LiveGateway, server: McpFixture
) -> None:
    guard = Later()
    declare(live, server.url, guard, protocol_version=OLDER)
    key = await live.make_key(max_budget=1)
    server.calls.clear()
    server.cancelled.clear()
    body = {"server_id": "fix", "name": "wait", "arguments": {}}
    calling = asyncio.create_task(post(live, key, body, REST))
    await eventually(lambda: bool(server.calls))
    guard.go.set()
    assert "Not that." in (await calling).text
    async with asyncio.timeout(20):
        await server.cancelled.wait()
    await check(live, key, "under_way", PRICE)


@pytest.mark.parametrize("era", [OLDER, ERA])
async def test_a_server_that_has_not_answered_is_told_as_its_generation_says(
    live: LiveGateway, wild: WildServer, era: str
) -> None:
    guard = Later()
    declare(live, wild.url, guard)
    key = await live.make_key(max_budget=1)
    calling = asyncio.create_task(call(live, key, era))
    await eventually(lambda: wild.requests == 1)
    wild.tell("")
    guard.go.set()
    answer = await calling
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "Not that.")
    async with asyncio.timeout(20):
        await wild.left.wait()
    told = [json.loads(body) for body in wild.bodies[1:]]
    reason = "The call was refused while it was under way."
    cancelled = {"method": "notifications/cancelled", "params": {"requestId": 7, "reason": reason}}
    assert told == ([] if era == ERA else [{"jsonrpc": "2.0", **cancelled}])
    await check(live, key, "under_way", PRICE)


@pytest.mark.parametrize("era", [OLDER, ERA])
async def test_a_server_that_does_not_hear_of_it_holds_nobody_up(
    live: LiveGateway, wild: WildServer, era: str
) -> None:
    guard = Later()
    declare(live, wild.url, guard)
    key = await live.make_key(max_budget=1)
    calling = asyncio.create_task(call(live, key, era))
    await eventually(lambda: wild.requests == 1)
    guard.go.set()
    async with asyncio.timeout(10):
        assert (await calling).status_code == 400
    await check(live, key, "under_way", PRICE)


@pytest.mark.parametrize("era", [OLDER, ERA])
@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
async def test_an_answer_that_came_first_is_not_told(
    live: LiveGateway, wild: WildServer, monkeypatch: pytest.MonkeyPatch, era: str, kind: str
) -> None:
    guard, is_there = Later(), asyncio.Event()
    wait_beside = Inspection.wait_beside

    async def note_and_wait(self: Inspection) -> None:
        is_there.set()
        await wait_beside(self)

    monkeypatch.setattr(Inspection, "wait_beside", note_and_wait)
    declare(live, wild.url, guard)
    key = await live.make_key(max_budget=1)
    is_stream = kind != "application/json"
    wild.tell(EVENT if is_stream else RESULT, kind)
    calling = asyncio.create_task(call(live, key, era))
    async with asyncio.timeout(20):
        await is_there.wait()
    assert not calling.done()
    guard.go.set()
    answer = await calling
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "Not that.")
    assert "told" not in answer.text
    await check(live, key, "under_way" if is_stream else "answered", PRICE)


@pytest.mark.parametrize("era", [OLDER, ERA])
async def test_a_guardrail_that_decides_at_once_lets_nothing_out(
    live: LiveGateway, wild: WildServer, era: str
) -> None:
    declare(live, wild.url, Probe("block"))
    key = await live.make_key(max_budget=1)
    assert (await call(live, key, era)).status_code == 400
    assert wild.requests == 0
    await check(live, key, "unsent", 0)


async def test_a_client_that_leaves_before_the_guardrail_decides_is_charged_once(
    live: LiveGateway, wild: WildServer
) -> None:
    guard = Later()
    declare(live, wild.url, guard)
    key = await live.make_key(max_budget=1)
    calling = asyncio.create_task(call(live, key, ERA))
    await eventually(lambda: wild.requests == 1)
    calling.cancel()
    async with asyncio.timeout(20):
        await wild.left.wait()
    guard.go.set()
    row = await live.row(key)
    assert (row.status, row.nanos, row.details["gatewright"]["client_gone"]) == ("failure", PRICE, True)
    assert "stopped" not in row.details["gatewright"]
    assert (live.held_nanos(key), live.settled_nanos(key)) == (0, PRICE)
