"""Which MCP servers there are: access groups, what is public, and lists that are imported."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.integration.manage.conftest import Desk
from tests.integration.manage.counting import statements
from tests.integration.manage.mcp_serving import SERVERS, body_of, emptied, make, unique, until_served
from tests.integration.serving import LiveGateway, deployment, eventually
from tests.mcp_servers import McpFixture

pytestmark = pytest.mark.asyncio(loop_scope="session")

PUBLISH, REGISTRY, HUB = "/v1/mcp/make_public", "/v1/mcp/registry.json", "/public/mcp_hub"
GROUPS, IMPORT = "/v1/mcp/access_groups", f"{SERVERS}/import"


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture() as running:
        yield running


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def configured(live: LiveGateway, server: McpFixture) -> AsyncIterator[None]:
    conf = {"url": server.url, "access_groups": ["everybody"]}
    live.configure(deployment("m", live.upstream), mcp_servers={"conf": conf})
    async with emptied(live):
        yield


async def test_callers_see_the_groups_of_their_servers(desk: Desk, server: McpFixture) -> None:
    group = unique()
    made = await make(desk, body_of(server, unique(), mcp_access_groups=[group]))
    assert (await desk.get(GROUPS))["access_groups"] == sorted(["everybody", group])
    key = await desk.live.make_key(object_permission={"mcp_servers": [made["server_id"]]})
    assert (await desk.get(GROUPS, key))["access_groups"] == [group]
    assert (await desk.get("/v1/mcp/network/client-ip", key))["ip"] == "127.0.0.1"


async def test_only_what_was_made_public_is_known_without_a_key(desk: Desk, server: McpFixture) -> None:
    made = await make(desk, body_of(server, unique(), description="Tickets."))
    await make(desk, body_of(server, unique()))
    anonymous, ids = desk.live.http, [made["server_id"], "conf"]
    assert (await anonymous.get(HUB)).json() == []
    said = await desk.post(PUBLISH, {"mcp_server_ids": ids}, status=202)
    assert said["public_mcp_servers"] == ids
    overlay = desk.live.gateway.parts.added
    await eventually(lambda: "public_mcp_servers" in str(overlay.current.overlay))
    listed = (await anonymous.get(HUB)).json()
    assert [one["server_id"] for one in listed] == ids
    assert {"url", "credentials", "static_headers"}.isdisjoint(listed[0])
    registered = (await anonymous.get(REGISTRY)).json()["servers"]
    assert registered[0]["server"]["description"] == "Tickets."
    assert [one["server"]["remotes"][0]["url"] for one in registered] == [
        f"{desk.live.origin}/{name}/mcp" for name in (made["server_name"], "conf")
    ]
    assert server.url not in str(registered)
    refused = await desk.ask("POST", PUBLISH, json={"mcp_server_ids": ["nobody"]})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "mcp_server_ids")
    assert (await desk.ask("POST", PUBLISH, await desk.live.make_key(), json={})).status_code == 401
    assert await statements(desk, "POST", PUBLISH, json={"mcp_server_ids": []}) == 7
    assert await statements(desk, "GET", GROUPS) == 2


async def test_a_list_of_servers_is_imported_as_far_as_it_can_be(desk: Desk, server: McpFixture) -> None:
    name = unique()
    listed = {
        f"{name}-x": {"type": "streamable-http", "url": server.url, "headers": {"x-key": "secret-value"}},
        "conf": {"url": server.url},
        "program": {"command": "sh", "args": ["-c", "true"]},
    }
    answer = await desk.post(IMPORT, {"mcp_servers": listed})
    (made,) = answer["imported"]
    assert (made["server_name"], made["static_headers"]) == (f"{name}_x", {"x-key": "*****"})
    assert answer["skipped"] == ["conf"]
    assert [one["server_name"] for one in answer["errors"]] == ["program"]
    assert "stdio_commands" in answer["errors"][0]["error"]
    await until_served(desk, made["server_id"])
    again = await desk.post(IMPORT, {"mcp_servers": [{"name": f"{name}-x", "url": server.url}]})
    assert again == {"imported": [], "skipped": [f"{name}-x"], "errors": []}
    for sent in ([{"url": server.url}], {f"s{n}": {} for n in range(201)}):
        assert (await desk.ask("POST", IMPORT, json={"mcp_servers": sent})).status_code == 400
    assert (await desk.ask("POST", IMPORT, await desk.live.make_key(), json={})).status_code == 401


async def test_what_there_is_to_add_can_be_added(desk: Desk) -> None:
    key = await desk.live.make_key()
    found = await desk.get("/v1/mcp/discover", key)
    assert {one["category"] for one in found["servers"]} == set(found["categories"])
    sought = (await desk.get("/v1/mcp/discover", key, query="PULL requests", category="development"))[
        "servers"
    ]
    assert [one["name"] for one in sought] == ["github"]
    assert (await desk.get("/v1/mcp/discover", key, query="nothing like it"))["servers"] == []
    apis = (await desk.get("/v1/mcp/openapi-registry", key))["apis"]
    for one in (*found["servers"], *apis):
        if one.get("command"):
            continue
        name = one["name"]
        body = {"server_name": name, **{key: one.get(key) for key in ("url", "spec_path", "auth_type")}}
        body["credentials"] = {"auth_value": "t"} if one["auth_type"] == "bearer_token" else None
        assert (await desk.ask("POST", "/v1/mcp/server", json=body)).status_code == 201, name
