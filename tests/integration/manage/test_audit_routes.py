"""The audit trail over HTTP: filtered, sorted, paged, and shown to whom it concerns."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from gateway.audit.query import SORT_COLUMNS, AuditQuery, Period
from gateway.audit.store import AuditRecords
from gateway.db.cursors import Cursor
from gateway.ids import hash_token
from tests.integration.counting import counting
from tests.integration.manage.conftest import Desk
from tests.integration.serving import MASTER_KEY, bearer

GENUINE = Cursor(datetime(2026, 1, 1, tzinfo=UTC), "t").text

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _rename(desk: Desk, team_id: str, *aliases: str) -> None:
    await desk.post("/team/new", {"team_id": team_id})
    for alias in aliases:
        await desk.post("/team/update", {"team_id": team_id, "team_alias": alias})


async def test_entries_are_paged_with_the_newest_first(desk: Desk, unique: Callable[[str], str]) -> None:
    team = unique("team")
    await _rename(desk, team, "a", "b")

    first = await desk.get("/audit", object_id=team, page_size=2)
    second = await desk.get("/audit", object_id=team, page_size=2, page=2)

    assert [entry["updated_values"]["team_alias"] for entry in first["audit_logs"]] == ["b", "a"]
    assert [entry["action"] for entry in second["audit_logs"]] == ["created"]
    assert {**first, "audit_logs": None} == {
        "audit_logs": None,
        "total": 3,
        "page": 1,
        "page_size": 2,
        "total_pages": 2,
        "next_cursor": first["next_cursor"],
    }


@pytest.mark.parametrize("order", ["desc", "asc"])
async def test_a_cursor_leads_through_every_entry_once(
    desk: Desk, unique: Callable[[str], str], order
) -> None:
    team = unique("team")
    await _rename(desk, team, "a", "b", "c")

    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        page = await desk.get("/audit", object_id=team, page_size=2, sort_order=order, cursor=cursor)
        assert page["total"] == 4
        seen += [entry["id"] for entry in page["audit_logs"]]
        cursor = page["next_cursor"]

    everything = await desk.get("/audit", object_id=team, sort_order=order)
    assert seen == [entry["id"] for entry in everything["audit_logs"]]
    assert len(set(seen)) == 4


@pytest.mark.parametrize(
    "query", [{"cursor": "x"}, {"cursor": "W251bGwsInQiXQ=="}, {"cursor": GENUINE, "sort_by": "action"}]
)
async def test_a_cursor_of_something_else_is_refused(desk: Desk, query: dict[str, str]) -> None:
    answer = await desk.ask("GET", "/audit", params=query)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "cursor")


async def test_filters_narrow_the_list_down_together(desk: Desk, unique: Callable[[str], str]) -> None:
    team, by = unique("team"), unique("ada")
    await _rename(desk, team, "a")
    key = await desk.live.make_key(team_id=team)
    headers = {**bearer(MASTER_KEY), "litellm-changed-by": by}
    await desk.live.http.post("/team/block", json={"team_id": team}, headers=headers)

    async def actions(**query: str) -> list[str]:
        entries = await desk.get("/audit", sort_by="updated_at", sort_order="asc", **query)
        return [entry["action"] for entry in entries["audit_logs"]]

    assert await actions(object_team_id=team) == ["created", "updated", "created", "blocked"]
    assert await actions(object_key_hash=hash_token(key)) == ["created"]
    assert await actions(changed_by=by) == ["blocked"]
    assert await actions(object_id=team, action="updated") == ["updated"]
    assert await actions(object_id=team, table_name="LiteLLM_UserTable") == []
    assert await actions(search=by[3:].upper()) == ["blocked"]
    assert await actions(object_id=team, start_date="2099-01-01") == []
    assert await actions(object_id=team, end_date="2020-01-01") == []
    assert await actions(object_id=team, changed_by_api_key=hash_token(MASTER_KEY), start_date="2020-01-01")


async def test_parts_are_found_in_the_newest_entries_and_whole_names_in_all(
    desk: Desk, unique: Callable[[str], str]
) -> None:
    stem = unique("team")
    teams = [f"{stem}-{number}" for number in range(3)]
    for team in teams:
        await _rename(desk, team)
    records = AuditRecords(desk.live.gateway.parts.database, most_counted=2, most_looked_at=2)

    async def find(text: str) -> tuple[list[str], int]:
        query, period = AuditQuery(search=text, table_name="LiteLLM_TeamTable"), Period()
        entries = await records.list_page(query, period, None, "updated_at")
        return [entry["object_id"] for entry in entries], await records.count(query, period, None)

    assert await find(stem.upper()) == ([teams[2], teams[1]], 2)
    assert await find(teams[0]) == ([teams[0]], 1)


@pytest.mark.parametrize("column", SORT_COLUMNS)
async def test_pages_of_every_order_follow_each_other(
    desk: Desk, unique: Callable[[str], str], column: str
) -> None:
    team = unique("team")
    await _rename(desk, team, "a", "b", "c")
    asked = {"object_id": team, "sort_by": column, "sort_order": "asc"}

    whole = (await desk.get("/audit", **asked))["audit_logs"]
    pages = [
        (await desk.get("/audit", **asked, page=page, page_size=1))["audit_logs"] for page in range(1, 5)
    ]

    assert [entry[column] for entry in whole] == sorted(entry[column] for entry in whole)
    assert [entry for page in pages for entry in page] == whole


async def test_one_entry_is_shown_by_its_id(desk: Desk, unique: Callable[[str], str]) -> None:
    team = unique("team")
    await _rename(desk, team)
    [listed] = (await desk.get("/audit", object_id=team))["audit_logs"]

    assert await desk.get(f"/audit/{listed['id']}") == listed
    assert listed["updated_at"].endswith("Z")


async def test_an_unknown_entry_answers_404(desk: Desk) -> None:
    answer = await desk.ask("GET", "/audit/nobody")

    assert (answer.status_code, answer.json()["error"]["param"]) == (404, "id")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        *(({"sort_by": "before_value"}, 400), ({"start_date": "soon"}, 400), ({"sort_order": "up"}, 422)),
        *(({"page": 0}, 422), ({"page_size": 101}, 422), ({"end_date": "0001-01-01T00:00:00+14:00"}, 400)),
    ],
)
async def test_a_query_that_cannot_be_is_refused(desk: Desk, query: dict[str, object], status: int) -> None:
    assert (await desk.ask("GET", "/audit", params=query)).status_code == status


async def test_an_organizations_administrator_sees_what_is_about_it_only(
    desk: Desk, unique: Callable[[str], str]
) -> None:
    user_id, key = await desk.make_user()
    mine, others = await desk.make_organization(user_id), await desk.make_organization()
    team, foreign, moved = unique("team"), unique("team"), unique("team")
    await desk.post("/team/new", {"team_id": team, "organization_id": mine})
    await desk.post("/team/new", {"team_id": foreign, "organization_id": others})
    await desk.post("/team/new", {"team_id": moved, "organization_id": others})
    await desk.post("/team/update", {"team_id": moved, "organization_id": mine})

    seen = (await desk.get("/audit", key=key, page_size=100))["audit_logs"]
    [hidden] = (await desk.get("/audit", object_id=foreign))["audit_logs"]

    assert {entry["object_id"] for entry in seen} == {team}
    await desk.get(f"/audit/{hidden['id']}", key=key, status=404)


@pytest.mark.parametrize(
    ("role", "status"),
    [("proxy_admin_viewer", 200), ("internal_user", 403), ("internal_user_viewer", 401)],
)
async def test_other_roles_see_the_trail_or_nothing(desk: Desk, role: str, status: int) -> None:
    _, key = await desk.make_user(role)

    await desk.get("/audit", key=key, status=status)


async def test_a_page_takes_two_statements(desk: Desk) -> None:
    await desk.get("/audit")
    async with counting(desk.live) as counter:
        await desk.get("/audit", search="x", page_size=100)

    assert len(counter.statements) == 2
