"""How often permissions are read for calls of MCP servers, and what one does that cannot be read."""

import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from gateway.ids import new_id
from tests.integration.counting import Counted, counting, quiet
from tests.integration.request_path.mcp import speak
from tests.integration.serving import MASTER_KEY, LiveGateway, bearer, deployment
from tests.mcp_servers import McpFixture

pytestmark = pytest.mark.asyncio(loop_scope="session")

PERMISSION = '"LiteLLM_ObjectPermissionTable"'
SERVERS = f"INSERT INTO {PERMISSION} (object_permission_id, mcp_servers) VALUES ($1, $2)"
CLOSE = f"UPDATE {PERMISSION} SET mcp_servers = '{{other}}' WHERE object_permission_id = $1"
BREAK = f"UPDATE {PERMISSION} SET mcp_tool_permissions = '[1]' WHERE object_permission_id = $1"
AGENT = """INSERT INTO "LiteLLM_AgentsTable" (agent_id, agent_name, agent_card_params, object_permission_id,
    created_by, updated_by) VALUES ($1, $1, '{}', $2, 'x', 'x')"""


class MovingClock:
    """A clock that can be put forward."""

    ahead_nanos = 0

    def now_nanos(self) -> int:
        return time.time_ns()

    def monotonic_nanos(self) -> int:
        return time.monotonic_ns() + self.ahead_nanos


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture(is_json=True) as running:
        yield running


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, live: LiveGateway) -> MovingClock:
    moving = MovingClock()
    for part in (live.gateway.parts.principals, live.gateway.parts.subjects):
        monkeypatch.setattr(part._cache, "_clock", moving)
        monkeypatch.setattr(part, "_clock", moving)
        # However slow the machine is, what has expired is read before it is used.
        limits = msgspec.structs.replace(part._cache._limits, refresh_seconds=30)
        monkeypatch.setattr(part._cache, "_limits", limits)
    return moving


async def run(live: LiveGateway, sql: str, *args: Any) -> None:
    """Change something behind the gateway's back, as another program does."""
    await live.gateway.parts.database.execute(sql, *args)


def reads(counted: Counted) -> list[str]:
    """The statements that read permissions; what is spent is written down meanwhile."""
    return [one for one in counted.statements if PERMISSION in one]


async def statuses(live: LiveGateway, key: str) -> list[int]:
    return [one.status_code for one in await speak(live, "/fix/mcp", "2026-07-28", bearer(key))]


@pytest.mark.parametrize("has_permission", [True, False])
async def test_what_an_agent_may_is_read_once_in_a_minute(
    live: LiveGateway, server: McpFixture, clock: MovingClock, *, has_permission: bool
) -> None:
    live.configure(deployment("m", live.upstream), mcp_servers={"fix": {"url": server.url}})
    agent, permission = new_id(), new_id()
    await run(live, SERVERS, permission, ["fix"])
    await run(live, AGENT, agent, permission if has_permission else None)
    key = await live.make_key(agent_id=agent)
    # That the key is new is heard before it is used: nothing is forgotten later.
    await quiet(live)
    assert await statuses(live, key) == [200, 200]
    async with counting(live) as counted:
        for _ in range(10):
            assert await statuses(live, key) == [200, 200]
        assert reads(counted) == []
    await run(live, CLOSE, permission)
    assert await statuses(live, key) == [200, 200], "nobody has said that it has changed"
    clock.ahead_nanos = 61_000_000_000
    async with counting(live) as counted:
        expected = [403] if has_permission else [200, 200]
        assert await statuses(live, key) == expected
        assert await statuses(live, key) == expected
        # With the key, and with what requests name: each is read once.
        assert 1 <= len(reads(counted)) <= 2


async def test_what_cannot_be_read_of_an_organization_permits_nothing(
    live: LiveGateway, server: McpFixture
) -> None:
    live.configure(deployment("m", live.upstream), mcp_servers={"fix": {"url": server.url}})
    body = {"organization_alias": new_id(), "models": [], "object_permission": {"mcp_servers": ["fix"]}}
    made = (await live.post("/organization/new", MASTER_KEY, body)).json()
    before, after = [await live.make_key(organization_id=made["organization_id"]) for _ in range(2)]
    assert await statuses(live, before) == [200, 200]
    await run(live, BREAK, made["object_permission_id"])
    assert await statuses(live, after) == [403]
    allowed = await live.http.get("/mcp-rest/tools/list", headers=bearer(after))
    assert allowed.json()["tools"] == []
