"""Models of the database are served as soon as they are there."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from gateway.catalog.added_source import MODELS_CHANGED
from gateway.domain import ChosenBy
from gateway.identity.invalidation import CHANNEL
from tests.integration.counting import counting, quiet
from tests.integration.serving import MASTER_KEY, LiveGateway, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Stock:
    """Writes rows as LiteLLM does, and waits until they are served."""

    def __init__(self, live: LiveGateway) -> None:
        self.live = live
        self.parts = live.gateway.parts

    async def put(
        self, model_id: str, name: str, *, blocked: bool = False, info: object = None, **params: object
    ) -> None:
        given = {
            "model": "openai/real-model",
            "api_base": self.live.upstream.base_url,
            "api_key": "sk-stored-credential",
            **params,
        }
        seal = self.parts.added.seal
        closed = {key: seal.close(value) if isinstance(value, str) else value for key, value in given.items()}
        await self.parts.database.execute(
            """INSERT INTO "LiteLLM_ProxyModelTable"
               (model_id, model_name, litellm_params, model_info, created_by, updated_by, updated_at, blocked)
               VALUES ($1, $2, $3::jsonb, $5::jsonb, 'x', 'x', now(), $4)
               ON CONFLICT (model_id) DO UPDATE
               SET litellm_params = $3::jsonb, model_info = $5::jsonb, blocked = $4""",
            model_id,
            name,
            json.dumps(closed),
            blocked,
            json.dumps(info or {}),
        )
        await self.tell()

    async def empty(self) -> None:
        await self.parts.database.execute('DELETE FROM "LiteLLM_ProxyModelTable"')
        await self.tell()

    async def tell(self) -> None:
        await self.parts.database.execute("SELECT pg_notify($1, $2)", CHANNEL, MODELS_CHANGED)

    async def until(self, condition: Any) -> None:
        """Return when the snapshot is as wanted, at most a second after the change."""
        await eventually(lambda: bool(condition(self.live.gateway.snapshot.catalog)))


@pytest_asyncio.fixture(loop_scope="session")
async def stock(live: LiveGateway) -> AsyncIterator[Stock]:
    stock = Stock(live)
    yield stock
    await stock.empty()
    await stock.until(lambda catalog: not catalog.listings()[1:])


async def test_a_row_answers_within_a_second_and_is_gone_as_fast(
    live: LiveGateway, stock: Stock, key: str
) -> None:
    assert (await live.chat(key, "stored")).status_code == 400
    await stock.put("a", "stored")
    await stock.until(lambda catalog: catalog.find("stored"))
    answer = await live.openai(key).chat.completions.create(
        model="stored", messages=[{"role": "user", "content": "Say hello"}]
    )
    assert answer.model == "stored"
    assert live.upstream.requests[-1].headers["authorization"] == "Bearer sk-stored-credential"
    await stock.empty()
    await stock.until(lambda catalog: catalog.find("stored") is None)
    assert (await live.chat(key, "stored")).status_code == 400


async def test_a_wrong_row_takes_nothing_down(live: LiveGateway, stock: Stock, key: str) -> None:
    with capture_logs() as told:
        await stock.put("bad", "broken", rpm="many")
        await stock.put("good", "stored")
        await stock.until(lambda catalog: catalog.find("stored") and "bad" in catalog.faults)
        await stock.put("other", "stored")
        await stock.until(lambda catalog: catalog.find_deployment("other"))
    (line,) = [one for one in told if one["event"] == "not_served"]
    assert line["id"] == "bad"
    assert 'LiteLLM_ProxyModelTable["bad"].litellm_params.rpm' in line["reason"]
    assert (await live.chat(key, "stored")).status_code == 200
    assert (await live.chat(key)).status_code == 200


async def test_cooldowns_of_unchanged_deployments_go_on(live: LiveGateway, stock: Stock) -> None:
    await stock.put("a", "stored")
    await stock.put("b", "stored")
    await stock.until(lambda catalog: catalog.find_deployment("a") and catalog.find_deployment("b"))
    cooldowns = live.gateway.snapshot.router.cooldowns
    later = live.gateway.clock.monotonic_nanos() + 60_000_000_000
    cooldowns._until.update(a=later, b=later)
    await stock.put("b", "stored", rpm=5)
    await stock.until(lambda catalog: catalog.find_deployment("b").rpm == 5)
    assert live.gateway.snapshot.router.cooldowns is cooldowns
    assert cooldowns.list_cooling() == ["a"]
    cooldowns.forget("a")


async def test_a_blocked_row_is_not_served(live: LiveGateway, stock: Stock) -> None:
    await stock.put("a", "stored")
    await stock.until(lambda catalog: catalog.find("stored"))
    await stock.put("a", "stored", blocked=True)
    await stock.until(lambda catalog: catalog.find("stored") is None)


async def test_a_change_of_the_models_keeps_plugins_and_costs_requests_no_sql(
    live: LiveGateway, stock: Stock, key: str
) -> None:
    former = live.gateway.snapshot.plugins
    await stock.put("a", "stored")
    await stock.until(lambda catalog: catalog.find("stored"))
    assert live.gateway.snapshot.plugins.built is former.built
    await quiet(live)
    await live.chat(key, "stored")
    async with counting(live, holds_drain=True) as counter:
        assert (await live.chat(key, "stored")).status_code == 200
    assert counter.statements == []


async def test_a_tenants_address_is_looked_at_when_it_is_called(
    live: LiveGateway, stock: Stock, key: str
) -> None:
    """Whatever the row says: the write refuses this address, but another program may have written it."""
    team = (await live.post("/team/new", MASTER_KEY, {})).json()["team_id"]
    member = await live.make_key(team_id=team)
    info = {"team_id": team, "team_public_model_name": "theirs"}
    await stock.put("a", "internal", info=info)
    await stock.until(lambda catalog: (team, "theirs") in catalog.team_models.names)
    answer = await live.chat(member, "theirs")
    assert answer.status_code >= 400
    assert live.upstream.requests == []
    assert live.upstream.base_url not in answer.text
    await stock.put("a", "internal", info={**info, "gatewright_author": "operator"})
    await stock.until(lambda catalog: catalog.find_deployment("a").chosen_by is ChosenBy.OPERATOR)
    assert (await live.chat(member, "theirs")).status_code == 200
