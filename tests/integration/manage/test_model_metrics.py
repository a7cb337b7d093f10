"""How long deployments took and what they failed with, of real requests and of rows with known times."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.ids import hash_token
from tests.integration.manage.conftest import Desk, count_read
from tests.integration.serving import deployment
from tests.upstreams import replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

MEASURED = ("/model/metrics", "/model/streaming_metrics", "/model/metrics/slow_responses")
ALL = (*MEASURED, "/model/metrics/exceptions")
NOON = datetime(2001, 2, 3, 12, tzinfo=UTC).replace(tzinfo=None)
THEN = {"startTime": "2001-02-02T00:00:00", "endTime": "2001-02-04T00:00:00Z"}


async def add(desk: Desk, group: str, *, seconds: float, first: float, tokens: int = 10, **more: Any) -> None:
    """A spend row of a request that began at noon; its first token came after `first` seconds."""
    await desk.run(
        """INSERT INTO "LiteLLM_SpendLogs" (request_id, call_type, "startTime", "endTime",
            "completionStartTime", model_group, api_base, completion_tokens, api_key, end_user, status)
           VALUES (gen_random_uuid()::text, 'acompletion', $1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        NOON,
        NOON + timedelta(seconds=seconds),
        NOON + timedelta(seconds=first),
        group,
        more.get("api_base", "https://one"),
        tokens,
        more.get("api_key", ""),
        more.get("end_user", ""),
        more.get("status", "success"),
    )


async def test_means_are_taken_per_day_and_deployment(desk: Desk, unique):
    group = unique("group")
    await add(desk, group, seconds=2, first=0.5)
    await add(desk, group, seconds=4, first=1.5)
    await add(desk, group, seconds=5, first=5, api_base="https://two")
    await add(desk, group, seconds=900, first=9, tokens=0, status="failure")
    await add(desk, unique("other"), seconds=9, first=1)
    asked = {**THEN, "_selected_model_group": group}

    found = await desk.get("/model/metrics", **asked)
    assert found["data"] == [
        {"date": "2001-02-03", "https://one": pytest.approx(0.3), "https://two": pytest.approx(0.5)}
    ]
    assert found["all_api_bases"] == ["https://one", "https://two"]
    assert await desk.get("/model/streaming_metrics", **asked) == {
        "data": [{"date": "2001-02-03", "https://one": 1.0}],
        "all_api_bases": ["https://one"],
    }


async def test_answers_above_the_threshold_are_slow(desk: Desk, unique):
    group = unique("group")
    for seconds in (10, 299, 301):
        await add(desk, group, seconds=seconds, first=1)

    [found] = await desk.get("/model/metrics/slow_responses", **THEN, _selected_model_group=group)

    assert found == {"api_base": "https://one", "total_count": 3, "slow_count": 1}


async def test_requests_of_a_key_and_of_a_customer_are_measured_alone(desk: Desk, key: str, unique):
    group, customer = unique("group"), unique("customer")
    await add(desk, group, seconds=1, first=1, api_key=hash_token(key))
    await add(desk, group, seconds=3, first=1, end_user=customer)

    async def mean(**narrowed: str) -> float:
        found = await desk.get("/model/metrics", **THEN, _selected_model_group=group, **narrowed)
        return found["data"][0]["https://one"]

    assert [await mean(api_key=key), await mean(customer=customer), await mean()] == pytest.approx(
        [0.1, 0.3, 0.2]
    )


async def test_real_requests_are_measured_and_their_failures_counted(desk: Desk, key: str, unique):
    group = unique("group")
    models = deployment(group, desk.live.upstream, num_retries=0)
    desk.live.configure(models, router_settings={"num_retries": 0})
    assert (await desk.live.chat(key, group)).status_code == 200
    desk.live.upstream.script.append(replies.error(429))
    assert (await desk.live.chat(key, group)).status_code == 429
    await desk.live.rows(key)

    measured = await desk.get("/model/metrics", _selected_model_group=group)
    failed = await desk.get("/model/metrics/exceptions", _selected_model_group=group)
    everywhere = await desk.get("/model/metrics/exceptions")

    [address] = measured["all_api_bases"]
    assert measured["data"][0][address] > 0
    [found], [kind] = failed["data"], failed["exception_types"]
    assert found == {"api_base": found["api_base"], kind: 1}
    assert kind in everywhere["exception_types"]


@pytest.mark.parametrize("path", ALL)
async def test_administrators_see_it_with_one_statement(desk: Desk, path):
    _, user = await desk.make_user()
    _, viewer = await desk.make_user("proxy_admin_viewer")

    refused = await desk.ask("GET", path, user)
    assert (refused.status_code, refused.json()["error"]["type"]) == (401, "auth_error")
    assert (await desk.ask("GET", path, viewer)).status_code == 200
    # The other one bounds it.
    assert await count_read(desk, path) == 2


@pytest.mark.parametrize("path", ALL)
async def test_times_that_cannot_be_are_refused_by_name(desk: Desk, path):
    behind = {"startTime": "2026-02-02T00:00:00", "endTime": "2026-02-01T00:00:00"}
    answer = await desk.ask("GET", path, params=behind)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "endTime")
    answer = await desk.ask("GET", path, params={"startTime": "soon"})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", "startTime"]
