"""MCP servers that are away, hang up, hang or break off: callers hear which one, in their own protocol."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.request_path.mcp import open_older, post
from tests.integration.serving import LiveGateway, bearer, deployment
from tests.upstreams import replies
from tests.wild_mcp_server import WildServer

pytestmark = pytest.mark.asyncio(loop_scope="session")

AWAY = "http://127.0.0.1:9/mcp"
REQUEST = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "fix-x", "arguments": {}}}
EVENTS = "text/event-stream"
NEWS = 'data: {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info"}}\n\n'
FAULTS: dict[str, tuple[int, str]] = {
    "away": (503, "Cannot connect to the MCP server 'fix'."),
    "hangs up": (502, "The MCP server 'fix' has hung up without an answer."),
    "hangs": (504, "The MCP server 'fix' did not answer in time."),
    "no HTTP": (502, "The answer of the MCP server 'fix' cannot be read, or is too large."),
    "breaks off": (502, "The answer of the MCP server 'fix' broke off."),
}
BYTES = {
    "hangs up": b"",
    "hangs": None,
    "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "breaks off": b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 90\r\n\r\n{",
}


@pytest_asyncio.fixture(loop_scope="session")
async def wild() -> AsyncIterator[WildServer]:
    async with WildServer() as running:
        yield running


def declare(live: LiveGateway, wild: WildServer, fault: str, **settings: Any) -> None:
    wild.answer = BYTES.get(fault)
    fix = {"url": AWAY if fault == "away" else wild.url, "transport": "http", "timeout": 0.3, **settings}
    live.configure(deployment("m", live.upstream), mcp_servers={"fix": fix, "other": {"url": AWAY}})


async def ask_one(live: LiveGateway, key: str) -> Any:
    return await post(live, key, REQUEST, "/fix/mcp")


async def ask_several(live: LiveGateway, key: str) -> Any:
    return await post(live, key, REQUEST, "/mcp")


async def ask_plainly(live: LiveGateway, key: str) -> Any:
    return await live.post("/mcp-rest/tools/call", key, {"server_id": "fix", "name": "x", "arguments": {}})


BY_MESSAGE: dict[str, Callable[[LiveGateway, str], Awaitable[Any]]] = {"single": ask_one, "roof": ask_several}


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_server_is_named_with_a_fitting_status(
    live: LiveGateway, key: str, wild: WildServer, fault: str
) -> None:
    status, text = FAULTS[fault]
    declare(live, wild, fault)
    for door, ask in {**BY_MESSAGE, "plain": ask_plainly}.items():
        answer = await ask(live, key)
        told = answer.json()
        assert answer.status_code == status, (door, answer.text)
        assert (told["error"]["message"], told["error"]["param"]) == (text, "mcp_server"), door
        if door in BY_MESSAGE:
            assert (told["jsonrpc"], told["id"], told["error"]["code"]) == ("2.0", 7, -32000), door
        else:
            assert "jsonrpc" not in told
            assert told["error"]["code"] == str(status)
    listed = await live.http.get("/mcp-rest/tools/list", headers=bearer(key))
    (outcome,) = [one for one in listed.json()["server_outcomes"] if one["server_name"] == "fix"]
    assert (outcome["status"], outcome["message"]) == ("error", text)
    assert "model provider" not in listed.text
    await live.settled()
    assert live.held_nanos(key) == 0


async def test_a_stream_that_breaks_off_ends_with_an_answer(
    live: LiveGateway, key: str, wild: WildServer
) -> None:
    declare(live, wild, "breaks off")
    wild.answer = f"HTTP/1.1 200 OK\r\ncontent-type: {EVENTS}\r\ncontent-length: 999\r\n\r\n{NEWS}".encode()
    answer = await ask_one(live, key)
    assert answer.status_code == 200, answer.text
    *_, last = [line for line in answer.text.splitlines() if line.startswith("data: ")]
    told = json.loads(last.removeprefix("data: "))
    assert (told["jsonrpc"], told["id"], told["error"]["code"]) == ("2.0", 7, -32000)
    assert told["error"]["message"] == FAULTS["breaks off"][1]


async def test_clients_of_the_older_transport_hear_of_it_too(
    live: LiveGateway, key: str, wild: WildServer
) -> None:
    declare(live, wild, "breaks off")
    for fault in ("hangs up", "stream"):
        wild.answer = BYTES.get(fault, wild.answer)
        if fault == "stream":
            head = f"HTTP/1.1 200 OK\r\ncontent-type: {EVENTS}\r\ncontent-length: 999\r\n\r\n"
            wild.answer = f"{head}{NEWS}".encode()
        async with open_older(live, "/fix/mcp/sse", bearer(key)) as client:
            told = await client.ask(live, "tools/call", {"name": "x", "arguments": {}}, 9)  # type: ignore[union-attr]  opened
        assert (
            "the MCP server 'fix'" in told["error"]["message"]
            or "The MCP server 'fix'" in told["error"]["message"]
        )


async def test_a_model_hears_of_it(live: LiveGateway, key: str, wild: WildServer) -> None:
    tools = {"tools": [{"name": "x", "inputSchema": {"type": "object"}}], "supportedVersions": ["2026-07-28"]}
    declare(live, wild, "hangs up", server_id="model")
    wild.tell(json.dumps({"jsonrpc": "2.0", "id": 1, "result": tools}))
    assert (
        len((await live.http.get("/mcp-rest/tools/list?server_id=fix", headers=bearer(key))).json()["tools"])
        == 1
    )
    wild.answer = b""
    call = {"id": "c", "type": "function", "function": {"name": "fix-x", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    head = {"id": "one", "object": "chat.completion", "created": 1, "model": "m"}
    choices = [{"index": 0, "message": message, "finish_reason": "tool_calls"}]
    live.upstream.script += [
        replies.raw(200, json.dumps({**head, "choices": choices}).encode()),
        replies.ok("Done"),
    ]
    own = {"type": "mcp", "server_url": "litellm_proxy/mcp/fix", "require_approval": "never"}
    answer = await live.chat(key, tools=[own])
    assert answer.status_code == 200, answer.text
    told = live.upstream.requests[-1].json["messages"][-1]["content"]
    assert told == f"The call failed: {FAULTS['hangs up'][1]}"
