"""The matrix of calls of MCP tools: every way to call one, every mode and outcome, strict and lenient.

The guardrail has seen all that the server and the caller got, or the call was refused.
"""

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
import pytest_asyncio
from gateway_mcp.older.paths import ENDS
from gateway_mcp.places import FORMS
from gateway_mcp.rest import METHODS

from gateway.settings.guardrails import GuardrailMode
from tests.integration.request_path.guarded import Probe, install_for_mcp
from tests.integration.request_path.mcp_doors import (
    DOORS,
    ERA,
    FORM_OF,
    FURTHER,
    META,
    SAID,
    Told,
    make_toolset,
)
from tests.integration.serving import LiveGateway, bearer, deployment
from tests.mcp_servers import McpFixture
from tests.wild_mcp_server import WildServer

pytestmark = pytest.mark.asyncio(loop_scope="session")

PRE, DURING, POST = GuardrailMode.PRE_MCP_CALL, GuardrailMode.DURING_MCP_CALL, GuardrailMode.POST_MCP_CALL


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture() as running:
        yield running


async def test_every_path_of_the_plugin_has_a_door() -> None:
    """What leads to servers, or calls a tool, and has no row here fails."""
    assert set(FORM_OF) == {*DOORS, *FURTHER} - {"chat"}
    posted = {path for path, method in METHODS.items() if method == "POST"}
    assert posted == {"/mcp-rest/tools/call"}
    # What the older transport posts is carried to the stream of the same mount, which calls nothing itself.
    assert set(FORM_OF.values()) == {*(form.path for form in FORMS), *ENDS} - {"/sse"}


@pytest.mark.parametrize("door", FURTHER)
async def test_a_call_by_a_further_path(live: LiveGateway, server: McpFixture, door: str) -> None:
    fix = {"url": server.url, "access_groups": ["crew"]}
    live.configure(deployment("m", live.upstream), mcp_servers={"fix": fix, "other": {"url": server.url}})
    permission: dict[str, Any] = {"mcp_servers": ["fix", "other"]}
    if door == "toolset":
        permission["mcp_toolsets"] = [await make_toolset(live)]
    key = await live.make_key(object_permission=permission)
    bare = live.gateway.snapshot
    for mode, outcome in ((PRE, "block"), (PRE, "mask"), (POST, "block"), (POST, "mask")):
        live.gateway.snapshot = bare
        server.calls.clear()
        probe = Probe(outcome)
        install_for_mcp(live, probe, mode, deadline_seconds=5, is_lenient=False)
        told = await FURTHER[door](live, key)
        assert SAID in probe.text
        check(told, [arguments["text"] for _, arguments in server.calls], mode, outcome, STRICT)


STRICT, LENIENT = "strict", "lenient"
OUTCOMES = [
    *((outcome, STRICT) for outcome in ("pass", "mask", "block", "raise", "hang")),
    *((outcome, LENIENT) for outcome in ("block", "raise", "hang")),
]
"""What the guardrail does, and whether content passes where it fails (`on_error: allow`)."""


@pytest.mark.parametrize("mode", [PRE, DURING, POST])
@pytest.mark.parametrize("door", DOORS)
async def test_a_call(
    live: LiveGateway, key: str, server: McpFixture, door: str, mode: GuardrailMode
) -> None:
    live.configure(deployment("m", live.upstream), mcp_servers={"fix": {"url": server.url}})
    bare = live.gateway.snapshot
    for outcome, manner in OUTCOMES:
        live.gateway.snapshot = bare
        live.upstream.requests.clear()
        server.calls.clear()
        probe = Probe(outcome)
        deadline = 0.03 if outcome == "hang" else 5
        install_for_mcp(live, probe, mode, deadline_seconds=deadline, is_lenient=manner is LENIENT)
        told = await DOORS[door](live, key)
        assert SAID in probe.text
        assert "secret detail" not in told.text
        said = [arguments["text"] for _, arguments in server.calls]
        if mode is DURING:
            # One that was stopped on its way may come late.
            said = list(dict.fromkeys(said))
        check(told, said, mode, outcome, manner)


def check(told: Told, said: list[str], mode: GuardrailMode, outcome: str, manner: str) -> None:
    """What the caller and the server were told is what the guardrail let them be."""
    about = f"{outcome}, {manner}: {told.text}"
    is_refused = outcome == "block" or (outcome in ("raise", "hang") and manner is STRICT)
    # What is sent already cannot be masked.
    is_refused |= outcome == "mask" and mode is DURING
    assert told.is_error is is_refused, about
    if is_refused:
        assert SAID not in told.text, about
        # A call that is stopped on its way may not have got there.
        assert said == ([] if mode is PRE else [SAID]) or (mode is DURING and not said), about
    elif outcome == "mask":
        assert "you said over [MASKED]" in told.text, about
        assert said == ["over [MASKED]" if mode is PRE else SAID], about
    else:
        assert f"you said {SAID}" in told.text, about
        assert said == [SAID], about


