"""The price file is read anew because somebody says so, and every so many hours."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.catalog.price_schedule import stamp_of
from tests.integration.manage.conftest import Desk
from tests.integration.manage.counting import statements
from tests.integration.serving import LiveGateway, deployment, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOW, SCHEDULE = "/reload/model_cost_map", "/schedule/model_cost_map_reload"


def write(path: Path, input_cost: float, **more: object) -> None:
    entry = {"input_cost_per_token": input_cost, "output_cost_per_token": 0.0, "litellm_provider": "openai"}
    path.write_text(json.dumps({"openai/own-model": {**entry, **more}}))


@pytest_asyncio.fixture(loop_scope="session")
async def prices(desk: Desk, live: LiveGateway, tmp_path: Path) -> AsyncIterator[Path]:
    """A price file, and a model that has its price from there."""
    path = tmp_path / "prices.json"
    write(path, 0.000001)
    model = deployment("priced", live.upstream, model="openai/own-model")
    for name in ("input_cost_per_token", "output_cost_per_token"):
        del model["litellm_params"][name]
    live.configure(model, gatewright={"price_file": str(path)})
    yield path
    await desk.run('DELETE FROM "LiteLLM_Config"')
    live.configure(deployment("m", live.upstream))
    live.gateway.parts.added.note_change()
    await eventually(lambda: live.gateway.parts.added.current.prices.stamp is None)


def price(live: LiveGateway) -> int | None:
    group = live.gateway.snapshot.catalog.find("priced")
    found = None if group is None else group.deployments[0].price
    return None if found is None else found.tiers[0].input


async def until_price(live: LiveGateway, femtos: int) -> None:
    await eventually(lambda: price(live) == femtos)


async def test_prices_of_the_file_count_within_a_second(desk: Desk, live: LiveGateway, prices: Path) -> None:
    before = price(live)
    write(prices, 0.000002)
    told = await desk.post(NOW, {})
    await until_price(live, 2_000_000_000)
    [entry] = (await desk.get("/audit", object_id="model_cost_map_reload_config", page_size=1))["audit_logs"]
    status = await desk.get(f"{SCHEDULE}/status")

    assert before == 1_000_000_000
    assert (told["status"], told["models_count"]) == ("success", 1)
    assert entry["updated_values"]["reloaded_at"]
    assert (status["scheduled"], status["next_run"]) == (False, None)
    assert status["last_run"] == told["timestamp"]


async def test_they_are_read_by_themselves_when_it_is_time(
    desk: Desk, live: LiveGateway, prices: Path
) -> None:
    planned = await desk.ask("POST", f"{SCHEDULE}?hours=6")
    status = await desk.get(f"{SCHEDULE}/status")
    first = await desk.value(
        """SELECT param_value ->> 'reloaded_at' FROM "LiteLLM_Config"
           WHERE param_name = 'model_cost_map_reload_config'"""
    )
    write(prices, 0.000003)
    early = stamp_of(datetime.now(UTC) - timedelta(hours=7))
    await desk.run(
        """UPDATE "LiteLLM_Config"
           SET param_value = jsonb_set(param_value, '{reloaded_at}', to_jsonb($1::text))
           WHERE param_name = 'model_cost_map_reload_config'""",
        early,
    )
    live.gateway.parts.added.note_change()
    await until_price(live, 3_000_000_000)
    # The plan and the row that was written by hand are news as well: what is waited for is the worker's word.
    added = live.gateway.parts.added
    await eventually(lambda: added.current.prices.stamp not in {None, first, early})
    later = await desk.get(f"{SCHEDULE}/status")
    stopped = (await desk.ask("DELETE", SCHEDULE)).json()

    assert (planned.json()["interval_hours"], status["scheduled"]) == (6, True)
    assert datetime.fromisoformat(status["next_run"]) - datetime.fromisoformat(
        status["last_run"]
    ) == timedelta(hours=6)
    assert datetime.fromisoformat(later["last_run"]) > datetime.fromisoformat(early) + timedelta(hours=6)
    assert stopped["status"] == "success"
    assert (await desk.get(f"{SCHEDULE}/status"))["scheduled"] is False


async def test_only_one_worker_says_that_it_is_time(desk: Desk, live: LiveGateway, prices: Path) -> None:
    await desk.ask("POST", f"{SCHEDULE}?hours=6")
    added = live.gateway.parts.added
    await eventually(lambda: added.current.prices.stamp is not None)
    told = [await added.begin_reload(stamp_of(datetime.now(UTC))) for _ in range(2)]

    assert told == [True, False]


async def test_a_file_that_cannot_be_read_changes_nothing(
    desk: Desk, live: LiveGateway, prices: Path
) -> None:
    write(prices, -1)
    refused = await desk.refusal(NOW, {})
    await asyncio.to_thread(prices.unlink)
    missing = await desk.refusal(NOW, {})

    assert (refused[0], missing[0]) == (400, 400)
    assert price(live) == 1_000_000_000
    assert await desk.value('SELECT count(*) FROM "LiteLLM_Config"') == 0


async def test_without_a_price_file_there_is_nothing_to_read(desk: Desk, live: LiveGateway) -> None:
    answer: Any = await desk.post(NOW, {}, status=400)

    assert "gatewright.price_file" in answer["error"]["message"]


@pytest.mark.parametrize("hours", ["0", "8761", "x", ""])
async def test_what_is_no_number_of_hours_is_refused(desk: Desk, hours: str) -> None:
    assert (await desk.ask("POST", f"{SCHEDULE}?hours={hours}")).status_code in {400, 422}


@pytest.mark.parametrize(("role", "seen"), [("internal_user", 401), ("proxy_admin_viewer", 200)])
async def test_viewers_look_and_only_admins_change(desk: Desk, role: str, seen: int) -> None:
    _, key = await desk.make_user(role)
    assert (await desk.ask("GET", f"{SCHEDULE}/status", key)).status_code == seen
    assert (await desk.ask("POST", NOW, key)).status_code == 401
    assert (await desk.ask("POST", f"{SCHEDULE}?hours=1", key)).status_code == 401
    assert (await desk.ask("DELETE", SCHEDULE, key)).status_code == 401


async def test_statements_are_counted(desk: Desk, prices: Path) -> None:
    assert await statements(desk, "GET", f"{SCHEDULE}/status") == 1
    assert await statements(desk, "POST", NOW) == 7
    assert await statements(desk, "DELETE", SCHEDULE) == 7
