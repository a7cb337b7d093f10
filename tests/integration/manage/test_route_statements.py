"""Every route sends exactly as many SQL statements as its row says."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from functools import reduce
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from aiohttp import web

from gateway.alerts.alerts import Alerts
from gateway.alerts.channels import WebhookChannel
from gateway.alerts.posting import parse_address
from gateway.alerts.store import AlertStore
from gateway.domain import Principal, StoredResponse
from gateway.pipeline.sealed_ids import seal_id
from tests.conftest import DatabaseFactory
from tests.integration.conftest import serve_new
from tests.integration.counting import Counted, counting, quiet, reread
from tests.integration.manage.asked import Asked, filled
from tests.integration.manage.conftest import Desk
from tests.integration.manage.route_rows import ROWS
from tests.integration.manage.test_caches import give
from tests.integration.serving import MASTER_KEY, LiveGateway, deployment, write_config
from tests.mcp_servers import McpFixture
from tests.redis_servers import RedisServer
from tests.upstreams import replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

_WORDS = {"guardrail": "keywords", "mode": "pre_call", "blocked_words": [{"keyword": "aurora"}]}
_CALLBACKS = json.dumps({"success_callback": ["langfuse"]})
_STORE = (
    f"""INSERT INTO "LiteLLM_Config" (param_name, param_value) VALUES ('litellm_settings', '{_CALLBACKS}')"""
)
_NAMES = {
    "access_group": "tier",
    "access_group_id": "",
    "budget_id": "b-1",
    "callback_name": "langfuse",
    "credential_name": "c",
    "facet": "providers",
    "model": "m",
    "model_id": "m",
    "organization_id": "o-1",
    "policy_name": "p",
    "resource_type_id": "User",
    "schema_id": "urn:ietf:params:scim:schemas:core:2.0:User",
    "team_id": "t-1",
    "tool_name": "tool",
    "user_id": "u-1",
}
"""What stands for the parameters of paths until an answer names another."""


class _OpenAi:
    """Answers for OpenAI's costs API that there are none."""

    def __init__(self) -> None:
        app = web.Application()
        app.router.add_get("/v1/organization/costs", self._answer)
        self._runner = web.AppRunner(app)

    async def __aenter__(self) -> str:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        return web.json_response({"object": "page", "data": [], "has_more": False, "next_page": None})


def _configure(live: LiveGateway, folder: Path, openai: str) -> None:
    prices = {"openai/x": {"input_cost_per_token": 1e-06}}
    own = {
        "price_file": str(write_config(folder / "prices.json", prices)),
        "openai_costs": {"admin_key": "sk-admin", "api_base": openai},
    }
    live.configure(
        deployment("m", live.upstream, info_id="m-id"),
        deployment("n", live.upstream, info_id="n-id"),
        general_settings={"block_robots": True},
        guardrails=[{"guardrail_name": "words", "litellm_params": _WORDS}],
        policies={"followed": {"guardrails": {"add": ["words"]}}},
        mcp_servers={},
        gatewright=own,
    )


@pytest_asyncio.fixture(loop_scope="session")
async def desk(
    database_factory: DatabaseFactory, migrated_template: str, tmp_path: Path
) -> AsyncIterator[Desk]:
    """At a gateway of its own, so that nobody else's rows count."""
    async with serve_new(database_factory, migrated_template, tmp_path) as live, _OpenAi() as openai:
        _configure(live, tmp_path, openai)
        yield Desk(live)


def _seal_response(live: LiveGateway) -> str:
    stored = StoredResponse(id="resp_up", deployment_id="m-id", model="m", tokens=1)
    return seal_id(live.gateway.parts.added.seal, stored, Principal(token_hash="nobody"))


@pytest_asyncio.fixture(loop_scope="session")
async def names(desk: Desk, tmp_path: Path) -> AsyncIterator[dict[str, str]]:
    """What rows call what is there: servers, a request that was answered and one that never is."""
    live = desk.live
    key = await live.make_key()
    assert (await live.chat(key)).status_code == 200
    row = await live.row(key)
    live.upstream.script.append(replies.held())
    under_way = asyncio.create_task(live.chat(key))
    await live.upstream.wait_for_requests(2)
    live.stuck = 1
    await desk.run(_STORE)
    with RedisServer(tmp_path) as redis:
        give(live, redis.url)
        channel = WebhookChannel(parse_address(f"{live.upstream.origin}/hook"))
        alerts = Alerts(AlertStore(live.gateway.parts.database), [channel], live.gateway.clock)
        live.gateway.parts = msgspec.structs.replace(live.gateway.parts, alerts=alerts)
        async with McpFixture(is_json=True) as server:
            yield {
                **_NAMES,
                "mcp_url": server.url,
                "redis_url": redis.url,
                "request_id": row.request_id,
                "response_id": _seal_response(live),
                "spender": row.api_key,
            }
    live.upstream.release.set()
    assert (await under_way).status_code == 503, "its hold was released"


async def _ask(desk: Desk, asked: Asked, names: dict[str, str]) -> Counted:
    """What a request sends that succeeds; what it keeps is in `names` from then on."""
    method, _, path = asked.route.partition(" ")
    place = filled(re.sub(r"\{(\w+):\w+\}", r"{\1}", path), names)
    key = names[asked.by] if asked.by else MASTER_KEY
    await quiet(desk.live)
    await reread(desk.live)
    if asked.by:
        # Who asks is known, as on every request but the first.
        await desk.get("/v1/models", key)
    async with counting(desk.live, holds_drain=asked.holds_drain) as counted:
        answer = await desk.ask(method, place, key, **asked.sent(names))
    assert answer.status_code < 400, f"{asked.route}: {answer.text}"
    desk.live.stuck = min(desk.live.stuck, desk.live.gateway.parts.journal.open_count)
    for name, part in asked.keeps.items():
        names[name] = reduce(lambda value, step: value[_step(step)], part.split("/"), answer.json())
    return counted


def _step(text: str) -> str | int:
    return int(text) if text.isdigit() else text


async def test_every_route_sends_as_many_statements_as_its_row_says(
    desk: Desk, names: dict[str, str]
) -> None:
    wrong: list[str] = []
    for asked in ROWS:
        counted = await _ask(desk, asked, names)
        if len(counted) != asked.statements:
            sent = "\n  ".join(one[:150] for one in counted.statements)
            wrong.append(f"{asked.route}: {len(counted)} and not {asked.statements}\n  {sent}")
    assert not wrong, "\n" + "\n".join(wrong)
