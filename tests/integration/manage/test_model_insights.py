"""Which models are used, for what, and whose prompts providers had in their caches."""

from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.manage.conftest import Desk, count_read
from tests.integration.serving import deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")

MODELS, TASKS, PROMPTS = (
    "/model-insights",
    "/model-insights/tasks",
    "/cost_optimization/prompt_caching/requests",
)
DAYS = {"start_date": "2003-04-01", "end_date": "2003-04-02"}
CALLS, TEXTS = "/v1/chat/completions", "/v1/embeddings"


async def add_day(desk: Desk, model: str, day: str, **counts: Any) -> None:
    """A daily row of a model."""
    await desk.run(
        """INSERT INTO "LiteLLM_DailyUserSpend" (id, user_id, date, api_key, model, model_group,
            custom_llm_provider, mcp_namespaced_tool_name, endpoint, spend, prompt_tokens, completion_tokens,
            api_requests, successful_requests, failed_requests, updated_at)
           VALUES (gen_random_uuid()::text, '', $2, gen_random_uuid()::text, $1, $1, 'p', '', $3, $4, $5, 1,
            $6::bigint, $6::bigint - 1, 1, now())""",
        model,
        day,
        counts.get("endpoint", CALLS),
        counts.get("spend", 0.5),
        counts.get("prompt_tokens", 9),
        counts.get("requests", 2),
    )


@pytest_asyncio.fixture(loop_scope="session")
async def models(desk: Desk, unique) -> tuple[str, str]:
    """One with many cheap tokens in two tasks, and one that costs more."""
    cheap, dear = unique("cheap"), unique("dear")
    await desk.run("""DELETE FROM "LiteLLM_DailyUserSpend" WHERE date LIKE '2003-04-%'""")
    await add_day(desk, cheap, "2003-04-01", prompt_tokens=99)
    await add_day(desk, cheap, "2003-04-02", endpoint=TEXTS)
    await add_day(desk, cheap, "2003-04-03", spend=1_000.0)
    await add_day(desk, dear, "2003-04-01", spend=2.0)
    return cheap, dear


async def test_models_are_listed_by_what_they_are_compared_by(desk: Desk, models):
    cheap, dear = models

    found = await desk.get(MODELS, **DAYS)
    assert [one["model"] for one in found["models"]] == [cheap, dear]
    assert (found["metric"], found["totals"]["spend"], found["totals"]["requests"]) == ("tokens", 3.0, 6)
    days = found["models"][0].pop("daily")
    assert [(day["date"], day["tokens"]) for day in days] == [("2003-04-01", 100), ("2003-04-02", 10)]
    assert found["models"][0] == {
        "model": cheap,
        "requests": 4,
        "successful_requests": 2,
        "failed_requests": 2,
        "prompt_tokens": 108,
        "completion_tokens": 2,
        "tokens": 110,
        "spend": 1.0,
    }
    found = await desk.get(MODELS, **DAYS, metric="spend")
    assert [one["model"] for one in found["models"]] == [dear, cheap]


async def test_tasks_tell_their_models(desk: Desk, models):
    cheap, dear = models

    found = await desk.get(TASKS, **DAYS)

    told = [(one["task"], one["spend"], [m["model"] for m in one["models"]]) for one in found["tasks"]]
    assert told == [(CALLS, 2.5, [dear, cheap]), (TEXTS, 0.5, [cheap])]
    by_tokens = await desk.get(TASKS, **DAYS, metric="tokens")
    assert [m["model"] for m in by_tokens["tasks"][0]["models"]] == [cheap, dear]


async def test_a_request_that_was_just_made_is_in_the_insights(desk: Desk, key: str, unique):
    name = unique("fresh")
    desk.live.configure(deployment(name, desk.live.upstream))
    assert (await desk.live.chat(key, name)).status_code == 200

    found = {one["model"]: one for one in (await desk.get(MODELS, metric="requests"))["models"]}

    assert found[name]["successful_requests"] == 1


