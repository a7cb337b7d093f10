"""Cases of who may reach MCP servers, by the path of one server, of all, by a stream and by REST alike."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.request_path.mcp import OlderClient, open_older, post
from tests.integration.serving import MASTER_KEY, LiveGateway, bearer, deployment
from tests.mcp_servers import McpFixture

pytestmark = pytest.mark.asyncio(loop_scope="session")

MODERN = "2026-07-28"
LIST, CALL = "/mcp-rest/tools/list", "/mcp-rest/tools/call"
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
}


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture(is_json=True) as running:
        yield running


@pytest.fixture(autouse=True)
def clean(server: McpFixture) -> None:
    server.calls.clear()
    server.headers.clear()


def declare(live: LiveGateway, server: McpFixture, settings: Any = None, **general: Any) -> None:
    fix = {"url": server.url, "server_id": "fix-1", "alias": "f", "access_groups": ["g"], **(settings or {})}
    servers = {"fix": fix, "other": {"url": server.url}}
    extra = {"general_settings": general} if general else {}
    live.configure(deployment("m", live.upstream), mcp_servers=servers, **extra)


async def ask(live: LiveGateway, key: str, path: str, method: str, params: Any, **headers: str) -> Any:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": META}}
    sent = {"mcp-protocol-version": MODERN, "mcp-method": method, **headers}
    if "name" in params:
        sent["mcp-name"] = params["name"]
    return await post(live, key, body, path, **sent)


async def decisions(live: LiveGateway, server: McpFixture, key: str, **headers: str) -> list[bool]:
    """Whether the tool `add` of `fix` is listed and called: by its path, by all, by a stream, by REST."""
    found: list[bool] = []
    for path, name in (("/fix/mcp", "add"), ("/mcp/f", "add"), ("/mcp", "f-add")):
        listed = await ask(live, key, path, "tools/list", {}, **headers)
        tools = listed.json().get("result", {}).get("tools", [])
        called = await ask(
            live, key, path, "tools/call", {"name": name, "arguments": {"a": 1, "b": 2}}, **headers
        )
        found += [any(tool["name"] == name for tool in tools), called.status_code == 200]
        assert called.status_code in (200, 403)
    http = {**bearer(key), **headers}
    found += await decide_older(live, http)
    tools = (await live.http.get(LIST, headers=http)).json()["tools"]
    body = {"server_id": "fix-1", "name": "add", "arguments": {"a": 1, "b": 2}}
    called = await live.http.post(CALL, json=body, headers=http)
    found.append(any((t["mcp_info"]["server_id"], t["name"]) == ("fix-1", "add") for t in tools))
    found.append(called.status_code == 200)
    assert len(server.calls) == sum(found[1::2]), "what is refused reaches no server"
    return found


async def decide_older(live: LiveGateway, headers: dict[str, str]) -> list[bool]:
    """The same by a stream, whether it is refused or what is asked on it."""
    async with open_older(live, "/fix/mcp/sse", headers) as client:
        if not isinstance(client, OlderClient):
            assert client.status_code == 403, client.text
            return [False, False]
        assert await client.begin(live) is None
        tools = (await client.ask(live, "tools/list", {}))["result"]["tools"]
        called = await client.ask(live, "tools/call", {"name": "add", "arguments": {"a": 1, "b": 2}})
        return [any(tool["name"] == "add" for tool in tools), "result" in called]


INTERNAL = {"available_on_public_internet": False}
TRUSTING = {"use_x_forwarded_for": True, "mcp_trusted_proxy_ranges": ["127.0.0.0/8"]}
DISTRUSTING = {"use_x_forwarded_for": True, "mcp_trusted_proxy_ranges": ["192.0.2.0/24"]}
OUTSIDE, INSIDE = {"x-forwarded-for": "203.0.113.7"}, {"x-forwarded-for": "10.0.0.1"}

COUNTING = {"use_x_forwarded_for": True, "mcp_xff_num_trusted_hops": 2}
FORGED = {"x-forwarded-for": "10.0.0.1, 203.0.113.7, 10.0.0.2"}
COUNTED = {"x-forwarded-for": "203.0.113.7, 10.0.0.1, 203.0.113.8"}


@pytest.mark.parametrize(
    ("case", "settings", "general", "headers", "may"),
    [
        ("69 no proxies are trusted", INTERNAL, {"use_x_forwarded_for": True}, INSIDE, False),
        ("69 without the header", INTERNAL, {"use_x_forwarded_for": True}, {}, False),
        ("69 a public server", {}, {"use_x_forwarded_for": True}, OUTSIDE, True),
        ("70 a trusted proxy tells of a stranger", INTERNAL, TRUSTING, OUTSIDE, False),
        ("70 a trusted proxy tells of a neighbour", INTERNAL, TRUSTING, INSIDE, True),
        ("71 the peer is no proxy", INTERNAL, DISTRUSTING, OUTSIDE, True),
        (
            "71 a stranger forges",
            INTERNAL,
            {**DISTRUSTING, "mcp_internal_ip_ranges": ["10.0.0.0/8"]},
            INSIDE,
            False,
        ),
        ("72 the header is not in use", INTERNAL, {}, OUTSIDE, True),
        ("72 nor opens it", INTERNAL, {"mcp_internal_ip_ranges": ["10.0.0.0/8"]}, INSIDE, False),
        ("70 a counted proxy tells of a stranger", INTERNAL, COUNTING, FORGED, False),
        ("70 a counted proxy tells of a neighbour", INTERNAL, COUNTING, COUNTED, True),
        ("70 too few have told", INTERNAL, COUNTING, INSIDE, False),
        ("73 no address", INTERNAL, TRUSTING, {"x-forwarded-for": "somewhere"}, False),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_servers_for_internal_clients(
    live: LiveGateway,
    key: str,
    server: McpFixture,
    case: str,
    settings: Any,
    general: Any,
    headers: Any,
    may: Any,
) -> None:
    declare(live, server, settings, **general)
    assert await decisions(live, server, key, **headers) == [may] * 10, case
    server.calls.clear()
    answer = (
        await live.http.get(LIST, params={"server_id": "fix"}, headers={**bearer(key), **headers})
    ).json()
    assert answer["error"] == (None if may else "ip_filtering"), case
    seen = (await live.http.get(LIST, headers={**bearer(MASTER_KEY), **headers})).json()["tools"]
    assert any(tool["mcp_info"]["server_name"] == "fix" for tool in seen) is may, "admins are somewhere too"


@pytest.mark.parametrize(
    ("headers", "may"),
    [
        ({"x-mcp-servers": "fix"}, True),
        ({"x-mcp-servers": "g"}, True),
        ({"x-mcp-servers": "other"}, False),
        ({"x-mcp-servers": ""}, False),
        ({"x-mcp-servers": "nobody"}, False),
        ({"x-mcp-access-groups": "g"}, True),
        ({"x-mcp-access-groups": "fix, nobody"}, True),
        ({"x-mcp-toolset-id": "another"}, True),
    ],
)
async def test_headers_only_narrow(
    live: LiveGateway, key: str, server: McpFixture, headers: Any, may: Any
) -> None:
    declare(live, server)
    assert await decisions(live, server, key, **headers) == [may] * 10


async def test_a_named_server_that_is_denied_is_refused_and_not_left_out(
    live: LiveGateway, server: McpFixture
) -> None:
    declare(live, server)
    key = await live.make_key(object_permission={"mcp_servers": ["other"]})
    refused = await ask(live, key, "/mcp", "tools/list", {}, **{"x-mcp-servers": "fix,other"})
    assert (refused.status_code, refused.json()["error"]["type"]) == (403, "mcp_server_access_denied")
    assert await decisions(live, server, key, **{"x-mcp-servers": "fix"}) == [False] * 10


async def test_access_must_be_defined_where_that_is_demanded(
    live: LiveGateway, key: str, server: McpFixture
) -> None:
    declare(live, server, require_key_mcp_access_defined=True, require_end_user_mcp_access_defined=True)
    named = await live.make_key(object_permission={"mcp_servers": ["f"]})
    assert await decisions(live, server, key) == [False] * 10
    assert await decisions(live, server, named) == [True] * 10
    server.calls.clear()
    assert await decisions(live, server, named, **{"x-litellm-end-user-id": "nobody-named"}) == [False] * 10


@pytest.mark.parametrize("path", ["/fix/mcp", "/mcp", "/mcp/f,other", "/mcp-rest/tools/call"])
async def test_nobody_and_whose_key_is_for_other_routes(
    live: LiveGateway, server: McpFixture, path: str
) -> None:
    declare(live, server)
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    assert (await post(live, None, body, path, host="evil.example")).status_code == 401, "cases 21, 22, 78"
    elsewhere = await live.make_key(allowed_routes=["/v1/chat/completions"])
    assert (await post(live, elsewhere, body, path)).status_code == 403
    assert (await post(live, elsewhere, body, f"/v1/chat/completions{path}")).status_code in (403, 404), "79"
    here = await live.make_key(allowed_routes=["mcp_routes"])
    assert (await post(live, here, body, path)).status_code not in (401, 403)
    assert (await live.chat(here)).status_code == 403
    blocked = await live.make_key(blocked=True)
    assert (await post(live, blocked, body, path)).status_code in (401, 403), "case 28"
