"""Totals of the whole gateway: exact figures of real requests, shapes, and who may see them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.ids import hash_token
from tests.integration.counting import counting
from tests.integration.manage.conftest import Desk
from tests.integration.serving import deployment
from tests.upstreams import replies

pytestmark = pytest.mark.asyncio(loop_scope="session")


def today() -> dict[str, str]:
    day = datetime.now(UTC).date().isoformat()
    return {"start_date": day, "end_date": day}


async def test_the_total_grows_by_what_a_request_costs(desk: Desk, key: str):
    before = await desk.get("/global/spend")
    await desk.live.chat(key)
    [row] = await desk.live.rows(key)
    after = await desk.get("/global/spend")
    assert set(after) == {"spend", "max_budget"}
    assert round(after["spend"] * 1e9) - round(before["spend"] * 1e9) == row.nanos
    assert after["max_budget"] == 0


async def test_the_budget_of_the_gateway_is_shown(desk: Desk):
    desk.live.configure(deployment("m", desk.live.upstream), litellm_settings={"max_budget": 12.5})
    assert (await desk.get("/global/spend"))["max_budget"] == 12.5
    desk.live.configure(deployment("m", desk.live.upstream))


async def test_days_keys_models_and_providers_have_the_exact_amounts(desk: Desk, unique):
    alias, model = unique("Alias"), unique("real")
    desk.live.configure(deployment("dear", desk.live.upstream, f"openai/{model}", input_cost_per_token=90.0))
    key = await desk.live.make_key(key_alias=alias)
    assert (await desk.live.chat(key, "dear")).status_code == 200
    [row] = await desk.live.rows(key)
    [day] = await desk.get("/global/spend/logs", api_key=key)
    assert day == {"date": today()["end_date"], "spend": row.spend}
    keys = {each["api_key"]: each for each in await desk.get("/global/spend/keys", limit=1000)}
    assert keys[hash_token(key)]["total_spend"] == row.spend
    assert keys[hash_token(key)]["key_alias"] == alias
    assert keys[hash_token(key)]["key_name"].startswith("sk-...")
    models = await desk.get("/global/spend/models", limit=1000)
    assert {"model": model, "total_spend": row.spend} in models
    providers = await desk.get("/global/spend/provider", **today())
    assert {each["provider"] for each in providers} >= {"openai"}


async def test_a_teams_days_stand_under_its_alias(desk: Desk, unique):
    made = await desk.post("/team/new", {"team_id": unique("team"), "team_alias": unique("Alias")})
    key = await desk.live.make_key(team_id=made["team_id"])
    await desk.live.chat(key)
    [row] = await desk.live.rows(key)
    report = await desk.get("/global/spend/teams")
    alias = made["team_alias"]
    assert alias in report["teams"]
    [day] = [day for day in report["daily_spend"] if alias in day]
    assert (day["date"], day[alias]) == (today()["end_date"], row.spend)
    assert {"team_id": alias, "total_spend": row.spend} in report["total_spend_per_team"]


async def test_customers_are_told_with_the_number_of_their_requests(desk: Desk, key: str, unique):
    customer = unique("customer")
    for _ in range(2):
        await desk.live.chat(key, user=customer)
    rows = await desk.live.rows(key)
    expected = {"end_user": customer, "total_count": 2, "total_spend": sum(row.nanos for row in rows) / 1e9}
    assert await desk.post("/global/spend/end_users", {"api_key": key}) == [expected]
    now = datetime.now(UTC)
    late = {"api_key": key, "startTime": (now + timedelta(days=2)).isoformat()}
    assert await desk.post("/global/spend/end_users", late) == []
    answer = await desk.ask("POST", "/global/spend/end_users")
    assert answer.status_code == 200
    wrong = {"startTime": now.isoformat(), "endTime": (now - timedelta(days=2)).isoformat()}
    assert await desk.refusal("/global/spend/end_users", wrong) == (400, "bad_request", "endTime")
    answer = await desk.ask("POST", "/global/spend/end_users", json={"startTime": "soon"})
    assert answer.json()["detail"][0]["loc"] == ["body", "startTime"]


async def test_tags_are_told_by_name_and_to_users_for_their_own_keys(desk: Desk, unique):
    _, key = await desk.make_user()
    other = await desk.live.make_key()
    tag = unique("tag")
    for each in (key, other):
        await desk.live.chat(each, metadata={"tags": [tag]})
    [row] = await desk.live.rows(key)
    asked = await desk.get("/global/spend/tags", **today(), tags=f"{tag},none")
    assert asked == {"spend_per_tag": [{"name": tag, "log_count": 2, "spend": 2 * row.nanos / 1e9}]}
    assert tag in (await desk.get("/global/spend/all_tag_names"))["tag_names"]
    everything = {each["individual_request_tag"]: each for each in await desk.get("/spend/tags")}
    assert everything[tag]["log_count"] == 2
    mine = {each["individual_request_tag"]: each for each in await desk.get("/spend/tags", key)}
    assert mine[tag] == {"individual_request_tag": tag, "log_count": 1, "total_spend": row.spend}


async def test_a_team_and_a_customer_have_their_days_with_details(desk: Desk, unique):
    made = await desk.post("/team/new", {"team_id": unique("team"), "team_alias": unique("Alias")})
    key, customer = await desk.live.make_key(team_id=made["team_id"]), unique("customer")
    await desk.live.chat(key, user=customer)
    [row] = await desk.live.rows(key)
    detail = {
        "model": row.model,
        "spend": row.spend,
        "api_key": hash_token(key),
        "total_tokens": row.total_tokens,
    }
    [day] = await desk.get("/global/spend/report", **today())
    assert day["group_by_day"] == today()["end_date"]
    [team] = [each for each in day["teams"] if each["team_name"] == made["team_alias"]]
    assert team == {"team_name": made["team_alias"], "total_spend": row.spend, "metadata": [detail]}
    [day] = await desk.get("/global/spend/report", **today(), group_by="customer")
    [found] = [each for each in day["customers"] if each["customer"] == customer]
    assert found == {"customer": customer, "total_spend": row.spend, "metadata": [detail]}


def key_row(key: str, row: Any) -> dict[str, Any]:
    costs = {
        "total_cost": row.spend,
        "total_input_tokens": row.prompt_tokens,
        "total_output_tokens": row.completion_tokens,
    }
    return {"api_key": hash_token(key), **costs, "model_details": [{"model": row.model, **costs}]}


async def test_keys_are_told_by_themselves_user_team_and_customer(desk: Desk, unique):
    user, personal = await desk.make_user()
    made = await desk.post("/team/new", {"team_id": unique("team")})
    key, customer = await desk.live.make_key(team_id=made["team_id"]), unique("customer")
    await desk.live.chat(personal)
    await desk.live.chat(key, user=customer)
    rows = {each: key_row(each, (await desk.live.rows(each))[0]) for each in (key, personal)}
    for asked, expected in (
        ({"api_key": key}, key),
        ({"team_id": made["team_id"]}, key),
        ({"customer_id": customer}, key),
        ({"internal_user_id": user}, personal),
        ({"group_by": "api_key", "api_key": hash_token(personal)}, personal),
    ):
        assert await desk.get("/global/spend/report", **today(), **asked) == [rows[expected]]
    assert await desk.get("/key/spend/report", key, status=401, **today())
    assert await desk.get("/key/spend/report", personal, **today()) == [rows[personal]]
    assert await desk.get("/user/spend/report", personal, **today()) == [rows[personal]]
    assert await desk.get("/team/spend/report", **today(), team_id=made["team_id"]) == [rows[key]]


async def test_an_organization_and_a_team_are_told_to_who_administers_them(desk: Desk, unique):
    user, key = await desk.make_user()
    _, stranger = await desk.make_user()
    organization = await desk.make_organization(user)
    members = [{"role": "admin", "user_id": user}]
    made = await desk.post("/team/new", {"team_id": unique("team"), "members_with_roles": members})
    worker = await desk.live.make_key(team_id=made["team_id"], user_id=user)
    ours = await desk.live.make_key(organization_id=organization)
    for each in (worker, ours):
        await desk.live.chat(each)
    expected = {each: key_row(each, (await desk.live.rows(each))[0]) for each in (worker, ours)}
    asked = {"organization_id": organization}
    assert await desk.get("/organization/spend/report", key, **today(), **asked) == [expected[ours]]
    assert await desk.get("/team/spend/report", key, **today(), team_id=made["team_id"]) == [expected[worker]]
    by_user = await desk.get("/team/spend/by_user", key, **today(), team_ids=made["team_id"])
    [result] = by_user["results"]
    assert (result["team_id"], result["user_id"]) == (made["team_id"], user)
    assert result["spend"] == expected[worker]["total_cost"]
    for path, query in (
        ("/organization/spend/report", asked),
        ("/team/spend/report", {"team_id": made["team_id"]}),
        ("/team/spend/by_user", {"team_ids": made["team_id"]}),
        ("/user/spend/report", {"internal_user_id": user}),
        ("/key/spend/report", {"api_key": worker}),
    ):
        answer = await desk.ask("GET", path, stranger, params={**today(), **query})
        error = answer.json()["error"]
        assert (answer.status_code, [error["param"]]) == (403, list(query))


async def test_activity_counts_requests_and_tokens_of_users_for_themselves(desk: Desk):
    _, key = await desk.make_user()
    for _ in range(2):
        await desk.live.chat(key)
    rows = await desk.live.rows(key)
    tokens = sum(row.total_tokens for row in rows)
    day = datetime.now(UTC).strftime("%b %d")
    expected = {
        "daily_data": [{"date": day, "api_requests": 2, "total_tokens": tokens}],
        "sum_api_requests": 2,
        "sum_total_tokens": tokens,
    }
    assert await desk.get("/global/activity", key, **today()) == expected
    assert await desk.get("/global/activity/model", key, **today()) == [{"model": "m", **expected}]
    report = await desk.get("/global/activity/cache_hits", key, **today(), models=[rows[0].model])
    [group] = report["groups"]
    assert (group["api_key"], group["total_rows"]) == (hash_token(key), 2)
    assert report["filter_options"]["models"] == [rows[0].model]
    everybody = await desk.get("/global/activity", **today())
    assert everybody["sum_api_requests"] >= 2
    routes = await desk.get("/gateway/daily/activity", **today())
    assert routes["total_successful_requests"] >= 2
    assert {"route", "successful_requests", "failed_requests"} == set(routes["by_route"][0])


async def test_rate_limits_of_deployments_are_counted_per_day(desk: Desk, key: str, unique):
    group = unique("group")
    desk.live.configure(
        deployment(group, desk.live.upstream, num_retries=0), router_settings={"num_retries": 0}
    )
    desk.live.upstream.script.append(replies.error(429))
    assert (await desk.live.chat(key, group)).status_code == 429
    asked = {**today(), "model_group": group}
    day = datetime.now(UTC).strftime("%b %d")
    expected = {
        "daily_data": [{"date": day, "num_rate_limit_exceptions": 1}],
        "sum_num_rate_limit_exceptions": 1,
    }
    await desk.live.rows(key)
    assert await desk.get("/global/activity/exceptions", **asked) == expected
    [found] = await desk.get("/global/activity/exceptions/deployment", **asked)
    assert found == {"api_base": found["api_base"], **expected}
    assert await desk.get("/global/activity/exceptions", **{**asked, "model_group": "none"}) == {
        "daily_data": [],
        "sum_num_rate_limit_exceptions": 0,
    }


DATED = (
    "/global/spend/provider",
    "/global/spend/tags",
    "/global/spend/report",
    "/key/spend/report",
    "/user/spend/report",
    "/team/spend/report",
    "/organization/spend/report",
    "/team/spend/by_user",
    "/global/activity",
    "/global/activity/model",
    "/global/activity/cache_hits",
    "/global/activity/exceptions",
    "/global/activity/exceptions/deployment",
    "/gateway/daily/activity",
)
OWN = {
    "team_id": "x",
    "team_ids": "x",
    "organization_id": "x",
    "internal_user_id": "x",
    "model_group": "x",
}


@pytest.mark.parametrize("path", DATED)
async def test_days_are_needed_and_checked_by_name(desk: Desk, path):
    for query, param in (
        ({}, "start_date"),
        ({"start_date": "2026-13-01", "end_date": "2026-01-01"}, "start_date"),
        ({"start_date": "2026-01-01"}, "end_date"),
    ):
        answer = await desk.ask("GET", path, params={**OWN, **query})
        error = answer.json()["error"]
        assert (answer.status_code, error["type"], error["param"]) == (400, "bad_request", param)


CLOSED = (
    *("/global/spend", "/global/spend/logs", "/global/spend/keys?limit=1", "/global/spend/models"),
    *("/global/spend/teams", "/global/spend/provider", "/global/spend/tags", "/global/spend/report"),
    *("/global/spend/all_tag_names", "/gateway/daily/activity", "/global/activity/exceptions?model_group=x"),
)


@pytest.mark.parametrize("path", CLOSED)
async def test_users_do_not_see_the_whole_gateway_and_viewers_do(desk: Desk, path):
    _, user = await desk.make_user()
    _, viewer = await desk.make_user("proxy_admin_viewer")
    answer = await desk.ask("GET", path, user)
    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "auth_error")
    separator = "&" if "?" in path else "?"
    query = "&".join(f"{name}={value}" for name, value in today().items())
    assert (await desk.ask("GET", f"{path}{separator}{query}", viewer)).status_code == 200
    assert (await desk.live.http.get(path)).status_code == 401


async def test_only_administrators_have_something_done(desk: Desk):
    _, viewer = await desk.make_user("proxy_admin_viewer")
    _, user = await desk.make_user()
    assert (await desk.ask("POST", "/global/spend/refresh", viewer)).status_code == 401
    assert (await desk.ask("POST", "/global/spend/end_users", user, json={})).status_code == 401
    assert (await desk.post("/global/spend/refresh", {}))["status"] == "success"


@pytest.mark.parametrize("path", ["/global/spend/keys", "/global/spend/keys?limit=0"])
async def test_a_limit_is_needed_and_at_least_one(desk: Desk, path):
    answer = await desk.ask("GET", path)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", "limit"]


STATEMENTS = {
    **dict.fromkeys(("/global/spend", "/global/spend/logs", "/global/spend/keys?limit=9"), 2),
    **dict.fromkeys(("/global/spend/models", "/global/spend/teams", "/global/spend/provider"), 2),
    **dict.fromkeys(("/global/spend/tags", "/global/spend/all_tag_names", "/global/spend/report"), 2),
    **dict.fromkeys(("/global/spend/report?group_by=customer", "/global/spend/report?group_by=api_key"), 2),
    **dict.fromkeys(("/user/spend/report?internal_user_id=x", "/team/spend/report?team_id=x"), 2),
    **dict.fromkeys(("/global/activity", "/global/activity/model", "/global/activity/cache_hits"), 2),
    **dict.fromkeys(("/gateway/daily/activity", "/team/spend/by_user?team_ids=x,y"), 2),
}


@pytest.mark.parametrize("path", STATEMENTS)
async def test_a_report_is_one_statement_beside_the_one_that_bounds_it(desk: Desk, key: str, path):
    await desk.live.chat(key)
    await desk.live.rows(key)
    separator = "&" if "?" in path else "?"
    query = "&".join(f"{name}={value}" for name, value in today().items())
    async with counting(desk.live) as counter:
        assert (await desk.ask("GET", f"{path}{separator}{query}")).status_code == 200
    assert len(counter) == STATEMENTS[path], counter.statements
