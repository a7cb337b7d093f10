"""What clients of MCP servers have open: shown to administrators, who may end it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.integration.manage.conftest import Desk
from tests.integration.serving import LiveGateway, deployment, eventually
from tests.mcp_servers import McpFixture

pytestmark = pytest.mark.asyncio(loop_scope="session")

SESSIONS = "/v1/mcp/sessions"


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture() as running:
        yield running


async def test_what_is_open_is_shown_and_can_be_ended(
    desk: Desk, live: LiveGateway, server: McpFixture
) -> None:
    live.configure(deployment("m", live.upstream), mcp_servers={"fix": {"url": server.url}})
    (user, mine), (_, yours) = await desk.make_user(), await desk.make_user()
    await live.settled()
    assert (await desk.get(SESSIONS))["total_sessions"] == 0
    body = {"server_id": "fix", "name": "wait", "arguments": {}}
    asked = [
        asyncio.create_task(desk.ask("POST", "/mcp-rest/tools/call", key, json=body)) for key in (mine, yours)
    ]
    await eventually(lambda: len(server.calls) == 2)

    found = await desk.get(SESSIONS)
    assert (found["total_sessions"], found["by_user"][user], len(found["by_client"])) == (2, 1, 2)
    (own,) = [one for one in found["sessions"] if one["user_id"] == user]
    assert own["path"] == "/mcp-rest/tools/call"
    assert (await desk.ask("DELETE", SESSIONS)).status_code == 400
    for method in ("GET", "DELETE"):
        refused = await desk.ask(method, SESSIONS, mine, params={"user_id": user})
        assert refused.status_code == 401

    ended = (await desk.ask("DELETE", SESSIONS, params={"user_id": user})).json()
    assert (ended["terminated_sessions"], ended["sessions"][0]["session_id"]) == (1, own["session_id"])
    assert (await asked[0]).status_code == 503
    assert not asked[1].done()
    await eventually(server.cancelled.is_set)
    prefix = (await desk.get(SESSIONS))["sessions"][0]["session_id"][:-2]
    ended = (await desk.ask("DELETE", SESSIONS, params={"session_id_prefix": prefix})).json()
    assert ended["terminated_sessions"] == 1
    assert (await asked[1]).status_code == 503
    assert (await desk.get(SESSIONS))["sessions"] == []
