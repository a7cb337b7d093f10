"""MCP servers that are open to everybody, and web pages that were not asked to speak with any."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.request_path.mcp import post
from tests.integration.serving import LiveGateway, deployment
from tests.mcp_servers import McpFixture

pytestmark = pytest.mark.asyncio(loop_scope="session")
LIST = {"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}}


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture(is_json=True) as running:
        yield running


def declare(live: LiveGateway, server: McpFixture, *, is_open: bool = True, **settings: Any) -> None:
    fix = {"url": server.url, "transport": "http", "allow_anonymous": is_open}
    plugin = {"plugins": {"settings": {"mcp": settings}}} if settings else {}
    live.configure(
        deployment("m", live.upstream),
        mcp_servers={"fix": fix, "shut": {"url": server.url, "transport": "http"}},
        gatewright=plugin,
    )


async def test_only_the_own_path_of_an_open_server_asks_for_no_key(
    live: LiveGateway, server: McpFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    declare(live, server)
    assert "mcp_server_open_to_everybody" in capsys.readouterr().out
    elsewhere = await live.make_key(object_permission={"mcp_servers": ["shut"]})
    asked = [
        (None, "/fix/mcp"),
        (None, "/mcp/fix"),
        (None, "/shut/mcp"),
        (None, "/fix,shut/mcp"),
        (None, "/mcp"),
        ("sk-nobody-has-this-key", "/fix/mcp"),
        (elsewhere, "/fix/mcp"),
    ]
    seen = [(await post(live, key, LIST, path)).status_code for key, path in asked]
    # A server that has no session of the caller's says 400: the message reached it.
    assert seen == [400, 400, 401, 401, 401, 401, 403]
    declare(live, server, is_open=False)
    assert (await post(live, None, LIST)).status_code == 401


@pytest.mark.parametrize(
    ("has_key", "headers", "param"),
    [
        (False, {"host": "evil.example"}, "host"),
        (False, {"host": "gate.example:4000"}, None),
        (False, {"host": "localhost:1", "origin": "http://localhost:3000"}, None),
        (False, {"origin": "https://evil.example"}, "origin"),
        (True, {"host": "evil.example"}, None),
        (True, {"host": "evil.example", "origin": "https://evil.example"}, None),
        (True, {"origin": "https://evil.example"}, "origin"),
        (True, {"origin": "null"}, "origin"),
        (True, {"origin": "https://[evil"}, "origin"),
        (True, {"origin": "https://app.example"}, None),
    ],
)
async def test_pages_reach_no_server_that_they_were_not_allowed(
    live: LiveGateway,
    server: McpFixture,
    key: str,
    *,
    has_key: bool,
    headers: dict[str, str],
    param: str | None,
) -> None:
    declare(live, server, allowed_hosts=["gate.example"], allowed_origins=["https://app.example"])
    count = len(server.headers)
    answer = await post(live, key if has_key else None, LIST, **headers)
    if param is None:
        assert answer.status_code == 400
        assert len(server.headers) == count + 1
    else:
        assert (answer.status_code, answer.json()["error"]["param"]) == (403, param)
        assert len(server.headers) == count
