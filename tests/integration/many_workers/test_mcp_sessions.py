"""A thousand sessions of MCP over two workers; `test_outages` has the same with fewer."""

import pytest

from tests.integration.many_workers.mcp_callers import McpServerOfMany, call_interleaved
from tests.integration.serving import ServerProcess

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]


async def test_a_thousand_sessions_survive_their_server(server: ServerProcess) -> None:
    mcp = McpServerOfMany()
    async with mcp.upstream:
        assert await call_interleaved(server, mcp, callers=1_000, calls=5) > 0
    assert mcp.mixed_up == []
    assert mcp.calls >= 5_000
