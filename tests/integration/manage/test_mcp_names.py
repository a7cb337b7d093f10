"""MCP servers, access groups and toolsets that are called as routes of the gateway are."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from tests.integration.manage.conftest import Desk
from tests.integration.manage.mcp_serving import (
    SERVERS,
    body_of,
    emptied,
    list_tools,
    make,
    send,
    unique,
    until_served,
)
from tests.integration.serving import MASTER_KEY, LiveGateway, deployment
from tests.mcp_servers import McpFixture

pytestmark = pytest.mark.asyncio(loop_scope="session")

LIKE_ROUTES = ["key", "v1", "health", "mcp", "toolset", "user"]
OWN = ["/key/list", "/health/readiness", "/v1/models", "/v1/mcp/server", "/mcp/enabled", "/user/list"]


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture() as running:
        yield running


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def configured(live: LiveGateway) -> AsyncIterator[None]:
    live.configure(deployment("m", live.upstream), mcp_servers={})
    async with emptied(live):
        yield


async def answers(desk: Desk) -> list[int]:
    """What the gateway's own routes answer."""
    return [(await desk.ask("GET", path)).status_code for path in OWN]


async def test_what_is_only_called_like_a_route_is_served_beside_it(desk: Desk, server: McpFixture) -> None:
    named: dict[str, Any] = {name: {"url": server.url} for name in LIKE_ROUTES}
    grouped: dict[str, Any] = {"fix": {"url": server.url, "access_groups": [*LIKE_ROUTES, "key/list"]}}
    rounds = ((named, LIKE_ROUTES, "add"), (grouped, grouped["fix"]["access_groups"], "fix-add"))
    for servers, names, tool in rounds:
        desk.live.configure(deployment("m", desk.live.upstream), mcp_servers=servers)
        key = await desk.live.make_key()
        for path in [form.format(name) for name in names for form in ("/{}/mcp", "/mcp/{}")]:
            assert tool in await list_tools(desk, path, key), path
        assert await answers(desk) == [200] * len(OWN)


@pytest.mark.parametrize("name", ["mcp", "toolset", "key", "v1", "sse", "guardrails"])
async def test_no_name_of_a_toolset_meets_a_route(desk: Desk, server: McpFixture, name: str) -> None:
    one = await make(desk, body_of(server, unique()))
    tools = [{"server_id": one["server_id"], "tool_name": "add"}]
    made = await desk.post("/v1/mcp/toolset", {"toolset_name": name, "tools": tools}, status=201)
    await until_served(desk, made["toolset_id"])
    key = await desk.live.make_key(object_permission={"mcp_toolsets": [name]})
    assert await list_tools(desk, f"/toolset/{name}/mcp", key) == [f"{one['server_name']}-add"]
    assert await answers(desk) == [200] * len(OWN)


@pytest.mark.parametrize(
    ("member", "value", "param"),
    [
        ("server_name", "guardrails", "server_name"),
        ("server_name", "credentials/any", "server_name"),
        ("alias", "enabled", "alias"),
        ("server_id", "mcp-rest", "server_id"),
        ("mcp_access_groups", ["crew", ".well-known"], "mcp_access_groups[1]"),
    ],
)
async def test_a_name_that_leads_to_a_route_is_refused_where_it_is_made(
    desk: Desk, server: McpFixture, member: str, value: object, param: str
) -> None:
    body = body_of(server, unique(), **({} if member == "server_name" else {member: value}))
    if member == "server_name":
        body["server_name"] = value
    refused = await desk.ask("POST", SERVERS, json=body)
    made = await make(desk, body_of(server, unique()))
    changed = await desk.ask("PUT", SERVERS, json={"server_id": made["server_id"], member: value})

    assert (refused.status_code, refused.json()["error"]["param"]) == (400, param), refused.text
    assert "choose another name" in refused.text
    assert changed.status_code == (404 if member == "server_id" else 400)
    assert [one["server_id"] for one in await desk.get(SERVERS)] == [made["server_id"]]


async def test_the_same_name_in_the_configuration_has_the_other_path(desk: Desk, server: McpFixture) -> None:
    servers = {"guardrails": {"url": server.url, "access_groups": ["policies"]}}
    with capture_logs() as lines:
        desk.live.configure(deployment("m", desk.live.upstream), mcp_servers=servers)

    warned = {line["path"]: line["reason"] for line in lines if line["event"] == "mcp_name_taken"}
    assert set(warned) == {"mcp_servers.guardrails", "mcp_servers.guardrails.access_groups[0]"}
    assert "/guardrails/mcp" in warned["mcp_servers.guardrails"]
    key = await desk.live.make_key()
    assert await list_tools(desk, "/mcp/guardrails", key)
    assert await list_tools(desk, "/mcp/policies", key)
    await check_is_of_the_gateway(desk, "/guardrails/mcp")
    await check_is_of_the_gateway(desk, "/policies/mcp")


async def test_what_is_stored_under_such_a_name_has_the_other_path(desk: Desk, server: McpFixture) -> None:
    sql = """INSERT INTO "LiteLLM_MCPServerTable"
                 (server_id, server_name, alias, url, transport, mcp_access_groups)
             VALUES ('stored', 'guardrails', 'enabled', $1, 'http', '{credentials}')"""
    await desk.run(sql, server.url)
    desk.live.gateway.parts.added.note_change()
    await until_served(desk, "stored")

    for path in ("/mcp/guardrails", "/enabled/mcp", "/mcp/stored", "/stored/mcp"):
        assert "add" in await list_tools(desk, path, MASTER_KEY), path
    assert "enabled-add" in await list_tools(desk, "/mcp/credentials", MASTER_KEY)
    await check_is_of_the_gateway(desk, "/guardrails/mcp")
    await check_is_of_the_gateway(desk, "/credentials/mcp")
    assert await answers(desk) == [200] * len(OWN)
    kept = {"server_id": "stored", "description": "d", "mcp_access_groups": ["credentials", "crew"]}
    assert (await desk.ask("PUT", SERVERS, json=kept)).status_code == 202
    assert (await desk.ask("PUT", SERVERS, json={**kept, "alias": "audit"})).status_code == 400


async def check_is_of_the_gateway(desk: Desk, path: str) -> None:
    posted = await send(desk, path, MASTER_KEY, "tools/list")
    assert (posted.status_code, "jsonrpc" in posted.text) == (405, False), posted.text
    for method in ("GET", "DELETE"):
        answer: Any = await desk.ask(method, path)
        assert (answer.status_code, "mcp" in answer.text.lower()) == (404, True), answer.text


async def test_a_key_for_routes_of_one_kind_has_none_of_the_other(desk: Desk, server: McpFixture) -> None:
    desk.live.configure(deployment("m", desk.live.upstream), mcp_servers={"key": {"url": server.url}})
    managing = await desk.live.make_key(allowed_routes=["management_routes"])
    asking = await desk.live.make_key(allowed_routes=["mcp_routes"])

    assert (await send(desk, "/key/mcp", managing, "tools/list")).status_code == 403
    assert "add" in await list_tools(desk, "/key/mcp", asking)
    refused = await desk.ask("GET", "/credentials/mcp", asking)
    assert (refused.status_code, "not allowed to call this route" in refused.text) == (403, True)
    assert (await desk.ask("GET", "/key/info", managing)).status_code == 200
