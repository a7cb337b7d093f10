"""Who uses what is tagged: users per day, week and month, totals per tag, programs of users."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.ids import hash_token
from tests.integration.manage.conftest import Desk, count_read

pytestmark = pytest.mark.asyncio(loop_scope="session")

STEPS = ("/tag/dau", "/tag/wau", "/tag/mau")
ALL = (*STEPS, "/tag/distinct", "/tag/summary", "/tag/user-agent/per-user-analytics")


def day(back: int = 0) -> str:
    return (datetime.now(UTC).date() - timedelta(days=back)).isoformat()


class Tagged:
    """Daily rows of one tag, as requests of keys leave them."""

    def __init__(self, desk: Desk, tag: str) -> None:
        self.desk = desk
        self.tag = tag

    async def add(self, key: str, back: int = 0, **counts: int) -> None:
        """The day's rows of a key: `failed` of its requests failed, each cost two nano-dollars."""
        good, failed = counts.get("good", 1), counts.get("failed", 0)
        await self.desk.run(
            """INSERT INTO "LiteLLM_DailyTagSpend" (id, tag, date, api_key, model, custom_llm_provider,
                mcp_namespaced_tool_name, endpoint, prompt_tokens, completion_tokens, spend, api_requests,
                successful_requests, failed_requests, updated_at)
               VALUES (gen_random_uuid()::text, $1, $2, $3, 'm', '', '', '', 3, 4, $4, $5, $6, $7, now())""",
            self.tag,
            day(back),
            hash_token(key),
            2e-9 * (good + failed),
            good + failed,
            good,
            failed,
        )

    async def ask(self, path: str, **query: object) -> Any:
        return await self.desk.get(path, **{"tag_filters": [self.tag], **query})


@pytest.fixture
def tagged(desk: Desk, unique: Callable[[str], str]) -> Tagged:
    return Tagged(desk, f"User-Agent: {unique('cli')}")


async def test_a_user_with_two_keys_is_one_user_of_each_step(desk: Desk, tagged: Tagged):
    user, first = await desk.make_user()
    second = await desk.live.make_key(user_id=user)
    nobodys = await desk.live.make_key()
    for key, back in ((first, 0), (second, 0), (nobodys, 0), (first, 6), (second, 7), (first, 40)):
        await tagged.add(key, back)

    days, weeks, months = [(await tagged.ask(path))["results"] for path in STEPS]

    assert [(one["date"], one["active_users"]) for one in days] == [(day(), 2), (day(6), 1)]
    assert [(one["period_start"], one["active_users"]) for one in weeks] == [
        (day(6), 2),
        (day(13), 1),
        (day(41), 1),
    ]
    assert [(one["period_start"], one["period_end"], one["active_users"]) for one in months] == [
        (day(29), day(), 2),
        (day(59), day(30), 1),
    ]
    assert {one["tag"] for one in (*days, *weeks, *months)} == {tagged.tag}


async def test_tags_are_summed_up_between_two_days(desk: Desk, tagged: Tagged):
    _, key = await desk.make_user()
    await tagged.add(key, good=2, failed=1)
    await tagged.add(key, 1)
    await tagged.add(key, 2)

    found = await tagged.ask("/tag/summary", start_date=day(1), end_date=day())

    assert found == {
        "results": [
            {
                "tag": tagged.tag,
                "unique_users": 1,
                "total_requests": 4,
                "successful_requests": 3,
                "failed_requests": 1,
                "total_tokens": 14,
                "total_spend": 8e-9,
            }
        ]
    }


