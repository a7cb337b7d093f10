"""Daily activity: exact figures of real requests, pages, and whose figures a caller sees."""

from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from gateway.ids import hash_token
from tests.integration.counting import counting
from tests.integration.manage.conftest import Desk
from tests.integration.serving import INPUT_NANOS, OUTPUT_NANOS, LiveGateway, deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")


def today() -> dict[str, str]:
    day = datetime.now(UTC).date().isoformat()
    return {"start_date": day, "end_date": day}


async def spent(live: LiveGateway, key: str) -> float:
    return await live.spent_nanos(key) / 1e9


async def test_a_users_day_has_what_its_requests_did_cost(live: LiveGateway, desk: Desk):
    user, key = await desk.make_user()
    for _ in range(3):
        assert (await live.chat(key)).status_code == 200
    rows = await live.rows(key)
    for route in ("/user/daily/activity", "/user/daily/activity/aggregated"):
        report = await desk.get(route, key, **today())
        [day] = report["results"]
        metrics = day["metrics"]
        assert metrics["spend"] == sum(row.nanos for row in rows) / 1e9 == await spent(live, key)
        assert metrics["prompt_tokens"] == sum(row.prompt_tokens for row in rows)
        assert metrics["api_requests"] == metrics["successful_requests"] == 3
        nanos = metrics["prompt_tokens"] * INPUT_NANOS + metrics["completion_tokens"] * OUTPUT_NANOS
        assert metrics["spend"] == nanos / 1e9
        breakdown = day["breakdown"]
        assert breakdown["api_keys"][hash_token(key)]["metrics"] == metrics
        assert breakdown["entities"][user]["metrics"] == metrics
        assert breakdown["model_groups"]["m"]["api_key_breakdown"][hash_token(key)]["metrics"] == metrics
        assert breakdown["providers"]["openai"]["metrics"] == metrics
        totals = report["metadata"]
        assert (totals["total_spend"], totals["total_api_requests"]) == (metrics["spend"], 3)
        assert (totals["page"], totals["total_pages"], totals["has_more"]) == (1, 1, False)


@pytest_asyncio.fixture(loop_scope="session")
async def team(desk: Desk, unique) -> dict[str, Any]:
    """A team with an administrator and a member, and a key of each in it that has made one request."""
    admin, admin_key = await desk.make_user()
    member, member_key = await desk.make_user()
    members = [{"role": "admin", "user_id": admin}, {"role": "user", "user_id": member}]
    body = {"team_id": unique("team"), "team_alias": unique("Alias"), "members_with_roles": members}
    made = await desk.post("/team/new", body)
    keys = [await desk.live.make_key(user_id=user, team_id=made["team_id"]) for user in (admin, member)]
    for key in keys:
        assert (await desk.live.chat(key)).status_code == 200
    return {
        "id": made["team_id"],
        "alias": made["team_alias"],
        "keys": keys,
        "personal": [admin_key, member_key],
    }


async def test_a_teams_administrator_sees_all_keys_and_a_member_its_own(desk: Desk, team):
    hashes = [hash_token(key) for key in team["keys"]]
    seen = []
    for key in team["personal"]:
        report = await desk.get("/team/daily/activity", key, **today(), page_size=1000)
        [day] = [day for day in report["results"] if team["id"] in day["breakdown"]["entities"]]
        entity = day["breakdown"]["entities"][team["id"]]
        assert entity["metadata"] == {"team_alias": team["alias"]}
        seen.append(set(entity["api_key_breakdown"]))
    assert seen == [set(hashes), {hashes[1]}]


async def test_a_foreign_team_is_not_found(desk: Desk, team):
    _, key = await desk.make_user()
    answer = await desk.ask("GET", "/team/daily/activity", key, params={**today(), "team_ids": team["id"]})
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["param"]) == (404, "not_found_error", "team_ids")
    assert (await desk.get("/team/daily/activity", key, **today()))["results"] == []


