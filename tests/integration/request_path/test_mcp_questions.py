"""Servers that may not ask clients for something: neither client nor model hears of such a question."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from mcp_types import ElicitResult

from tests.integration.request_path.mcp import connect, post
from tests.integration.serving import LiveGateway, bearer, deployment
from tests.mcp_servers import McpFixture
from tests.wild_mcp_server import WildServer

pytestmark = pytest.mark.asyncio(loop_scope="session")

NEITHER = {"allow_sampling": False, "allow_elicitation": False}
SAMPLE = {"jsonrpc": "2.0", "id": 5, "method": "sampling/createMessage", "params": {}}
ELICIT = {"jsonrpc": "2.0", "id": "e", "method": "elicitation/create", "params": {}}
DONE = {"jsonrpc": "2.0", "method": "notifications/elicitation/complete", "params": {}}
ROOTS = {"jsonrpc": "2.0", "id": 6, "method": "roots/list"}
RESULT = {"jsonrpc": "2.0", "id": 1, "result": {"content": [], "said": "it"}}


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture() as running:
        yield running


def declare(live: LiveGateway, url: str, **settings: Any) -> None:
    fix = {"url": url, "transport": "http", **settings}
    live.configure(deployment("m", live.upstream), mcp_servers={"fix": fix})


def frame(*messages: object) -> str:
    return "".join(f"id: {place}\ndata: {json.dumps(one)}\n\n" for place, one in enumerate(messages, 1))


async def call(live: LiveGateway, key: str, method: str = "resources/list", **params: Any) -> str:
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return (await post(live, key, message)).text


@pytest.mark.parametrize(("path", "tool"), [("/fix/mcp", "ask"), ("/mcp", "fix-ask")])
async def test_a_server_learns_that_clients_answer_nothing(
    live: LiveGateway, key: str, server: McpFixture, path: str, tool: str
) -> None:
    heard = asyncio.Event()

    async def answer(*_: Any) -> ElicitResult:
        heard.set()
        return ElicitResult(action="accept", content={"answer": "blue"})

    for is_allowed in (True, False):
        declare(live, server.url, allow_elicitation=is_allowed)
        heard.clear()
        async with connect(live, key, path, "legacy", elicitation_callback=answer) as client:
            try:
                said = str(await client.call_tool(tool))
            except Exception as error:  # noqa: BLE001  whichever the SDK makes of it
                said = str(error)
        assert (heard.is_set(), "blue" in said) == (is_allowed, is_allowed), said


@pytest.mark.parametrize(
    ("settings", "passed", "refused"),
    [
        (NEITHER, {"roots/list"}, [5, "e"]),
        ({"allow_sampling": False}, {"roots/list", "elicitation/create", DONE["method"]}, [5]),
        ({"allow_elicitation": False}, {"roots/list", "sampling/createMessage"}, ["e"]),
        ({}, {"roots/list", "sampling/createMessage", "elicitation/create", DONE["method"]}, []),
    ],
)
async def test_what_it_asks_all_the_same_is_refused_in_the_clients_place(
    live: LiveGateway, key: str, settings: Any, passed: set[str], refused: list[Any]
) -> None:
    async with WildServer() as wild:
        declare(live, wild.url, **settings)
        wild.tell(frame(SAMPLE, [ELICIT, DONE], ROOTS, RESULT), "text/event-stream")
        told = await call(live, key)
        assert '"said"' in told
        assert {one for one in (*passed, SAMPLE["method"], ELICIT["method"]) if str(one) in told} == passed
        answers = [json.loads(body) for body in wild.bodies[1:]]
        assert [one["id"] for one in answers] == refused
        assert all(one["error"]["code"] == -32601 for one in answers)
        # Whoever comes back by the id of an event goes on behind it.
        assert [f"id: {place}" in told for place in (1, 2, 3, 4)] == [True] * 4
        assert "data: \n" not in told


async def test_an_answer_that_asks_is_an_error(live: LiveGateway, key: str) -> None:
    def wish(method: str) -> dict[str, Any]:
        inputs = {"a": {"method": "roots/list"}, "b": {"method": method, "params": {"message": "secret"}}}
        return {
            "jsonrpc": "2.0",
            "id": 1,
            "result": {"resultType": "input_required", "inputRequests": inputs},
        }

    url = {"code": -32042, "message": "open", "data": {"elicitations": [{"url": "https://secret.example"}]}}
    required = {"jsonrpc": "2.0", "id": 1, "error": url}
    async with WildServer() as wild:
        for settings, message, text in (
            (NEITHER, wish("sampling/createMessage"), "asks for sampling"),
            (NEITHER, wish("elicitation/create"), "asks for elicitation"),
            (NEITHER, required, "asks for elicitation"),
            ({"allow_sampling": False}, required, "secret"),
            ({"allow_sampling": False}, wish("elicitation/create"), "secret"),
            (NEITHER, wish("roots/list"), "secret"),
        ):
            declare(live, wild.url, **settings)
            for kind, body in (
                ("application/json", json.dumps(message)),
                ("text/event-stream", frame(message)),
            ):
                wild.tell(body, kind)
                told = await call(live, key)
                assert text in told
                assert ("secret" in told) is (text == "secret")


async def test_what_nobody_can_read_is_not_passed_on(live: LiveGateway, key: str) -> None:
    async with WildServer() as wild:
        declare(live, wild.url, **NEITHER)
        for text in ('{"id": 1, "method": "sampling/createMessage", "x": NaN}', "\ufffd{"):
            wild.tell(f"data: {text}\n\n", "text/event-stream")
            told = await call(live, key)
            assert "sampling" not in told
            assert "no message" in told or "cannot be read" in told


async def test_clients_are_said_to_be_able_to_do_less(live: LiveGateway, key: str) -> None:
    able = {"sampling": {"tools": {}}, "elicitation": {"url": {}}, "roots": {}}
    async with WildServer() as wild:
        wild.tell(json.dumps(RESULT))
        for settings, kept in ((NEITHER, {"roots"}), ({"allow_sampling": False}, {"roots", "elicitation"})):
            declare(live, wild.url, **settings)
            wild.bodies.clear()
            await call(live, key, "initialize", protocolVersion="2025-11-25", capabilities=able)
            await call(live, key, _meta={"io.modelcontextprotocol/clientCapabilities": able, "x": 1})
            first, second = (json.loads(body)["params"] for body in wild.bodies)
            assert set(first["capabilities"]) == kept
            assert set(second["_meta"]["io.modelcontextprotocol/clientCapabilities"]) == kept
            assert second["_meta"]["x"] == 1


async def test_the_stream_of_news_has_no_such_question(live: LiveGateway, key: str) -> None:
    async with WildServer() as wild:
        declare(live, wild.url, **NEITHER)
        wild.tell(frame(SAMPLE, ROOTS), "text/event-stream")
        headers = {**bearer(key), "accept": "text/event-stream", "mcp-protocol-version": "2025-11-25"}
        told = (await live.http.get("/fix/mcp", headers=headers)).text
        assert "roots/list" in told
        assert "sampling" not in told
        assert json.loads(wild.bodies[1])["id"] == 5
