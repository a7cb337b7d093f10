"""The relay to MCP servers, with the official SDK on both sides and in both generations of the protocol."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.request_path.mcp import connect, names_of, post, text_of
from tests.integration.serving import MASTER_KEY, LiveGateway, deployment
from tests.mcp_servers import McpFixture

pytestmark = pytest.mark.asyncio(loop_scope="session")

MODES = ["legacy", "auto"]
WAYS = [("/fix/mcp", "legacy"), ("/mcp/fix", "auto"), ("/mcp/other.id", "auto")]
SECRET = "of-the-server-itself"


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def clean(server: McpFixture) -> None:
    server.calls.clear()
    server.headers.clear()


def declare(live: LiveGateway, server: McpFixture, **sections: Any) -> None:
    settings = sections.pop("settings", {})
    fix = {
        "url": server.url,
        "transport": "http",
        "server_id": "other.id",
        "auth_type": "bearer_token",
        "auth_value": SECRET,
        **settings,
    }
    live.configure(deployment("m", live.upstream), mcp_servers={"fix": fix}, **sections)


@pytest.mark.parametrize(("path", "mode"), WAYS)
async def test_a_client_lists_and_calls(
    live: LiveGateway, key: str, server: McpFixture, path: str, mode: str
) -> None:
    declare(live, server)
    async with connect(live, key, path, mode) as client:
        assert await names_of(client) == ["add", "echo", "wait", "ask"]
        assert text_of(await client.call_tool("add", {"a": 2, "b": 3})) == "5"
    assert server.calls == [("add", {"a": 2, "b": 3})]
    assert {one["authorization"] for one in server.headers} == {f"Bearer {SECRET}"}
    assert key not in str(server.headers)
    rows = [row for row in await live.rows(key) if row.members["mcp_namespaced_tool_name"]]
    assert [(row.call_type, row.members["mcp_namespaced_tool_name"], row.status) for row in rows] == [
        ("call_mcp_tool", "fix/add", "success")
    ]
    assert SECRET not in str([row.members for row in await live.rows(key)])


@pytest.mark.parametrize("mode", MODES)
async def test_one_predicate_lists_and_calls(live: LiveGateway, server: McpFixture, mode: str) -> None:
    await check_one_predicate(live, server, mode)


async def test_answers_without_events_are_read_as_well(live: LiveGateway) -> None:
    async with McpFixture(is_json=True) as server:
        await check_one_predicate(live, server, "auto")


async def check_one_predicate(live: LiveGateway, server: McpFixture, mode: str) -> None:
    declare(live, server, settings={"disallowed_tools": ["wait"]})
    permission = {"mcp_tool_permissions": {"fix": ["add", "wait"]}}
    key = await live.make_key(object_permission=permission)
    async with connect(live, key, mode=mode) as client:
        assert await names_of(client) == ["add"]
        assert text_of(await client.call_tool("add", {"a": 1, "b": 1})) == "2"
        for tool in ("echo", "wait"):
            with pytest.raises(Exception, match=r".*"):
                await client.call_tool(tool, {"text": "x"} if tool == "echo" else {})
    assert [name for name, _ in server.calls] == ["add"]
    async with connect(live, MASTER_KEY, mode=mode) as client:
        assert await names_of(client) == ["add", "echo", "ask"], "what the operator takes away nobody has"


def calling(name: str, **arguments: Any) -> dict[str, Any]:
    return {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": name, "arguments": arguments},
    }


async def test_who_may_not_is_refused(live: LiveGateway, server: McpFixture, key: str) -> None:
    declare(live, server)
    assert (await post(live, None, calling("add"))).status_code == 401
    assert (await post(live, "sk-nobody-has-this-key", calling("add"))).status_code == 401
    elsewhere = await live.make_key(object_permission={"mcp_servers": ["another"]})
    none = await live.make_key(object_permission={"mcp_servers": ["no_mcp_servers"]})
    for one in (elsewhere, none):
        refused = await post(live, one, calling("add"))
        assert (refused.status_code, refused.json()["error"]["type"]) == (403, "mcp_server_access_denied")
    blocked = await live.make_key(object_permission={"blocked_tools": ["add"]})
    refused = await post(live, blocked, calling("add"))
    assert (refused.status_code, refused.json()["error"]["type"]) == (403, "mcp_tool_access_denied")
    assert (await post(live, key, calling("add"), "/nobody/mcp")).status_code == 404
    assert server.calls == []
    assert server.headers == []
    declare(live, server, settings={"allow_all_keys": True})
    assert (await post(live, elsewhere, calling("add"))).status_code != 403
    assert (await post(live, none, calling("add"))).status_code == 403


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ([calling("add")], "body"),
        ('{"jsonrpc": "2.0", "method": "tools/list", "method": "tools/call", "id": 1}', "body"),
        ('{"method": "tools/call", "params": {"name": "add", "name": "wait"}}', "body"),
        ({"method": "tools/call", "params": {}}, "params.name"),
        ({"method": "tools/call"}, "params.name"),
        ("7", "body"),
    ],
)
async def test_what_may_be_read_in_two_ways_is_refused(
    live: LiveGateway, server: McpFixture, key: str, body: Any, param: str
) -> None:
    declare(live, server)
    refused = await post(live, key, body)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)
    assert server.headers == []


async def test_a_header_that_says_something_else_is_refused(
    live: LiveGateway, server: McpFixture, key: str
) -> None:
    declare(live, server)
    for header in ({"mcp-method": "tools/list"}, {"mcp-name": "echo"}):
        assert (await post(live, key, calling("add"), **header)).status_code == 400
    assert server.headers == []


WORDS = {
    "guardrail": "keywords",
    "mode": ["pre_mcp_call", "post_mcp_call"],
    "default_on": True,
    "blocked_words": [{"keyword": "aurora"}, {"keyword": "borealis", "action": "MASK"}],
}


@pytest.mark.parametrize("mode", MODES)
async def test_guardrails_see_arguments_and_results(
    live: LiveGateway, server: McpFixture, key: str, mode: str
) -> None:
    declare(live, server, guardrails=[{"guardrail_name": "words", "litellm_params": WORDS}])
    async with connect(live, key, mode=mode) as client:
        assert await names_of(client) == ["add", "echo", "wait", "ask"]
        assert (
            text_of(await client.call_tool("echo", {"text": "a borealis"})) == "you said a [KEYWORD_REDACTED]"
        )
        with pytest.raises(Exception, match=r".*"):
            await client.call_tool("echo", {"text": "aurora"})
    assert server.calls == [("echo", {"text": "a [KEYWORD_REDACTED]"})]
    called = [row for row in await live.rows(key) if row.members["mcp_namespaced_tool_name"]]
    runs = [
        (run["guardrail_mode"], run["guardrail_action"])
        for row in called
        for run in row.details["guardrail_information"]
    ]
    assert runs == [("pre_mcp_call", "mask"), ("post_mcp_call", "pass"), ("pre_mcp_call", "block")]
    assert [row.status for row in called] == ["success", "failure"]
    listed = [row for row in await live.rows(key) if not row.members["mcp_namespaced_tool_name"]]
    assert all("guardrail_information" not in row.details for row in listed)


@pytest.mark.parametrize("mode", ["pre_call", "post_call"])
async def test_guardrails_of_models_do_not_see_tools(
    live: LiveGateway, server: McpFixture, key: str, mode: str
) -> None:
    params = {**WORDS, "mode": mode}
    declare(live, server, guardrails=[{"guardrail_name": "words", "litellm_params": params}])
    async with connect(live, key) as client:
        assert text_of(await client.call_tool("echo", {"text": "aurora"})) == "you said aurora"


async def test_a_key_has_its_limits(live: LiveGateway, server: McpFixture) -> None:
    declare(live, server)
    key = await live.make_key(rpm_limit=1)
    statuses = [
        (await post(live, key, {"jsonrpc": "2.0", "id": 1, "method": "ping"})).status_code for _ in range(2)
    ]
    assert statuses[1] == 429


INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"},
    },
}
LIST = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}


async def test_a_session_is_its_keys_own(live: LiveGateway, server: McpFixture, key: str) -> None:
    declare(live, server)
    begun = await post(live, key, INITIALIZE)
    session = {"mcp-session-id": begun.headers["mcp-session-id"]}
    assert (await post(live, key, LIST, **session)).status_code == 200
    asked = [one["mcp-session-id"] for one in server.headers if "mcp-session-id" in one]
    assert asked
    assert asked[0] not in session["mcp-session-id"], "the server's own name for it stays here"
    count = len(server.headers)
    other = await live.make_key()
    for who, text in ((other, session["mcp-session-id"]), (key, asked[0]), (key, "x")):
        refused = await post(live, who, LIST, **{"mcp-session-id": text})
        assert (refused.status_code, refused.json()["error"]["param"]) == (404, "mcp-session-id")
    assert len(server.headers) == count, "nobody asks the server"
    ended = await live.http.delete("/fix/mcp", headers={"authorization": f"Bearer {key}", **session})
    assert ended.status_code == 200
    assert (await post(live, key, LIST, **session)).status_code == 404, "the server has forgotten it"


async def test_waiting_for_news_takes_no_slot(live: LiveGateway, server: McpFixture) -> None:
    declare(live, server)
    key = await live.make_key(max_parallel_requests=1)
    session = {"mcp-session-id": (await post(live, key, INITIALIZE)).headers["mcp-session-id"]}
    sent = {"authorization": f"Bearer {key}", "accept": "text/event-stream", **session}
    async with live.http.stream("GET", "/fix/mcp", headers=sent, timeout=5) as news:
        assert news.status_code == 200
        assert (await post(live, key, LIST, **session)).status_code == 200
