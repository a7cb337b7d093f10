"""How much of OpenAI's bill was recorded, against a server that speaks OpenAI's costs API."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from tests.integration.manage.conftest import Desk
from tests.integration.serving import LiveGateway, deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATH = "/spend/capture_rate"
ADMIN_KEY = "sk-admin-of-openai"
DAY = 86_400
FIRST = 4_070_908_800
"""2099-01-01: nobody else records anything there."""


class OpenAi:
    """`pages` are its answers, `asked` the queries."""

    def __init__(self) -> None:
        self.pages: list[dict[str, Any]] = []
        self.asked: list[Any] = []
        self.status = 200

    async def answer(self, request: web.Request) -> web.Response:
        assert request.headers["authorization"] == f"Bearer {ADMIN_KEY}"
        self.asked.append(request.query.copy())
        return web.json_response(self.pages.pop(0), status=self.status)


@pytest_asyncio.fixture(loop_scope="session")
async def openai(live: LiveGateway) -> AsyncIterator[OpenAi]:
    server = OpenAi()
    app = web.Application()
    app.router.add_get("/v1/organization/costs", server.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    costs = {"admin_key": ADMIN_KEY, "api_base": f"http://127.0.0.1:{runner.addresses[0][1]}/v1"}
    live.configure(deployment("m", live.upstream), gatewright={"openai_costs": costs})
    yield server
    await runner.cleanup()


def page(*days: tuple[int, list[Any]], after: str | None = None, currency: str = "usd") -> dict[str, Any]:
    buckets = [
        {
            "object": "bucket",
            "start_time": FIRST + day * DAY,
            "end_time": FIRST + (day + 1) * DAY,
            "results": [{"amount": {"value": value, "currency": currency}} for value in amounts],
        }
        for day, amounts in days
    ]
    return {"object": "page", "data": buckets, "has_more": after is not None, "next_page": after}


async def record(desk: Desk, date: str, provider: str, spend: float) -> None:
    await desk.value(
        """INSERT INTO "LiteLLM_DailyUserSpend"
            (id, user_id, date, api_key, custom_llm_provider, model, spend, updated_at)
        VALUES (gen_random_uuid()::text, 'captured', $1, 'k', $2, gen_random_uuid()::text, $3, now())
        RETURNING id""",
        date,
        provider,
        spend,
    )


async def test_days_are_compared(desk: Desk, openai: OpenAi) -> None:
    openai.pages = [page((0, [1.5, 0.5]), after="two"), page((1, [0]), (2, ["0.25"]))]
    await record(desk, "2099-01-01", "openai", 1.2)
    await record(desk, "2099-01-01", "openai", 0.3)
    await record(desk, "2099-01-01", "azure", 7)
    await record(desk, "2099-01-02", "openai", 0.1)
    query = {"start_date": "2099-01-01", "end_date": "2099-01-03", "project_ids": ["one", "two"]}
    report = (await desk.ask("GET", PATH, params=query)).json()
    assert report == {
        "provider": "openai",
        "start_date": "2099-01-01",
        "end_date": "2099-01-03",
        "captured_spend": 1.6,
        "provider_spend": 2.25,
        "capture_rate": pytest.approx(1.6 / 2.25),
        "threshold": 0.9,
        "below_threshold": True,
        "days": [
            {"date": "2099-01-01", "captured_spend": 1.5, "provider_spend": 2.0, "capture_rate": 0.75},
            {"date": "2099-01-02", "captured_spend": 0.1, "provider_spend": 0.0, "capture_rate": None},
            {"date": "2099-01-03", "captured_spend": 0.0, "provider_spend": 0.25, "capture_rate": 0.0},
        ],
    }
    first, second = openai.asked
    assert (first["start_time"], first["end_time"]) == (str(FIRST), str(FIRST + 3 * DAY))
    assert first.getall("project_ids") == ["one", "two"]
    assert second["page"] == "two"


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"threshold": "1.5"}, "threshold"),
        ({"start_date": "2097-01-01"}, "end_date"),
        ({"start_date": "yesterday"}, "start_date"),
        ({"provider": "azure"}, "provider"),
    ],
)
async def test_what_cannot_be_compared(desk: Desk, openai: OpenAi, query: Any, param: str) -> None:
    period = {"start_date": "2099-01-01", "end_date": "2099-01-03"}
    answer = await desk.ask("GET", PATH, params={**period, **query})
    assert answer.status_code in {400, 422}
    assert param in answer.text
    assert openai.asked == []


@pytest.mark.parametrize(
    ("answer", "status"),
    [({}, 200), (page((0, [1]), currency="eur"), 200), ({}, 401), (page((0, ["x"])), 200)],
)
async def test_a_provider_that_says_nothing_of_use(
    desk: Desk, openai: OpenAi, answer: Any, status: int
) -> None:
    openai.pages, openai.status = [answer], status
    query = {"start_date": "2099-01-01", "end_date": "2099-01-03"}
    answered = await desk.ask("GET", PATH, params=query)
    assert answered.status_code == 503
    assert ADMIN_KEY not in answered.text


async def test_it_needs_a_key_of_openai_and_the_right(desk: Desk, live: LiveGateway, openai: OpenAi) -> None:
    query = {"start_date": "2099-01-01", "end_date": "2099-01-03"}
    assert (await desk.ask("GET", PATH, await live.make_key(), params=query)).status_code in {401, 403}
    live.configure(deployment("m", live.upstream))
    answer = await desk.ask("GET", PATH, params=query)
    assert (answer.status_code, "openai_costs" in answer.text) == (400, True)