def event(message: Mapping[str, Any]) -> str:
    return f"event: message\ndata: {json.dumps({'jsonrpc': '2.0', **message})}\n\n"


NEWS = event({"method": "notifications/message", "params": {"level": "info", "data": f"I am {SAID}"}})
RESULT = event({"id": 1, "result": {"content": [{"type": "text", "text": f"you said {SAID}"}]}})
STREAMS = {"whole": NEWS + RESULT, "broken": NEWS + RESULT[:-30], "broken between": NEWS}


@pytest.mark.parametrize("ending", STREAMS)
async def test_a_stream_tells_nothing_that_nobody_inspected(live: LiveGateway, key: str, ending: str) -> None:
    """A server answers by events, and may break off."""
    async with WildServer() as wild:
        live.configure(deployment("m", live.upstream), mcp_servers={"fix": {"url": wild.url}})
        bare = live.gateway.snapshot
        for outcome, manner in OUTCOMES:
            live.gateway.snapshot = bare
            wild.tell(STREAMS[ending], "text/event-stream")
            assert wild.answer is not None
            if ending != "whole":
                wild.answer = wild.answer.replace(b"content-length: ", b"content-length: 9")
            probe = Probe(outcome)
            deadline = 0.03 if outcome == "hang" else 5
            install_for_mcp(live, probe, POST, deadline_seconds=deadline, is_lenient=manner is LENIENT)
            told = await call_or_break(live, key)
            about = f"{outcome}, {manner}: {told}"
            is_passed = outcome == "pass" or (manner is LENIENT and outcome != "block")
            assert told.count(SAID) <= (probe.text.count(SAID) if is_passed else 0), about
            if ending == "whole":
                assert told.count(SAID) == (2 if is_passed else 0), about
                assert told.count("[MASKED]") == (2 if outcome == "mask" else 0), about
            else:
                # What has come may have gone out, but never as if it were all.
                assert RESULT not in told, about


SAYING = {"content": [{"type": "text", "text": f"you said {SAID}"}], "tools": [{"name": "echo"}]}
WHOLE = event({"id": 1, "result": SAYING})
BROKEN = {"broken": NEWS + WHOLE[:-30], "broken between": NEWS}


@pytest.mark.parametrize("door", ["roof", "rest", "chat"])
async def test_no_door_takes_a_broken_stream_for_an_answer(live: LiveGateway, key: str, door: str) -> None:
    """Where the gateway itself waits for the answer, nothing of one that is not whole goes out."""
    async with WildServer() as wild:
        live.configure(deployment("m", live.upstream), mcp_servers={"fix": {"url": wild.url}})
        bare = live.gateway.snapshot
        wild.tell(WHOLE, "text/event-stream")
        # What it lists is known before it breaks.
        listed = await live.http.get("/mcp-rest/tools/list?server_id=fix", headers=bearer(key))
        assert len(listed.json()["tools"]) == 1, listed.text
        for outcome, said in (("pass", 1), ("mask", 0), ("block", 0)):
            for ending, stream in {"whole": WHOLE, **BROKEN}.items():
                live.gateway.snapshot = bare
                live.upstream.requests.clear()
                wild.tell(stream, "text/event-stream")
                assert wild.answer is not None
                if ending != "whole":
                    wild.answer = wild.answer.replace(b"content-length: ", b"content-length: 9")
                install_for_mcp(live, Probe(outcome), POST, deadline_seconds=5, is_lenient=False)
                told = await DOORS[door](live, key)
                about = f"{outcome}, {ending}: {told.text}"
                assert told.is_error is (ending != "whole" or outcome == "block"), about
                assert told.text.count(SAID) == (said if ending == "whole" else 0), about
                assert ("MCP server 'fix'" in told.text) is (ending != "whole"), about


async def call_or_break(live: LiveGateway, key: str) -> str:
    """What a caller has got when the answer is over, or has broken off."""
    params = {"name": "echo", "arguments": {"text": "x"}, "_meta": META}
    headers = {
        "authorization": f"Bearer {key}",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": ERA,
        "mcp-method": "tools/call",
        "mcp-name": "echo",
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    parts: list[str] = []
    with contextlib.suppress(httpx.RemoteProtocolError):
        async with live.http.stream("POST", "/fix/mcp", headers=headers, json=body) as answer:
            # A comprehension would lose what has come when it breaks off.
            async for part in answer.aiter_text():
                parts.append(part)  # noqa: PERF401
    return "".join(parts)
