"""Guardrails of MCP calls that fail, and requests that would rather have none."""

import contextlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from mcp import MCPError

from gateway.sdk import Content, Edit, Guardrail, GuardrailCall, Verdict
from gateway.settings.guardrails import GuardrailMode
from tests.integration.request_path.guarded import Probe, install_for_mcp
from tests.integration.request_path.mcp import connect
from tests.integration.serving import LiveGateway, deployment
from tests.mcp_servers import McpFixture

pytestmark = pytest.mark.asyncio(loop_scope="session")

MODES = [GuardrailMode.PRE_MCP_CALL, GuardrailMode.DURING_MCP_CALL, GuardrailMode.POST_MCP_CALL]
CALL = {"server_id": "fix", "name": "echo", "arguments": {"text": "over there"}}


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture() as running:
        yield running


class Renaming(Guardrail):
    """Calls another tool than the client did."""

    def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        named = [place for place, piece in enumerate(content.pieces) if piece.path == "body.params.name"]
        return Verdict(edits=tuple(Edit(place, 0, 4, "add") for place in named))


def install(live: LiveGateway, server: McpFixture, guardrail: Guardrail, mode: GuardrailMode) -> None:
    server.calls.clear()
    live.configure(deployment("m", live.upstream), mcp_servers={"fix": {"url": server.url}})
    install_for_mcp(live, guardrail, mode, deadline_seconds=0.1)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("outcome", ["raise", "hang", "garbage", "impossible", "block"])
async def test_what_is_not_passed_is_refused(
    live: LiveGateway, key: str, server: McpFixture, mode: GuardrailMode, outcome: str
) -> None:
    install(live, server, Probe(outcome), mode)
    # None of these switches a guardrail off.
    body = {**CALL, "disable_global_guardrails": True, "metadata": {"disable_global_guardrails": True}}
    headers = {"authorization": f"Bearer {key}"}
    answer = await live.http.post("/mcp-rest/tools/call", json=body, headers=headers)
    assert answer.status_code == (400 if outcome == "block" else 503)
    assert "over there" not in answer.text
    assert "secret detail" not in answer.text
    if mode is GuardrailMode.PRE_MCP_CALL:
        assert server.calls == []


async def test_no_guardrail_calls_a_tool_that_was_not_checked(live: LiveGateway, server: McpFixture) -> None:
    install(live, server, Renaming(), GuardrailMode.PRE_MCP_CALL)
    key = await live.make_key(object_permission={"mcp_tool_permissions": {"fix": ["echo"]}})
    for path, name in (("/fix/mcp", "echo"), ("/mcp", "fix-echo")):
        async with connect(live, key, path, "legacy") as client:
            with contextlib.suppress(MCPError):
                await client.call_tool(name, {"text": "x", "a": 1, "b": 2})
    assert "add" not in {name for name, _ in server.calls}
