"""Workers that wait for a credential which another one renews."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from gateway.catalog import mcp_stock
from gateway.catalog.mcp_stock import McpStock
from gateway.errors import UpstreamError
from tests.integration.serving import MASTER_KEY, LiveGateway, bearer, deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")

SERVER = "renewed"


class Watched:
    """Claims, which tell when one was not to be had."""

    def __init__(self, vouchers: Any) -> None:
        self._vouchers = vouchers
        self.lost = asyncio.Event()

    async def claim(self, claim: str, seconds: float) -> bool:
        is_got = await self._vouchers.claim(claim, seconds)
        if not is_got:
            self.lost.set()
        return is_got

    async def release(self, claim: str) -> None:
        await self._vouchers.release(claim)


class Workers:
    """The stocks of two workers; notices reach both, and there are no other looks."""

    def __init__(self, live: LiveGateway) -> None:
        parts = live.gateway.parts
        self._claims: Any = Watched(parts.vouchers)
        self.stocks = [
            McpStock(parts.added, parts.database, parts.clock, self._claims, self._announce) for _ in range(2)
        ]
        self.begun, self.go = asyncio.Event(), asyncio.Event()

    async def _announce(self, user_id: str, server_id: str) -> None:
        for one in self.stocks:
            one.apply(mcp_stock.MCP_CREDENTIAL_PREFIX + json.dumps([user_id, server_id]))

    async def renew(self, user_id: str, first: Callable[[], Awaitable[str]]) -> list[object]:
        """What comes of it where both want it; the first goes on when the second waits."""
        known = await self.stocks[0].find_credential(user_id, SERVER)
        assert known is not None

        async def gated() -> str:
            self.begun.set()
            await self.go.wait()
            return await first()

        async def made() -> str:
            return "of the second"

        async with asyncio.timeout(30):
            one = asyncio.create_task(self.stocks[0].renew_credential(user_id, SERVER, known, gated))
            await self.begun.wait()
            two = asyncio.create_task(self.stocks[1].renew_credential(user_id, SERVER, known, made))
            await self._claims.lost.wait()
            self.go.set()
            return await asyncio.gather(one, two, return_exceptions=True)


@pytest_asyncio.fixture(loop_scope="session")
async def user_id(live: LiveGateway, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(mcp_stock, "_LOOK_SECONDS", 3600.0)
    byok = {"url": "http://127.0.0.1:9/mcp", "auth_type": "api_key", "is_byok": True}
    live.configure(deployment("m", live.upstream), mcp_servers={SERVER: byok})
    made = (await live.http.post("/user/new", json={}, headers=bearer(MASTER_KEY))).json()
    stored = await live.http.post(
        f"/v1/mcp/server/{SERVER}/user-credential", json={"credential": "old"}, headers=bearer(made["key"])
    )
    assert stored.status_code == 200, stored.text
    return made["user_id"]


async def test_who_waits_goes_on_with_the_notice(live: LiveGateway, user_id: str) -> None:
    workers = Workers(live)

    async def made() -> str:
        return "of the first"

    assert await workers.renew(user_id, made) == ["of the first"] * 2
    assert await workers.stocks[1].find_credential(user_id, SERVER) == "of the first"


async def test_who_waits_for_one_that_fails_renews_itself(live: LiveGateway, user_id: str) -> None:
    workers = Workers(live)

    async def failing() -> str:
        raise UpstreamError("The issuer is away.")

    failed, renewed = await workers.renew(user_id, failing)
    assert isinstance(failed, UpstreamError)
    assert renewed == "of the second"