async def test_users_are_listed_with_their_programs_page_by_page(desk: Desk, tagged: Tagged, unique):
    people = [await desk.make_user() for _ in range(3)]
    for number, (_, key) in enumerate(people):
        await tagged.add(key, good=3 - number)
    address = f"{unique('ann')}@example.com"
    await desk.run('UPDATE "LiteLLM_UserTable" SET user_email = $2 WHERE user_id = $1', people[0][0], address)
    path = "/tag/user-agent/per-user-analytics"

    first = await tagged.ask(path, page_size=2)
    second = await tagged.ask(path, page_size=2, page=2)
    beyond = await tagged.ask(path, page_size=2, page=9)

    assert first["results"][0] == {
        "user_id": people[0][0],
        "user_email": address,
        "user_agent": tagged.tag.removeprefix("User-Agent: "),
        "total_requests": 3,
        "successful_requests": 3,
        "failed_requests": 0,
        "total_tokens": 7,
        "spend": 6e-9,
    }
    told = [one["user_id"] for page in (first, second) for one in page["results"]]
    assert told == [user for user, _ in people]
    assert (first["total_count"], first["total_pages"], second["page"]) == (3, 2, 2)
    assert (beyond["results"], beyond["total_count"]) == ([], 3)


async def test_tags_are_chosen_by_a_part_of_their_names(desk: Desk, tagged: Tagged):
    await tagged.add(await desk.live.make_key())
    part = tagged.tag.removeprefix("User-Agent: ").upper()

    for path in (*STEPS, f"/tag/summary?start_date={day()}&end_date={day()}"):
        found = (await desk.ask("GET", path, params={"tag_filter": part} if "?" not in path else None)).json()
        assert tagged.tag in [one["tag"] for one in found["results"]]
    assert (await desk.get("/tag/dau", tag_filter=f"{part}-none"))["results"] == []
    assert {"tag": tagged.tag} in (await desk.get("/tag/distinct"))["results"]


async def test_customers_of_requests_are_named(desk: Desk, key: str, unique):
    customer = unique("customer")
    assert (await desk.live.chat(key, user=customer)).status_code == 200
    await desk.live.rows(key)

    assert customer in (await desk.get("/global/all_end_users"))["end_users"]


@pytest.mark.parametrize("path", [*ALL, "/global/all_end_users"])
async def test_administrators_see_it_with_one_statement(desk: Desk, tagged: Tagged, path):
    _, user = await desk.make_user()
    _, viewer = await desk.make_user("proxy_admin_viewer")
    await tagged.add(await desk.live.make_key())
    dates = {"start_date": day(), "end_date": day()}

    refused = await desk.ask("GET", path, user, params=dates)
    assert (refused.status_code, refused.json()["error"]["type"]) == (401, "auth_error")
    assert (await desk.ask("GET", path, viewer, params=dates)).status_code == 200
    # The other one bounds it.
    assert await count_read(desk, path, **dates) == 2


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"end_date": day()}, "start_date"),
        ({"start_date": "2026-02-30", "end_date": day()}, "start_date"),
        ({"start_date": day(), "end_date": day(1)}, "end_date"),
    ],
)
async def test_days_that_cannot_be_are_refused_by_name(desk: Desk, query, param):
    answer = await desk.ask("GET", "/tag/summary", params=query)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["param"]) == (400, "bad_request", param)


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        ("/tag/user-agent/per-user-analytics", "page", 0),
        ("/tag/user-agent/per-user-analytics", "page_size", 1001),
        ("/tag/dau", "tag_filter", "x" * 1025),
    ],
)
async def test_a_parameter_out_of_bounds_is_refused_by_its_name(desk: Desk, path, name, value):
    answer = await desk.ask("GET", path, params={name: value})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", name]


async def test_the_root_and_the_test_route_answer_everybody(desk: Desk):
    for path, said in (("/", "Gatewright: RUNNING"), ("/health/liveliness", "I'm alive!")):
        told = await desk.live.http.get(path)
        assert (told.headers["content-type"], told.json()) == ("application/json", said)
    assert (await desk.live.http.get("/test")).json() == {"route": "/test"}


async def test_crawlers_are_asked_to_stay_away_where_the_operator_says_so(desk: Desk) -> None:
    before = await desk.live.http.get("/robots.txt")
    desk.live.configure(general_settings={"block_robots": True})
    after = await desk.live.http.get("/robots.txt")

    assert before.status_code == 404
    assert (after.status_code, after.text) == (200, "User-agent: *\nDisallow: /\n")
    assert after.headers["content-type"].startswith("text/plain")
