"""Answers that their server breaks off, for the client to come back to (2025-11-25, SEP-1699)."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
import pytest_asyncio

from gateway.settings.guardrails import GuardrailMode
from tests.integration.request_path.guarded import WORD, Probe, install_for_mcp
from tests.integration.request_path.mcp import connect, connect_older, post, text_of
from tests.integration.serving import LiveGateway, bearer, deployment
from tests.mcp_conformance.server import build_app
from tests.mcp_conformance.serving import serving
from tests.wild_mcp_server import WildServer

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning"),
]

MODERN = b"2026-07-28"
EVENTS = "text/event-stream"
TOOL = "test_reconnection"
OLD_ONLY = json.dumps({"jsonrpc": "2.0", "id": 1, "error": {"code": -32600, "message": "m"}}).encode()


class Resumable:
    """The server of conformance, without the revision that knows no sessions; `came_back` are its GETs."""

    def __init__(self) -> None:
        self._app = build_app()
        self.came_back: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = dict(scope.get("headers", ()))
        if headers.get(b"mcp-protocol-version") == MODERN:
            named = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": 400, "headers": named})
            await send({"type": "http.response.body", "body": OLD_ONLY})
            return
        if last := headers.get(b"last-event-id"):
            self.came_back.append(last.decode())
        await self._app(scope, receive, send)


SERVER = Resumable()


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def url() -> AsyncIterator[str]:
    async with serving(SERVER) as found:
        yield found


def declare(live: LiveGateway, url: str) -> None:
    SERVER.came_back.clear()
    one = {"url": url, "transport": "http", "server_id": "group/one"}
    live.configure(deployment("m", live.upstream), mcp_servers={"fix": one, "other": {"url": url}})


async def call_one(live: LiveGateway, key: str) -> str:
    async with connect(live, key, "/fix/mcp", "legacy") as client:
        return text_of(await client.call_tool(TOOL, {}))


async def call_under_the_roof(live: LiveGateway, key: str) -> str:
    async with connect(live, key, "/mcp", "legacy") as client:
        return text_of(await client.call_tool(f"fix-{TOOL}", {}))


async def call_one_by_the_older_transport(live: LiveGateway, key: str) -> str:
    async with connect_older(live, key, "/fix/mcp/sse") as client:
        return text_of(await client.call_tool(TOOL, {}))


async def call_by_the_older_transport(live: LiveGateway, key: str) -> str:
    async with connect_older(live, key, "/mcp/sse") as client:
        return text_of(await client.call_tool(f"fix-{TOOL}", {}))


async def call_by_rest(live: LiveGateway, key: str) -> str:
    body = {"server_id": "fix", "name": TOOL, "arguments": {}}
    answer = await live.post("/mcp-rest/tools/call", key, body)
    assert answer.status_code == 200, answer.text
    return answer.json()["content"][0]["text"]


DOORS: dict[str, Callable[[LiveGateway, str], Awaitable[str]]] = {
    "single": call_one,
    "roof": call_under_the_roof,
    "older single": call_one_by_the_older_transport,
    "older roof": call_by_the_older_transport,
    "rest": call_by_rest,
}


@pytest.mark.parametrize("door", DOORS)
async def test_the_rest_of_an_answer_is_fetched(live: LiveGateway, key: str, url: str, door: str) -> None:
    declare(live, url)
    assert await DOORS[door](live, key) == "still there"
    assert SERVER.came_back
    assert all(" " not in last for last in SERVER.came_back), "each server knows its own ids"


async def test_a_server_that_tells_nothing_new_is_not_asked_for_ever(live: LiveGateway, key: str) -> None:
    body = {"server_id": "wild", "name": "x", "arguments": {}}
    async with WildServer() as wild:
        wild.tell("id: 1\nretry: 0\ndata:\n\n", EVENTS)
        live.configure(deployment("m", live.upstream), mcp_servers={"wild": {"url": wild.url}})
        answer = await live.post("/mcp-rest/tools/call", key, body)
        assert answer.status_code >= 500
        assert wild.requests < 12
    await live.settled()


async def test_ids_of_others_events_lead_nowhere(live: LiveGateway, key: str, url: str) -> None:
    declare(live, url)
    about = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}
    begun = await post(
        live, key, {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": about}, "/fix/mcp"
    )
    headers = {**bearer(key), "accept": EVENTS, "mcp-session-id": begun.headers["mcp-session-id"]}
    answer = await live.http.get("/other/mcp", headers={**headers, "last-event-id": "group/one 1"})
    assert answer.status_code == 404
    assert SERVER.came_back == []


def event(message: dict[str, Any]) -> str:
    return f"id: 7\nevent: message\ndata: {json.dumps({'jsonrpc': '2.0', **message})}\n\n"


SAID = f"over {WORD}"
RESULT = event({"id": 1, "result": {"content": [{"type": "text", "text": f"you said {SAID}"}]}})
NEWS = event({"method": "notifications/message", "params": {"level": "info", "data": f"I am {SAID}"}})
PRIMING = "id: 6\nretry: 10\ndata:\n\n"
OUTCOMES = {
    **{("pass", lenient): (2, 0) for lenient in (False, True)},
    ("mask", False): (0, 2),
    ("block", False): (0, 0),
    ("raise", False): (0, 0),
    ("hang", False): (0, 0),
    ("raise", True): (2, 0),
}


async def test_what_comes_later_is_inspected_as_what_came_at_once(live: LiveGateway, key: str) -> None:
    """A caller might break off an answer on purpose, to have the rest by a request that calls no tool."""
    async with WildServer() as wild:
        live.configure(deployment("m", live.upstream), mcp_servers={"fix": {"url": wild.url}})
        bare = live.gateway.snapshot
        wild.tell(PRIMING + NEWS + RESULT, EVENTS)
        for (outcome, is_lenient), (said, masked) in OUTCOMES.items():
            live.gateway.snapshot = bare
            probe = Probe(outcome)
            deadline = 0.03 if outcome == "hang" else 5
            mode = GuardrailMode.POST_MCP_CALL
            install_for_mcp(live, probe, mode, deadline_seconds=deadline, is_lenient=is_lenient)
            headers = {**bearer(key), "accept": EVENTS, "last-event-id": "6"}
            answer = await live.http.get("/fix/mcp", headers=headers)
            about = f"{outcome}, {is_lenient}: {answer.text}"
            assert answer.status_code == httpx.codes.OK, about
            assert (answer.text.count(SAID), answer.text.count("[MASKED]")) == (said, masked), about
            assert "secret detail" not in answer.text
            assert SAID in probe.text
            if said or masked:
                assert answer.text.count("id: 7\n") == 2, "a client can come back once more"
                assert PRIMING in answer.text
