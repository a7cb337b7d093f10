"""Whether MCP servers answer: asked by administrators, noted, kept, and told to who may reach them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.counting import heard
from tests.integration.manage.conftest import Desk
from tests.integration.manage.counting import statements
from tests.integration.manage.mcp_serving import SERVERS, body_of, emptied, make, unique
from tests.integration.serving import LiveGateway, deployment
from tests.mcp_servers import McpFixture

pytestmark = pytest.mark.asyncio(loop_scope="session")

HEALTH = f"{SERVERS}/health"
AWAY = "http://127.0.0.1:9/mcp"


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture() as running:
        yield running


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def configured(live: LiveGateway) -> AsyncIterator[None]:
    live.configure(deployment("m", live.upstream), mcp_servers={"conf_away": {"url": AWAY}})
    async with emptied(live):
        yield


async def ask(desk: Desk, *identifiers: str, **asker: str) -> dict[str, Any]:
    query = [("server_ids", one) for one in identifiers]
    answer = await desk.ask("GET", HEALTH, params=query, **asker)
    assert answer.status_code == 200, answer.text
    return {one["server_id"]: one for one in answer.json()}


async def test_what_administrators_find_is_noted_and_told(desk: Desk, server: McpFixture) -> None:
    well = (await make(desk, body_of(server, unique())))["server_id"]
    away = (await make(desk, body_of(server, unique(), url=AWAY)))["server_id"]
    key = await desk.live.make_key(object_permission={"mcp_servers": [well, away]})
    before = await ask(desk, well, away, key=key)
    assert [one["status"] for one in before.values()] == ["unknown", "unknown"]

    found = await ask(desk)
    assert {name: one["status"] for name, one in found.items()} == {
        "conf_away": "unhealthy",
        well: "healthy",
        away: "unhealthy",
    }
    assert found[away]["health_check_error"]
    assert found[well]["health_check_error"] is None
    assert found[well]["last_health_check"] is not None
    shown = await desk.get(f"{SERVERS}/{away}")
    assert (shown["status"], shown["health_check_error"]) == ("unhealthy", found[away]["health_check_error"])

    told = await ask(desk, key=key)
    assert {name: one["status"] for name, one in told.items()} == {well: "healthy", away: "unhealthy"}
    assert told[away]["health_check_error"] is None
    await ask(desk, well)
    name = f"mcp:{(await desk.get(f'{SERVERS}/{well}'))['server_name']}"
    history = await desk.get("/health/history", model=name)
    assert [one["status"] for one in history["health_checks"]] == ["healthy", "healthy"]
    assert history["health_checks"][0]["details"] == {"tools": 4}
    assert await ask(desk, "nobody") == {}


async def test_the_statements_are_counted(desk: Desk, server: McpFixture) -> None:
    for _ in range(2):
        await make(desk, body_of(server, unique()))
    assert await statements(desk, "GET", HEALTH) == 5
    key = await desk.live.make_key()
    await heard(desk.live)
    assert (await desk.ask("GET", HEALTH, key)).status_code == 200
    assert await statements(desk, "GET", HEALTH, key=key) == 3