async def test_who_administers_an_organization_sees_its_teams(desk: Desk, unique):
    user, key = await desk.make_user()
    organization = await desk.make_organization(user)
    made = await desk.post("/team/new", {"team_id": unique("team"), "organization_id": organization})
    worker = await desk.live.make_key(team_id=made["team_id"])
    assert (await desk.live.chat(worker)).status_code == 200
    for asked in ({}, {"team_ids": made["team_id"]}):
        report = await desk.get("/team/daily/activity", key, **today(), **asked)
        entity = report["results"][0]["breakdown"]["entities"][made["team_id"]]
        assert set(entity["api_key_breakdown"]) == {hash_token(worker)}
    [row] = await desk.get("/team/spend/report", key, **today(), team_id=made["team_id"])
    assert row["api_key"] == hash_token(worker)


async def test_an_organization_is_seen_by_who_administers_it(desk: Desk):
    user, key = await desk.make_user()
    mine, other = await desk.make_organization(user), await desk.make_organization()
    asked = {**today(), "organization_ids": other}
    answer = await desk.ask("GET", "/organization/daily/activity", key, params=asked)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (403, "organization_ids")
    live_key = await desk.live.make_key(organization_id=mine)
    assert (await desk.live.chat(live_key)).status_code == 200
    report = await desk.get("/organization/daily/activity/aggregated", key, **today())
    assert set(report["results"][0]["breakdown"]["entities"]) == {mine}


async def test_users_are_shown_their_own_days_whomever_they_ask_for(desk: Desk):
    mine, key = await desk.make_user()
    other, other_key = await desk.make_user()
    for each in (key, other_key):
        await desk.live.chat(each)
    for role_key, expected in ((key, {mine}), (other_key, {other})):
        report = await desk.get("/user/daily/activity", role_key, **today(), user_id=other)
        assert set(report["results"][0]["breakdown"]["entities"]) == expected


async def test_a_key_without_a_user_sees_itself(desk: Desk, key: str):
    other = await desk.live.make_key()
    for each in (key, other):
        await desk.live.chat(each)
    for asked in ({}, {"api_key": key}):
        report = await desk.get("/user/daily/activity/aggregated", key, **today(), **asked)
        assert set(report["results"][0]["breakdown"]["api_keys"]) == {hash_token(key)}
    assert (await desk.get("/user/daily/activity", key, **today(), api_key=other))["results"] == []


async def test_a_viewer_sees_everybody_and_customers_are_for_administrators(desk: Desk):
    _, viewer = await desk.make_user("proxy_admin_viewer")
    _, user = await desk.make_user()
    await desk.live.chat(user, user="customer-of-the-days")
    for prefix in ("customer", "end_user"):
        report = await desk.get(
            f"/{prefix}/daily/activity", viewer, **today(), end_user_ids="customer-of-the-days"
        )
        assert set(report["results"][0]["breakdown"]["entities"]) == {"customer-of-the-days"}
        answer = await desk.ask("GET", f"/{prefix}/daily/activity", user, params=today())
        assert answer.status_code == 401


async def test_a_tags_day_is_that_of_its_requests(desk: Desk, key: str, unique):
    tag = unique("tag")
    await desk.live.chat(key, metadata={"tags": [tag]})
    [row] = await desk.live.rows(key)
    report = await desk.get("/tag/daily/activity/aggregated", **today(), tags=tag)
    assert report["results"][0]["breakdown"]["entities"][tag]["metrics"]["spend"] == row.spend


async def test_pages_hold_the_rows_once_and_say_how_many_there_are(desk: Desk):
    _, key = await desk.make_user()
    names = ("one", "two", "three")
    desk.live.configure(*(deployment(name, desk.live.upstream, f"openai/real-{name}") for name in names))
    for name in names:
        assert (await desk.live.chat(key, name)).status_code == 200
    seen: list[str] = []
    for page in (1, 2, 3):
        report = await desk.get("/user/daily/activity", key, **today(), page=page, page_size=1)
        assert report["metadata"]["total_pages"] == 3
        assert report["metadata"]["has_more"] is (page < 3)
        seen.extend(report["results"][0]["breakdown"]["model_groups"])
    assert sorted(seen) == sorted(names)
    beyond = await desk.get("/user/daily/activity", key, **today(), page=4, page_size=1)
    assert beyond["results"] == []


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({}, "start_date"),
        ({"start_date": "2026-01-01"}, "end_date"),
        ({"start_date": "yesterday", "end_date": "2026-01-01"}, "start_date"),
        ({"start_date": "2026-02-30", "end_date": "2026-03-01"}, "start_date"),
        ({"start_date": "2026-01-02", "end_date": "2026-01-01"}, "end_date"),
        ({"start_date": "2000-01-01", "end_date": "2026-01-01"}, "end_date"),
        ({"start_date": "2026-01-01", "end_date": "2026-01-01", "timezone": 2000}, "timezone"),
    ],
)
async def test_wrong_days_are_refused_by_name(desk: Desk, query, param):
    for rest in ("", "/aggregated", "/aggregated/keys", "/export"):
        answer = await desk.ask("GET", f"/user/daily/activity{rest}", params=query)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