async def add_prompt(desk: Desk, identifier: str, minute: int, usage: str) -> None:
    """A spend row of a request, and what it says of caches as JSON."""
    await desk.run(
        """INSERT INTO "LiteLLM_SpendLogs" (request_id, call_type, "startTime", "endTime", metadata)
           VALUES ($1, 'acompletion', $2, $2, $3::text::jsonb)""",
        identifier,
        datetime(2003, 4, 1, 12, minute, tzinfo=UTC).replace(tzinfo=None),
        f'{{"additional_usage_values": {usage}}}',
    )


async def test_cached_prompts_are_listed_page_by_page(desk: Desk, unique):
    span = {"start_date": "2003-04-01T12:00:00Z", "end_date": "2003-04-01T13:00:00Z"}
    await desk.run("""DELETE FROM "LiteLLM_SpendLogs" WHERE "startTime" < '2003-05-01'
        AND "startTime" > '2003-04-01'""")
    read, written, late = unique("read"), unique("written"), unique("late")
    await add_prompt(desk, read, 1, '{"cache_read_input_tokens": 7}')
    await add_prompt(desk, written, 1, '{"cache_creation_input_tokens": 5}')
    await add_prompt(desk, late, 2, '{"cache_read_input_tokens": 1e300}')
    await add_prompt(desk, unique("none"), 3, '{"cache_read_input_tokens": "many"}')
    await add_prompt(desk, unique("null"), 4, "null")

    first = await desk.get(PROMPTS, **span, page_size=2)
    assert [one["request_id"] for one in first["requests"]] == [late, written]
    assert first["has_more"] is True
    behind = {name: first[f"next_{name}"] for name in ("cursor_start_time", "cursor_request_id")}
    second = await desk.get(PROMPTS, **span, page_size=2, **behind)
    assert [one["request_id"] for one in second["requests"]] == [read]
    assert (second["has_more"], second["next_cursor_request_id"]) == (False, None)
    [shown] = second["requests"]
    assert (shown["cache_read_input_tokens"], shown["is_hit"]) == (7, True)
    hits = await desk.get(PROMPTS, **span, filter="hits")
    assert [one["request_id"] for one in hits["requests"]] == [late, read]
    assert (await desk.get(PROMPTS, **span, filter="injected"))["requests"] == []


@pytest.mark.parametrize("path", [MODELS, TASKS, PROMPTS])
async def test_administrators_see_it_with_one_statement(desk: Desk, path):
    _, user = await desk.make_user()
    _, viewer = await desk.make_user("proxy_admin_viewer")

    refused = await desk.ask("GET", path, user, params=DAYS)
    assert (refused.status_code, refused.json()["error"]["type"]) == (401, "auth_error")
    span = {"start_date": "2003-04-01T00:00:00", "end_date": "2003-04-02T00:00:00"}
    asked = span if path == PROMPTS else DAYS
    assert (await desk.ask("GET", path, viewer, params=asked)).status_code == 200
    # The other one bounds it.
    assert await count_read(desk, path, **asked) == 2


@pytest.mark.parametrize(
    ("path", "query", "param"),
    [
        (MODELS, {"start_date": "2003-04-01"}, "end_date"),
        (TASKS, {"start_date": "2003-04-02", "end_date": "2003-04-01"}, "end_date"),
        (PROMPTS, {"start_date": "2003-04-02T00:00:00", "end_date": "2003-04-01T00:00:00"}, "end_date"),
        (PROMPTS, {"start_date": "0001-01-01T00:00:00", "end_date": "2003-04-01T00:00:00"}, "start_date"),
        (
            PROMPTS,
            {
                "start_date": "2003-04-01T00:00:00",
                "end_date": "2003-04-01T00:00:00",
                "cursor_start_time": "2003-04-01T00:00:00",
            },
            "cursor_request_id",
        ),
    ],
)
async def test_what_cannot_be_asked_is_refused_by_name(desk: Desk, path, query, param):
    answer = await desk.ask("GET", path, params=query)

    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


@pytest.mark.parametrize(
    ("path", "query", "place"),
    [
        (MODELS, {"metric": "fame"}, "metric"),
        (PROMPTS, {"start_date": "soon", "end_date": "2003-04-01T00:00:00"}, "start_date"),
    ],
)
async def test_what_has_no_meaning_is_refused_with_its_place(desk: Desk, path, query, place):
    answer = await desk.ask("GET", path, params=query)

    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", place]
