"""Clients of the transport before streamable HTTP: the official SDK's, and posts to any worker."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from mcp import MCPError
from mcp.types import ElicitResult

from tests.integration.request_path.mcp import OlderClient, connect_older, names_of, open_older, text_of
from tests.integration.serving import LiveGateway, bearer, deployment, eventually, serve_here
from tests.mcp_servers import McpFixture

pytestmark = pytest.mark.asyncio(loop_scope="session")

PRICES = {"mcp_server_cost_info": {"default_cost_per_query": 0.25}}
PING: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {}}
CALL = {"name": "add", "arguments": {"a": 1, "b": 2}}


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def other(
    shared_gateway: LiveGateway, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[LiveGateway]:
    """Another worker of the same gateway."""
    url, folder = shared_gateway.environ["DATABASE_URL"], tmp_path_factory.mktemp("other")
    async with serve_here(shared_gateway.upstream, url, folder) as running:
        yield running


def declare(server: McpFixture, *gateways: LiveGateway, **settings: Any) -> None:
    server.calls.clear()
    server.headers.clear()
    servers = {"fix": {"url": server.url, "disallowed_tools": ["echo"], "mcp_info": PRICES, **settings}}
    for one in gateways:
        one.configure(deployment("m", one.upstream), mcp_servers=servers)


@pytest.mark.parametrize(
    ("path", "prefix", "mode"),
    [("/fix/mcp/sse", "", "legacy"), ("/mcp/fix/sse", "", "auto"), ("/mcp/sse", "fix-", "auto")],
)
async def test_the_sdks_client(
    live: LiveGateway, server: McpFixture, path: str, prefix: str, mode: str
) -> None:
    declare(server, live)
    key = await live.make_key()

    async def choose(*_: object) -> ElicitResult:
        return ElicitResult(action="accept", content={"answer": "green"})

    async with connect_older(live, key, path, mode, elicitation_callback=choose) as client:
        names = await names_of(client)
        assert f"{prefix}add" in names
        assert f"{prefix}echo" not in names
        assert text_of(await client.call_tool(f"{prefix}add", {"a": 2, "b": 3})) == "5"
        assert text_of(await client.call_tool(f"{prefix}ask", {})) == "green"
        with pytest.raises(MCPError, match="no tool"):
            await client.call_tool(f"{prefix}echo", {"text": "no"})
        assert text_of(await client.call_tool(f"{prefix}add", {"a": 2, "b": 2})) == "4", "it goes on"
    assert [row.nanos for row in await live.rows(key) if row.nanos] == [250_000_000] * 3
    assert "echo" not in str(server.calls)


async def test_any_worker_takes_messages(live: LiveGateway, other: LiveGateway, server: McpFixture) -> None:
    declare(server, live, other, disallowed_tools=[])
    key = await live.make_key(max_parallel_requests=4)
    for holder, taker in ((live, other), (other, live)):
        async with open_older(holder, "/fix/mcp/sse", bearer(key)) as client:
            assert isinstance(client, OlderClient)
            assert await client.begin(taker) is None
            for identifier, length in enumerate((3, 20_000)):
                call = {"name": "echo", "arguments": {"text": "x" * length}}
                answer = await client.ask(taker, "tools/call", call, identifier)
                assert answer["result"]["content"][0]["text"] == "you said " + "x" * length
            answers = [client.ask(one, "tools/call", CALL, one.origin) for one in (live, other)]
            first = await client.post(taker, message_of("tools/call", {"name": "wait", "arguments": {}}, "w"))
            assert first.status_code == 202, "nobody waits for what takes long"
            assert [(await one)["result"]["isError"] for one in answers] == [False, False]
            server.slow.set()
            assert (await client.wait_for("w"))["result"]["content"][0]["text"] == "done"
            server.slow.clear()
            refused = await client.ask(taker, "tools/call", {"name": "nothing", "arguments": {}})
            assert refused["result"]["isError"]
        async with asyncio.timeout(20):
            # That the stream is closed is noticed a moment later.
            while (await client.post(taker, PING)).status_code != 404:  # noqa: ASYNC110  another worker
                await asyncio.sleep(0.05)


async def test_who_is_refused_what(live: LiveGateway, other: LiveGateway, server: McpFixture) -> None:
    declare(server, live, other)
    key, stranger = await live.make_key(), await live.make_key()
    elsewhere = await live.make_key(object_permission={"mcp_servers": ["another"]})
    held = await live.make_key(allowed_routes=["mcp_routes"])
    modern = {**bearer(key), "mcp-protocol-version": "2026-07-28"}
    for headers, status in (({}, 401), (bearer("sk-nobody"), 401), (bearer(elsewhere), 403), (modern, 400)):
        for path in ("/fix/mcp/sse", "/mcp/fix/sse"):
            answer = await live.http.get(path, headers=headers)
            assert answer.status_code == status, answer.text
    assert answer.json()["error"]["data"]["supported"][-1] == "2025-11-25"
    assert not server.headers

    for path in (
        "/fix/mcp/sse/messages",
        "/fix/mcp/sse/messages?session_id=made-up",
        "/nobody/mcp/sse/messages",
    ):
        assert (await live.http.post(path, json=PING, headers=bearer(key))).status_code == 404
    assert (await live.http.get("/fix/mcp/sse/messages", headers=bearer(key))).status_code == 405
    async with open_older(live, "/fix/mcp/sse", bearer(held)) as client:
        assert isinstance(client, OlderClient)
        assert await client.begin(live) is None
        elsewhere_posted = client.address.replace("/fix/mcp/", "/mcp/fix/")
        assert (await live.http.post(elsewhere_posted, json=PING, headers=bearer(held))).status_code == 404
        for taker in (live, other):
            posted = [
                await client.post(taker, PING, authorization="Bearer sk-nobody"),
                await client.post(taker, PING, authorization=f"Bearer {stranger}"),
                await client.post(taker, PING, **{"mcp-protocol-version": "2026-07-28"}),
                await client.post(taker, b"{"),
            ]
            assert [one.status_code for one in posted] == [401, 404, 400, 400]
            assert (await client.ask(taker, "ping", {}))["result"] == {}, "it goes on"


async def test_the_call_of_a_client_that_leaves_ends(
    live: LiveGateway, other: LiveGateway, server: McpFixture
) -> None:
    declare(server, live, other)
    key = await live.make_key(max_parallel_requests=1)
    for taker in (live, other):
        server.calls.clear()
        server.cancelled.clear()
        async with open_older(live, "/fix/mcp/sse", bearer(key)) as client:
            assert isinstance(client, OlderClient)
            assert await client.begin(taker) is None
            await client.post(taker, message_of("tools/call", {"name": "wait", "arguments": {}}))
            await eventually(lambda: bool(server.calls))
        async with asyncio.timeout(20):
            await server.cancelled.wait()
    await live.settled()
    assert live.held_nanos(key) == 0


async def test_streams_outlive_a_reload_and_end_with_their_servers_session(
    live: LiveGateway, server: McpFixture
) -> None:
    declare(server, live)
    key = await live.make_key()
    async with open_older(live, "/fix/mcp/sse", bearer(key)) as client:
        assert isinstance(client, OlderClient)
        assert await client.begin(live) is None
        declare(server, live)
        assert "result" in await client.ask(live, "tools/call", CALL)
        server.refuse = lambda path, headers: (404, {}, b"") if "mcp-session-id" in headers else None
        try:
            answer = await client.post(live, message_of("tools/call", CALL, 7))
            assert answer.status_code in (202, 404)
            assert "error" in await client.wait_for(7)
            with pytest.raises(EOFError):
                await client.wait_for(8)
        finally:
            server.refuse = lambda path, headers: None


def message_of(method: str, params: Any, identifier: Any = 1) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": identifier, "method": method, "params": params}