@pytest.mark.parametrize("query", [{"page": 0}, {"page_size": 1001}, {"page_size": "x"}])
async def test_pages_that_cannot_be_are_refused_by_name(desk: Desk, query):
    answer = await desk.ask("GET", "/team/daily/activity", params={**today(), **query})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", *query]


async def test_nobody_without_a_key_sees_days(desk: Desk):
    answer = await desk.live.http.get("/user/daily/activity", params=today())
    assert answer.status_code == 401


async def test_keys_are_paged_searched_and_exported(desk: Desk, unique):
    alias = unique("Alias")
    key = await desk.live.make_key(key_alias=alias)
    await desk.live.chat(key)
    [row] = await desk.live.rows(key)
    asked = {**today(), "api_key": key}
    paged = await desk.get("/user/daily/activity/aggregated/keys", **asked)
    [entry] = paged["api_keys"]
    assert (entry["api_key"], entry["metrics"]["spend"]) == (hash_token(key), row.spend)
    assert entry["metadata"]["key_alias"] == alias
    assert (paged["total_api_keys"], paged["offset"], paged["limit"]) == (1, 0, 50)
    found = await desk.get("/user/daily/activity/aggregated/search", **today(), search=alias.upper()[2:])
    assert [each["api_key"] for each in found["api_keys"]] == [hash_token(key)]
    top = await desk.get("/user/daily/activity/aggregated/model_top_keys", **asked, model=row.model)
    assert [each["api_key"] for each in top["api_keys"]] == [hash_token(key)]
    assert (top["model"], top["by_model_group"]) == (row.model, False)
    path, by_name = "/user/daily/activity/aggregated/model_top_keys", {"by_model_group": "true", "model": "m"}
    top = await desk.get(path, **asked, **by_name)
    assert (top["model"], top["by_model_group"]) == ("m", True)
    assert [each["api_key"] for each in top["api_keys"]] == [hash_token(key)]
    assert (await desk.get(path, **asked, **by_name | {"model": "other"}))["api_keys"] == []
    leaking = await desk.get("/user/daily/activity/aggregated/cache_leakage_keys", **asked)
    assert [each["api_key"] for each in leaking["api_keys"]] == [hash_token(key)]
    [exported] = await desk.get("/user/daily/activity/export", **asked, format="json")
    assert (exported["spend"], exported["key_alias"]) == (row.spend, alias)
    text = (await desk.ask("GET", "/user/daily/activity/export", params=asked)).text.splitlines()
    assert text[0].startswith("date,user_id,api_key,key_alias")
    assert alias in text[1]


async def test_a_name_from_outside_is_no_formula_in_a_spreadsheet(desk: Desk):
    key = await desk.live.make_key(key_alias='=HYPERLINK("x")')
    await desk.live.chat(key)
    asked = {**today(), "api_key": key}
    text = (await desk.ask("GET", "/user/daily/activity/export", params=asked)).text
    assert "'=HYPERLINK" in text


STATEMENTS = {"": 5, "/aggregated": 5, "/aggregated/keys": 3, "/export": 3}


@pytest.mark.parametrize("rest", STATEMENTS)
async def test_statements_do_not_grow_with_the_answer(desk: Desk, rest):
    counts: list[int] = []
    for _ in range(2):
        _, key = await desk.make_user()
        await desk.live.chat(key)
        await desk.live.rows(key)
        async with counting(desk.live) as counter:
            await desk.get(f"/user/daily/activity{rest}", **today(), format="json")
        counts.append(len(counter))
    assert counts == [STATEMENTS[rest]] * 2
