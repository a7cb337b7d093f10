"""Spend rows page by page: filters, order, sessions, what was said, and whose rows a caller sees."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.ids import hash_token
from gateway.spend.reporting import logs_store
from tests.integration.counting import counting
from tests.integration.manage.conftest import Desk
from tests.integration.serving import deployment
from tests.upstreams import replies

pytestmark = pytest.mark.asyncio(loop_scope="session")
PAGES = ("/spend/logs/v2", "/spend/logs/ui")


def times() -> dict[str, str]:
    now = datetime.now(UTC)
    return {
        "start_date": f"{now - timedelta(hours=1):%Y-%m-%d %H:%M:%S}",
        "end_date": f"{now + timedelta(hours=1):%Y-%m-%d %H:%M:%S}",
    }


@pytest.mark.parametrize("path", PAGES)
async def test_rows_come_newest_first_with_how_many_there_are(desk: Desk, key: str, path):
    for _ in range(3):
        await desk.live.chat(key)
    rows = await desk.live.rows(key)
    report = await desk.get(path, **times(), api_key=key, page_size=2)
    assert [each["request_id"] for each in report["data"]] == [row.request_id for row in rows[:0:-1]]
    assert {name: report[name] for name in ("total", "page", "page_size", "total_pages")} == {
        "total": 3,
        "page": 1,
        "page_size": 2,
        "total_pages": 2,
    }
    second = await desk.get(path, **times(), api_key=key, page_size=2, page=2)
    assert [each["request_id"] for each in second["data"]] == [rows[0].request_id]
    assert second["data"][0]["spend"] == rows[0].spend
    assert second["data"][0]["startTime"].endswith("Z")
    assert second["data"][0]["metadata"]["status"] == "success"


async def test_a_cursor_leads_through_every_row_once(desk: Desk, key: str):
    for _ in range(5):
        await desk.live.chat(key)
    rows = await desk.live.rows(key)
    for order, expected in (("asc", rows), ("desc", rows[::-1])):
        seen: list[str] = []
        cursor: str | None = None
        while True:
            more = {"cursor": cursor} if cursor else {}
            report = await desk.get(
                "/spend/logs/v2", **times(), api_key=key, page_size=2, sort_order=order, **more
            )
            seen.extend(each["request_id"] for each in report["data"])
            assert report["total"] == 5
            cursor = report["next_cursor"]
            if cursor is None:
                break
        assert seen == [row.request_id for row in expected]


async def test_every_filter_finds_what_it_is_about_and_nothing_else(desk: Desk, unique):
    group, alias, customer, session = (unique(name) for name in ("group", "Alias", "customer", "session"))
    desk.live.configure(deployment(group, desk.live.upstream, info_id=unique("id")))
    made = await desk.post("/team/new", {"team_id": unique("team")})
    key = await desk.live.make_key(key_alias=alias, team_id=made["team_id"])
    other = await desk.live.make_key()
    await desk.live.chat(key, group, user=customer, litellm_session_id=session)
    await desk.live.chat(other, group)
    [row] = await desk.live.rows(key)
    for query in (
        {"api_key": key},
        {"api_key": hash_token(key)},
        {"request_id": row.request_id},
        {"request_id": row.litellm_call_id},
        {"search": row.request_id},
        {"team_id": made["team_id"]},
        {"end_user": customer},
        {"session_id": session},
        {"key_alias": alias.upper()[:-2]},
        {"model_group": group, "api_key": key},
        {"model_id": row.model_id, "team_id": made["team_id"]},
        {"model": row.model, "session_id": session},
        {"api_key": key, "min_spend": row.spend, "max_spend": row.spend},
        {"api_key": key, "status_filter": "success", "cache_hit_filter": "miss"},
    ):
        report = await desk.get("/spend/logs/v2", **times(), **query)
        assert [each["request_id"] for each in report["data"]] == [row.request_id], query
    for query in (
        {"min_spend": row.spend * 2},
        {"max_spend": row.spend / 2},
        {"status_filter": "failure"},
        {"cache_hit_filter": "hit"},
        {"model": "none"},
        {"user_id": "nobody"},
    ):
        report = await desk.get("/spend/logs/v2", **times(), api_key=key, **query)
        assert (report["data"], report["total"], report["total_pages"]) == ([], 0, 0), query


async def test_failures_are_found_by_status_code_and_message(desk: Desk, key: str, unique):
    message = unique("Broken")
    desk.live.upstream.script.append(replies.error(400, message))
    assert (await desk.live.chat(key)).status_code == 400
    [row] = await desk.live.rows(key)
    for query in ({"status_filter": "failure"}, {"error_code": "400"}, {"error_message": message.lower()}):
        report = await desk.get("/spend/logs/v2", **times(), api_key=key, **query)
        assert [each["request_id"] for each in report["data"]] == [row.request_id]


async def test_what_no_index_knows_is_looked_for_in_steps(desk: Desk, key: str, monkeypatch):
    for answer in (replies.error(400), replies.ok(), replies.ok(), replies.error(400), replies.ok()):
        desk.live.upstream.script.append(answer)
        await desk.live.chat(key)
    rows = await desk.live.rows(key)
    monkeypatch.setattr(logs_store, "MOST_LOOKED_AT", 2)
    seen: list[list[str]] = []
    cursor: str | None = None
    while cursor is not None or not seen:
        more = {"cursor": cursor} if cursor else {}
        query = {"api_key": key, "status_filter": "failure", **more}
        report = await desk.get("/spend/logs/v2", **times(), **query)
        seen.append([each["request_id"] for each in report["data"]])
        cursor = report["next_cursor"]
    assert seen == [[rows[3].request_id], [], [rows[0].request_id]]


@pytest.mark.parametrize("column", ["spend", "total_tokens", "endTime", "request_duration_ms", "model"])
async def test_rows_are_sorted_by_what_is_asked_for(desk: Desk, key: str, column):
    for words in ("short", "a much longer answer"):
        usage = {"prompt_tokens": len(words), "completion_tokens": 2, "total_tokens": len(words) + 2}
        desk.live.upstream.script.append(replies.ok(words, usage))
        await desk.live.chat(key)
    for order in ("asc", "desc"):
        report = await desk.get("/spend/logs/v2", **times(), api_key=key, sort_by=column, sort_order=order)
        values = [each[column] for each in report["data"]]
        assert len(values) == 2
        assert values == sorted(values, reverse=order == "desc")


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"start_date": ""}, "start_date"),
        ({"start_date": "2026-01-01 25:00:00"}, "start_date"),
        ({"end_date": "tomorrow"}, "end_date"),
        ({"end_date": "2020-01-01 00:00:00"}, "end_date"),
        ({"sort_by": "metadata"}, "sort_by"),
        ({"cursor": "!"}, "cursor"),
        ({"cursor": "e30="}, "cursor"),
        ({"page": 500}, "page"),
    ],
)
async def test_what_cannot_be_asked_is_refused_by_name(desk: Desk, query, param):
    answer = await desk.ask("GET", "/spend/logs/v2", params={**times(), **query})
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["param"]) == (400, "bad_request", param)


async def test_dates_are_needed(desk: Desk):
    answer = await desk.ask("GET", "/spend/logs/v2")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "start_date")


@pytest.mark.parametrize(
    "query", [{"page": 0}, {"page_size": 501}, {"status_filter": "odd"}, {"min_spend": "x"}]
)
async def test_parameters_of_a_wrong_kind_are_faults(desk: Desk, query):
    answer = await desk.ask("GET", "/spend/logs/v2", params={**times(), **query})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", *query]


async def test_users_see_their_own_rows_and_those_of_teams_that_they_administer(desk: Desk, unique):
    user, key = await desk.make_user()
    member, member_key = await desk.make_user()
    members = [{"role": "admin", "user_id": user}, {"role": "user", "user_id": member}]
    made = await desk.post("/team/new", {"team_id": unique("team"), "members_with_roles": members})
    worker = await desk.live.make_key(team_id=made["team_id"], user_id=member)
    for each in (key, worker):
        await desk.live.chat(each)

    async def seen(asker: str, **query: object) -> set[str]:
        report = await desk.get("/spend/logs/v2", asker, **times(), **query)
        return {each["api_key"] for each in report["data"]}

    assert await seen(key, user_id=member) == {hash_token(key)}
    assert await seen(key, team_id=made["team_id"]) == {hash_token(worker)}
    assert await seen(member_key, team_id=made["team_id"]) == {hash_token(worker)}
    assert await seen(member_key, api_key=key) == set()


async def test_a_session_is_told_oldest_first_and_sessions_by_their_latest_row(desk: Desk, key: str, unique):
    sessions = [unique("session"), unique("session")]
    for session in (*sessions, sessions[0]):
        await desk.live.chat(key, litellm_session_id=session)
    await desk.live.chat(key)
    rows = await desk.live.rows(key)
    mine = [row for row in rows if row.session_id == sessions[0]]
    report = await desk.get("/spend/logs/session/ui", session_id=sessions[0])
    assert [each["request_id"] for each in report["data"]] == [row.request_id for row in mine]
    assert set(report) == {"data", "total", "page", "page_size", "total_pages"}
    assert report["total"] == 2
    grouped = await desk.get("/spend/logs/v2", **times(), api_key=key, group_by_session="true")
    assert [each["request_id"] for each in grouped["data"]] == [
        rows[3].request_id,
        mine[1].request_id,
        rows[1].request_id,
    ]
    assert grouped["data"][1]["session_total_count"] == 2
    assert grouped["data"][1]["session_total_spend"] == sum(row.nanos for row in mine) / 1e9
    assert grouped["total"] == 3
    _, stranger = await desk.make_user()
    assert (await desk.get("/spend/logs/session/ui", stranger, session_id=sessions[0]))["data"] == []
    answer = await desk.ask("GET", "/spend/logs/session/ui")
    assert answer.json()["detail"][0]["loc"] == ["query", "session_id"]


async def test_what_was_said_is_shown_to_whom_it_concerns(desk: Desk):
    desk.live.configure(
        deployment("m", desk.live.upstream), general_settings={"store_prompts_in_spend_logs": True}
    )
    _, key = await desk.make_user()
    _, stranger = await desk.make_user()
    await desk.live.chat(key)
    [row] = await desk.live.rows(key)
    for asker in (key, None):
        named = {"key": asker} if asker else {}
        shown = await desk.get(f"/spend/logs/ui/{row.request_id}", **named)
        assert set(shown) == {"messages", "response", "proxy_server_request"}
        assert shown["messages"][0]["content"] == "Say hello"
        assert shown["response"]["choices"]
    answer = await desk.ask("GET", f"/spend/logs/ui/{row.request_id}", stranger)
    assert (answer.status_code, answer.json()["error"]["param"]) == (403, "request_id")
    answer = await desk.ask("GET", "/spend/logs/ui/none")
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "not_found_error")
    for name in ("start_date", "end_date"):
        answer = await desk.ask("GET", f"/spend/logs/ui/{row.request_id}", params={name: "soon"})
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, name)
    listed = await desk.get("/spend/logs/v2", **times(), api_key=key)
    assert listed["data"][0]["messages"] == {}


async def test_keys_and_users_are_listed_by_what_they_spent_without_secrets(desk: Desk):
    user, key = await desk.make_user()
    await desk.live.chat(key)
    await desk.live.rows(key)
    [mine] = await desk.get("/spend/keys", key)
    assert (mine["token"], mine["user_id"], mine["metadata"]) == (hash_token(key), user, {})
    assert mine["spend"] == await desk.live.spent_nanos(key) / 1e9 > 0
    [myself] = await desk.get("/spend/users", key, user_id="somebody")
    assert (myself["user_id"], "password" in myself) == (user, False)
    keys: list[dict[str, Any]] = await desk.get("/spend/keys")
    spends = [each["spend"] for each in keys]
    assert spends == sorted(spends, reverse=True)
    assert [each["user_id"] for each in await desk.get("/spend/users", user_id=user)] == [user]
    assert (await desk.ask("GET", "/spend/keys", await desk.live.make_key())).status_code == 401


STATEMENTS = {
    "/spend/logs/v2": 2,
    "/spend/logs/v2?group_by_session=true": 2,
    "/spend/logs/v2?page_size=1": 3,
    "/spend/logs/session/ui?session_id=x": 2,
    "/spend/logs/ui/none": 2,
    "/spend/keys": 2,
    "/spend/users": 2,
    "/spend/tags": 2,
}


@pytest.mark.parametrize("path", STATEMENTS)
async def test_statements_do_not_grow_with_the_answer(desk: Desk, path):
    for _ in range(2):
        _, key = await desk.make_user()
        for _ in range(2):
            await desk.live.chat(key)
        await desk.live.rows(key)
        query = {**times(), "api_key": key} if "/v2" in path else {}
        url, _, more = path.partition("?")
        query |= dict(part.split("=") for part in more.split("&") if part)
        async with counting(desk.live) as counter:
            await desk.ask("GET", url, params=query)
        assert len(counter) == STATEMENTS[path], counter.statements


NUL = "%00"


@pytest.mark.parametrize(
    "path",
    [
        f"/spend/logs/ui/a{NUL}",
        f"/spend/logs/session/ui?session_id={NUL}",
        f"/spend/logs?user_id={NUL}",
        f"/spend/users?user_id={NUL}",
        f"/spend/logs/v2?start_date=2026-01-01&end_date=2999-12-31&model={NUL}",
        f"/user/daily/activity?start_date=2026-01-01&end_date=2026-01-01&user_id={NUL}",
        f"/team/daily/activity/aggregated?start_date=2026-01-01&end_date=2026-01-01&team_ids={NUL}",
        f"/global/activity/exceptions?start_date=2999-12-31&end_date=2999-12-31&model_group={NUL}",
        f"/key/spend/report?start_date=2026-01-01&end_date=2026-01-01&api_key={NUL}",
        f"/health/history?model={NUL}",
    ],
)
async def test_what_no_text_can_be_is_refused(desk: Desk, path):
    answer = await desk.ask("GET", path)
    assert (answer.status_code, answer.json()["detail"][0]["type"]) == (422, "value_error")


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
async def test_days_of_no_time_that_matters_are_refused(desk: Desk, day):
    for path in ("/user/daily/activity", "/global/activity", "/spend/logs/v2"):
        query = {"start_date": day, "end_date": day, "timezone": 60}
        answer = await desk.ask("GET", path, params=query)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "start_date")
    body = {"startTime": f"{day}T00:00:00+14:00"}
    assert await desk.refusal("/global/spend/end_users", body) == (400, "bad_request", "startTime")


async def test_kinds_of_spans_and_of_sources_are_told_apart(desk: Desk, key: str, unique):
    for _ in range(4):
        await desk.live.chat(key)
    rows = await desk.live.rows(key)
    tool, agent, own, check = (row.request_id for row in rows)
    change = """UPDATE "LiteLLM_SpendLogs" SET call_type = COALESCE($2, call_type),
        metadata = metadata || $3::jsonb, request_tags = COALESCE($4::jsonb, request_tags)
        WHERE request_id = $1"""
    await desk.run(change, tool, "call_mcp_tool", "{}", None)
    await desk.run(change, agent, "asend_message", "{}", None)
    await desk.run(change, own, None, '{"used_client_oauth_token": true}', None)
    await desk.run(change, check, None, "{}", '["litellm-internal-health-check"]')

    async def found(**query: object) -> set[str]:
        report = await desk.get("/spend/logs/v2", **times(), api_key=key, **query)
        return {row["request_id"] for row in report["data"]}

    assert await found(span_type="mcp") == {tool}
    assert await found(span_type="agent") == {agent}
    assert await found(span_type="llm") == {own, check}
    assert await found(used_client_oauth_token="true") == {own}
    assert await found(used_client_oauth_token="false") == {tool, agent, check}
    assert await found(exclude_internal_health_checks="true") == {tool, agent, own}
    await desk.get("/spend/logs/v2", **times(), span_type="x", status=422)


async def test_a_cursor_leads_through_every_session_once(desk: Desk, key: str, unique):
    sessions = [unique("session") for _ in range(5)]
    for session in (*sessions, sessions[0]):
        await desk.live.chat(key, litellm_session_id=session)
    await desk.live.rows(key)
    seen: list[str] = []
    cursor = None
    while True:
        more = {"session_cursor": cursor} if cursor else {}
        report = await desk.get(
            "/spend/logs/v2", **times(), api_key=key, group_by_session="true", page_size=2, **more
        )
        seen.extend(row["session_id"] for row in report["data"])
        assert report["total"] == 5
        cursor = report["next_cursor"]
        if cursor is None:
            break
    assert seen == [sessions[0], *sessions[:0:-1]]
