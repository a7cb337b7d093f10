"""Tools of MCP servers by plain HTTP."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.serving import MASTER_KEY, LiveGateway, deployment
from tests.mcp_servers import McpFixture

pytestmark = pytest.mark.asyncio(loop_scope="session")

LIST, CALL = "/mcp-rest/tools/list", "/mcp-rest/tools/call"
AWAY = "http://127.0.0.1:9/mcp"


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture() as running:
        yield running


@pytest.fixture(autouse=True)
def clean(server: McpFixture) -> None:
    server.calls.clear()
    server.headers.clear()


def declare(live: LiveGateway, server: McpFixture, **sections: Any) -> None:
    fix = {"url": server.url, "server_id": "fix-1", "alias": "f", "disallowed_tools": ["wait"]}
    other = {"url": server.url, "server_id": "other-1"}
    servers = {"fix": fix, "other": other, **sections.pop("servers", {})}
    live.configure(deployment("m", live.upstream), mcp_servers=servers, **sections)


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


async def list_tools(live: LiveGateway, key: str, **query: str) -> Any:
    response = await live.http.get(LIST, params=query, headers=bearer(key))
    assert response.status_code == 200, response.text
    return response.json()


async def call(live: LiveGateway, key: str, **members: Any) -> Any:
    body = {"server_id": "fix-1", "name": "add", "arguments": {"a": 2, "b": 3}, **members}
    return await live.http.post(CALL, json=body, headers=bearer(key))


async def test_tools_are_listed_without_prefixes(live: LiveGateway, key: str, server: McpFixture) -> None:
    declare(live, server)
    answer = await list_tools(live, key)
    named = [(tool["mcp_info"]["server_name"], tool["name"]) for tool in answer["tools"]]
    assert named == [
        *(("fix", tool) for tool in ("add", "echo", "ask")),
        *(("other", tool) for tool in ("add", "echo", "wait", "ask")),
    ]
    assert answer["error"] is None
    assert answer["tools"][0]["inputSchema"]["required"] == ["a", "b"]
    assert answer["tools"][0]["mcp_info"]["server_id"] == "fix-1"
    for query in ({"server_id": "fix-1"}, {"mcp_server_name": "f"}):
        assert [tool["name"] for tool in (await list_tools(live, key, **query))["tools"]] == [
            "add",
            "echo",
            "ask",
        ]


async def test_only_admins_see_what_nobody_may_call(live: LiveGateway, key: str, server: McpFixture) -> None:
    declare(live, server)
    query = {"server_id": "fix", "include_disabled_tools": "true"}
    assert len((await list_tools(live, key, **query))["tools"]) == 3
    assert len((await list_tools(live, MASTER_KEY, **query))["tools"]) == 4


async def test_a_list_says_what_is_missing(live: LiveGateway, key: str, server: McpFixture) -> None:
    declare(live, server, servers={"away": {"url": AWAY}})
    answer = await list_tools(live, key)
    assert len(answer["tools"]) == 7
    assert answer["error"] == "server_error"
    assert "'away'" in answer["message"]
    outcomes = {one["server_name"]: one["status"] for one in answer["server_outcomes"]}
    assert outcomes == {"fix": "ok", "other": "ok", "away": "error"}


async def test_a_list_of_a_server_that_is_not_there_or_not_allowed(
    live: LiveGateway, server: McpFixture
) -> None:
    declare(live, server)
    key = await live.make_key(object_permission={"mcp_servers": ["other-1"]})
    assert len((await list_tools(live, key))["tools"]) == 4
    for query, error in (("fix-1", "access_denied"), ("none", "server_not_found")):
        answer = await list_tools(live, key, server_id=query)
        assert (answer["tools"], answer["error"]) == ([], error)


async def test_a_call(live: LiveGateway, key: str, server: McpFixture) -> None:
    declare(live, server)
    response = await call(live, key)
    assert response.status_code == 200
    assert response.json()["content"][0]["text"] == "5"
    assert server.calls == [("add", {"a": 2, "b": 3})]
    rows = [row.members["mcp_namespaced_tool_name"] for row in await live.rows(key)]
    assert rows == ["fix/add"]
    assert key not in str(server.headers)


@pytest.mark.parametrize(
    ("members", "status", "param"),
    [
        ({"name": None}, 400, "name"),
        ({"server_id": ""}, 400, "server_id"),
        ({"arguments": [1]}, 400, "arguments"),
        ({"server_id": "none"}, 404, "server_id"),
        ({"server_id": "other-1"}, 403, "mcp_server"),
        ({"name": "wait"}, 403, "name"),
        ({"name": "nothing"}, 403, "name"),
    ],
)
async def test_a_call_that_is_refused(
    live: LiveGateway, server: McpFixture, members: Any, status: int, param: str
) -> None:
    declare(live, server)
    permission = {"mcp_tool_permissions": {"fix-1": ["add", "wait"]}, "mcp_servers": ["fix-1"]}
    response = await call(live, await live.make_key(object_permission=permission), **members)
    assert (response.status_code, response.json()["error"]["param"]) == (status, param)
    assert server.calls == []


async def test_bodies_that_are_no_calls(live: LiveGateway, key: str, server: McpFixture) -> None:
    declare(live, server)
    twice = '{"server_id": "fix", "server_id": "other", "name": "add"}'
    for body in ("", "[]", "{", twice):
        headers = {**bearer(key), "content-type": "application/json"}
        response = await live.http.post(CALL, content=body, headers=headers)
        assert response.status_code == 400, body
    assert (await live.http.post(CALL, json={})).status_code == 401
    assert (await live.http.get(CALL, headers=bearer(key))).status_code == 405
    assert (await live.http.get("/mcp-rest/tools", headers=bearer(key))).status_code == 404
    assert server.calls == []


async def test_guardrails_see_calls_and_results(live: LiveGateway, server: McpFixture) -> None:
    keywords = {
        "guardrail_name": "words",
        "litellm_params": {
            "guardrail": "keywords",
            "mode": ["pre_mcp_call", "post_mcp_call"],
            "default_on": True,
            "blocked_words": [{"keyword": "forbidden", "action": "BLOCK"}],
        },
    }
    declare(live, server, guardrails=[keywords])
    key = await live.make_key()
    assert (await call(live, key, name="echo", arguments={"text": "fine"})).status_code == 200
    refused = await call(live, key, name="echo", arguments={"text": "forbidden"})
    assert (refused.status_code, len(server.calls)) == (400, 1)
