"""Rates, prices, budgets and arguments of MCP servers, on every way that leads to them."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from mcp import MCPError

from gateway.domain import Scope, ScopeKind
from gateway.ids import hash_token
from tests.integration.counting import counting, quiet
from tests.integration.request_path.mcp import connect, post, text_of
from tests.integration.serving import MASTER_KEY, LiveGateway, deployment, eventually
from tests.mcp_servers import McpFixture

pytestmark = pytest.mark.asyncio(loop_scope="session")

REST = "/mcp-rest/tools/call"
WAYS = ["/{}/mcp", "/mcp/{}", "/mcp", "/mcp/{},nobody", "/group-{}/mcp", "/mcp/proxy", REST]
ABOUT = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
}
PRICES = {
    "mcp_server_cost_info": {
        "default_cost_per_query": 0.000000005,
        "tool_name_to_cost_per_query": {"add": 0.01},
    }
}
ADD = 10_000_000


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture() as running:
        yield running


@pytest.fixture
def name(server: McpFixture) -> str:
    """A server that nobody has counted for yet."""
    server.calls.clear()
    server.slow.clear()
    return f"s_{secrets.token_hex(4)}"


def declare(live: LiveGateway, server: McpFixture, name: str, **settings: Any) -> None:
    fix = {"url": server.url, "access_groups": [f"group-{name}"], **settings}
    live.configure(deployment("m", live.upstream), mcp_servers={name: fix})


async def ask(live: LiveGateway, key: str | None, path: str, method: str, **params: Any) -> httpx.Response:
    thing = params.get("name") or params.get("uri")
    headers = {"mcp-protocol-version": "2026-07-28", "mcp-method": method}
    body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": {**params, "_meta": ABOUT}}
    return await post(live, key, body, path, **headers, **({"mcp-name": thing} if thing else {}))


async def call(live: LiveGateway, key: str | None, name: str, way: str = "/{}/mcp", **more: Any) -> Any:
    """Call the tool `add`, or another one, on one of the ways."""
    tool, arguments = more.get("tool", "add"), more.get("arguments", {"a": 2, "b": 3})
    if way == REST:
        body = {"server_id": name, "name": tool, "arguments": arguments}
        return await post(live, key, body, REST)
    path = way.format(name)
    prefixed = tool if path in {f"/{name}/mcp", f"/mcp/{name}"} else f"{name}-{tool}"
    if way == "/mcp/proxy":
        inner = {"name": prefixed, "arguments": arguments}
        return await ask(live, key, path, "tools/call", name="call_tool", arguments=inner)
    return await ask(live, key, path, "tools/call", name=prefixed, arguments=arguments)


@pytest.mark.parametrize("way", WAYS)
async def test_the_rate_of_a_key_holds_on_every_way(
    live: LiveGateway, server: McpFixture, name: str, way: str
) -> None:
    declare(live, server, name, mcp_info=PRICES)
    key = await live.make_key(mcp_rpm_limit={name: 2})
    statuses = [(await call(live, key, name, way)).status_code for _ in range(2)]
    assert statuses == [200, 200]
    refused = await call(live, key, name, way)
    error = refused.json()["error"]
    assert (refused.status_code, error["type"]) == (429, "rate_limit_error")
    assert f"Rate limit exceeded for mcp_per_key: {name}. Limit type: requests" in error["message"]
    assert 0 < int(refused.headers["retry-after"]) <= 60
    if way != REST:
        assert (refused.json()["jsonrpc"], refused.json()["id"], error["code"]) == ("2.0", 7, -32000)
    assert len(server.calls) == 2
    rows = [row for row in await live.rows(key) if row.status == "success"]
    named = {(row.call_type, row.mcp_namespaced_tool_name, row.nanos) for row in rows}
    assert named == {("call_mcp_tool", f"{name}/add", ADD)}
    assert await live.spent_nanos(key) == live.settled_nanos(key) == 2 * ADD
    assert live.held_nanos(key) == 0


async def test_whose_rates_count_and_for_what(live: LiveGateway, server: McpFixture, name: str) -> None:
    declare(live, server, name, alias=f"a_{name}", server_id=f"id-{name}", rpm=4)
    made = await live.post("/team/new", MASTER_KEY, {"mcp_rpm_limit": {f"id-{name}": 1}})
    of_team = await live.make_key(team_id=made.json()["team_id"])
    made = await live.post(
        "/user/new", MASTER_KEY, {"mcp_rpm_limit": {f"a_{name}": 1}, "auto_create_key": False}
    )
    of_user = await live.make_key(user_id=made.json()["user_id"])
    for key, word in ((of_team, "mcp_per_team"), (of_user, "mcp_per_user")):
        assert (await call(live, key, name)).status_code == 200
        refused = await call(live, key, name)
        assert (refused.status_code, f"for {word}:" in refused.text) == (429, True)
    # Lists are asked for by every client that begins: they count for none of these.
    for _ in range(5):
        assert (await ask(live, of_team, f"/{name}/mcp", "tools/list")).status_code == 200
    key = await live.make_key()
    assert (await ask(live, key, f"/{name}/mcp", "resources/read", uri="note://today")).status_code == 200
    prompt = {"name": f"a_{name}-greet", "arguments": {"name": "you"}}
    assert (await ask(live, key, "/mcp", "prompts/get", **prompt)).status_code == 200
    refused = await call(live, key, name)
    assert f"Rate limit exceeded for mcp_server: {name}. Limit type: requests" in refused.text
    refused = await ask(live, key, "/mcp", "resources/read", uri=f"a_{name}+note://today")
    assert refused.status_code == 429


async def test_so_many_are_under_way_at_once(live: LiveGateway, server: McpFixture, name: str) -> None:
    declare(live, server, name, max_concurrent_requests=1)
    key, other = await live.make_key(), await live.make_key()
    waiting = asyncio.create_task(call(live, key, name, tool="wait", arguments={}))
    await eventually(lambda: bool(server.calls))
    refused = await call(live, other, name, "/mcp")
    assert "Limit type: max_parallel_requests" in refused.json()["error"]["message"]
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    server.slow.set()
    assert (await waiting).status_code == 200
    assert (await call(live, other, name)).status_code == 200


async def test_a_client_reads_why_it_was_refused(live: LiveGateway, server: McpFixture, name: str) -> None:
    declare(live, server, name)
    key = await live.make_key(mcp_rpm_limit={name: 1})
    for mode in ("legacy", "auto"):
        async with connect(live, key, f"/{name}/mcp", mode) as client:
            if mode == "legacy":
                assert text_of(await client.call_tool("add", {"a": 2, "b": 3})) == "5"
            with pytest.raises(MCPError, match="Rate limit exceeded for mcp_per_key"):
                await client.call_tool("add", {"a": 2, "b": 3})


@pytest.mark.parametrize(
    ("tool", "arguments", "nanos"),
    [
        ("add", {"a": 1, "b": 1}, ADD),
        ("echo", {"text": "x"}, 5),
        ("add", {"a": "no number"}, ADD),
    ],
    ids=["named", "others", "fails"],
)
@pytest.mark.parametrize("way", ["/{}/mcp", "/mcp", REST])
async def test_a_call_costs_what_its_tool_costs(
    live: LiveGateway, server: McpFixture, name: str, way: str, tool: str, arguments: Any, nanos: int
) -> None:
    declare(live, server, name, mcp_info=PRICES, disallowed_tools=["wait"])
    key = await live.make_key(max_budget=1)
    answer = await call(live, key, name, way, tool=tool, arguments=arguments)
    assert answer.status_code == 200
    assert float(answer.headers["x-litellm-response-cost"]) == nanos / 1e9
    assert await live.spent_nanos(key) == nanos
    assert live.held_nanos(key) == 0


async def test_what_is_no_call_or_never_came_through_costs_nothing(
    live: LiveGateway, server: McpFixture, name: str
) -> None:
    declare(live, server, name, mcp_info=PRICES, disallowed_tools=["wait"])
    key = await live.make_key()
    assert (await ask(live, key, f"/{name}/mcp", "tools/list")).status_code == 200
    assert (await call(live, key, name, tool="wait")).status_code == 403
    declare(live, server, name, mcp_info=PRICES, url="http://127.0.0.1:9/mcp", transport="http")
    assert (await call(live, key, name)).status_code >= 500
    assert {row.nanos for row in await live.rows(key)} == {0}
    assert (live.held_nanos(key), await live.spent_nanos(key)) == (0, 0)


async def test_arguments_that_are_not_allowed_are_neither_shown_nor_taken(
    live: LiveGateway, server: McpFixture, name: str
) -> None:
    declare(live, server, name, allowed_params={"add": ["a", "b"], "echo": []}, mcp_info=PRICES)
    key = await live.make_key()
    for way in ("/{}/mcp", "/mcp", "/mcp/proxy", REST):
        assert (await call(live, key, name, way)).status_code == 200
        refused = await call(live, key, name, way, tool="echo", arguments={"text": "x"})
        assert (refused.status_code, refused.json()["error"]["type"]) == (403, "mcp_tool_argument_denied")
    assert [tool for tool, _ in server.calls] == ["add"] * 4
    assert await live.spent_nanos(key) == 4 * ADD
    for path in (f"/{name}/mcp", "/mcp"):
        async with connect(live, key, path) as client:
            schemas = {tool.name: tool.input_schema for tool in (await client.list_tools()).tools}
        (echo,) = (schema for tool, schema in schemas.items() if tool.endswith("echo"))
        assert (echo["properties"], echo["required"]) == ({}, [])
        (add,) = (schema for tool, schema in schemas.items() if tool.endswith("add"))
        assert sorted(add["properties"]) == ["a", "b"]


async def test_a_warm_call_asks_the_database_nothing(
    live: LiveGateway, server: McpFixture, name: str
) -> None:
    limits = {"rpm": 1000, "max_concurrent_requests": 100, "max_budget": 100, "budget_duration": "1d"}
    declare(live, server, name, mcp_info=PRICES, **limits)
    key = await live.make_key(mcp_rpm_limit={name: 1000}, max_budget=10)
    await quiet(live)
    for way in WAYS:
        await call(live, key, name, way)
    async with counting(live, holds_drain=True) as counter:
        statuses = [(await call(live, key, name, way)).status_code for way in WAYS]
    assert statuses == [200] * len(WAYS)
    assert counter.statements == []


@pytest.mark.parametrize("owner", ["key", "server"])
async def test_of_fifty_at_once_no_more_pass_than_a_budget_fits(
    live: LiveGateway, server: McpFixture, name: str, owner: str
) -> None:
    """A budget of three calls: the fourth finds nothing left, however many ask at the same time."""
    budget = {"max_budget": 0.03, "budget_duration": "1d"} if owner == "server" else {}
    prices = {"mcp_server_cost_info": {"default_cost_per_query": 0.01}}
    declare(live, server, name, mcp_info=prices, **budget)
    key = await live.make_key(**({} if budget else {"max_budget": 0.03}))
    ways = ("/{}/mcp", "/mcp", REST)
    answers = await asyncio.gather(*(call(live, key, name, ways[index % 3]) for index in range(50)))
    assert sorted({answer.status_code for answer in answers}) == [200, 422]
    assert sum(answer.status_code == 200 for answer in answers) == len(server.calls) == 3
    refused = next(answer for answer in answers if answer.status_code == 422).json()["error"]
    assert (refused["type"], refused["scope"]) == (
        "budget_exceeded",
        "mcp_server" if budget else "key",
    )
    assert await live.spent_nanos(key) == 3 * ADD
    ledger = live.gateway.parts.ledger
    if budget:
        sql = "SELECT period, nanos FROM gatewright.meter WHERE kind = 'mcp_server' AND id = $1"
        (meter,) = await live.gateway.parts.database.fetch(sql, name)
        assert (meter["period"], meter["nanos"]) == ("1d", 3 * ADD)
    assert ledger.held(Scope(ScopeKind.KEY, hash_token(key))) == 0
