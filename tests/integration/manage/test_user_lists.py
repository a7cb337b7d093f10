"""Lists of users through the running app: what they show, and to whom."""

import pytest
import pytest_asyncio

from gateway.ids import hash_token
from tests.integration.manage.conftest import Desk
from tests.integration.manage.counting import statements
from tests.integration.serving import LiveGateway

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def cast(desk: Desk, unique):
    """A mark that two users have in their addresses; one of them is in an organization and a team."""
    mark = unique("mark")
    people = {name: await desk.make_user() for name in ("organizer", "team_admin", "stranger")}
    people["viewer"] = await desk.make_user("proxy_admin_viewer")
    organization = await desk.make_organization(people["organizer"][0])
    inside, outside, team_id = unique("inside"), unique("outside"), unique("team")
    body = {"user_id": inside, "user_email": f"A_%@{mark}.com", "organizations": [organization]}
    await desk.post("/user/new", body | {"max_budget": 2, "user_alias": "Ada"})
    body = {"user_id": outside, "user_email": f"b@{mark}.com", "user_role": "internal_user_viewer"}
    await desk.post("/user/new", body | {"max_budget": 1, "auto_create_key": False})
    members = [{"user_id": people["team_admin"][0], "role": "admin"}, {"user_id": inside}]
    await desk.post("/team/new", {"team_id": team_id, "members_with_roles": members})
    keys = {name: key for name, (_, key) in people.items()} | {"nobody": await desk.live.make_key()}
    return mark, organization, team_id, inside, outside, keys


class TestListing:
    async def test_a_page_says_how_many_there_are(self, desk: Desk, cast):
        mark, _, _, inside, outside, _ = cast
        page = await desk.get("/user/list", user_email=mark.upper(), page_size=1, sort_by="max_budget")
        assert [user["user_id"] for user in page["users"]] == [outside]
        assert (page["total"], page["page"], page["page_size"], page["total_pages"]) == (2, 1, 1, 2)
        last = await desk.get(
            "/user/list", user_email=mark, page_size=1, sort_by="max_budget", sort_order="desc"
        )
        assert [(user["user_id"], user["key_count"]) for user in last["users"]] == [(inside, 1)]
        assert "password" not in last["users"][0]

    async def test_users_are_found_by_what_names_them(self, desk: Desk, cast):
        mark, organization, team_id, inside, outside, _ = cast
        for query in (
            {"user_ids": f"{inside},nobody"},
            {"organization_ids": organization, "user_email": mark},
            {"team": team_id, "user_email": mark},
            {"user_email": f"_%@{mark}"},
            {"search": inside},
            {"role": "internal_user", "user_email": mark},
        ):
            page = await desk.get("/user/list", **query)
            assert [user["user_id"] for user in page["users"]] == [inside], query
        assert (await desk.get("/user/list", search=mark))["total"] == 2
        assert (await desk.get("/user/list", user_email=f"%{mark}%"))["total"] == 0
        assert (await desk.get("/user/list", user_ids=outside, role="proxy_admin"))["users"] == []

    @pytest.mark.parametrize(
        ("query", "param"),
        [
            ({"sort_by": "password"}, "sort_by"),
            ({"sort_order": "up"}, "sort_order"),
            ({"page": -1}, "page"),
            ({"page_size": 1000}, "page_size"),
        ],
    )
    async def test_a_page_that_cannot_be_is_refused(self, desk: Desk, query, param):
        answer = await desk.ask("GET", "/user/list", params=query)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)

    async def test_a_query_that_cannot_be_stored_is_refused(self, desk: Desk):
        for path in ("/user/list?search=%00", "/v2/team/list?search=%00", "/v2/user/info?user_id=%00"):
            assert (await desk.ask("GET", path)).status_code == 422

    async def test_who_lists_whom(self, desk: Desk, cast):
        mark, organization, team_id, inside, outside, keys = cast
        for caller, seen in (("viewer", {inside, outside}), ("organizer", {inside})):
            page = await desk.get("/user/list", keys[caller], user_email=mark)
            assert {user["user_id"] for user in page["users"]} == seen
            chosen = await desk.get("/user/filter/ui", keys[caller], user_email=mark)
            assert {user["user_id"] for user in chosen} == seen
        mine = await desk.get("/user/filter/ui", keys["team_admin"], team_id=team_id, search=mark)
        assert mine == [{"user_id": inside, "user_email": f"a_%@{mark}.com"}]
        for caller in ("stranger", "nobody"):
            for query in ({}, {"organization_ids": organization}, {"team": team_id, "team_id": team_id}):
                await desk.get("/user/list", keys[caller], 403, **query)
                refused = await desk.get("/user/filter/ui", keys[caller], 403, **query)
                assert "error" in refused["detail"]
        await desk.get("/user/list", keys["team_admin"], 403)

    async def test_a_list_takes_as_many_statements_for_many_as_for_one(self, desk: Desk, cast):
        mark, *_ = cast
        one = await statements(desk, "GET", "/user/list", params={"user_email": mark, "page_size": 1})
        assert one == await statements(desk, "GET", "/user/list", params={"page_size": 100}) == 4
        assert await statements(desk, "GET", "/user/filter/ui") == 1


class TestShowing:
    async def test_a_user_is_shown_flat(self, desk: Desk, live: LiveGateway, unique):
        user_id = unique("user")
        body = {"user_id": user_id, "model_max_budget": {"m": {"budget_limit": 1, "time_period": "1d"}}}
        key = (await desk.post("/user/new", body))["key"]
        await live.chat(key)
        await live.spent_nanos(key)
        answer = await desk.ask("GET", "/v2/user/info", key)
        shown = answer.json()
        assert (shown["user_id"], shown["user_role"], shown["teams"]) == (user_id, "internal_user", [])
        assert shown["spend"] > 0
        usage = shown["model_max_budget_usage"]["m"]
        assert (usage["max_budget"], usage["spend"]) == (1, shown["spend"])
        assert not {"keys", "password", "token"} & set(shown)
        assert hash_token(key) not in answer.text

    async def test_who_sees_whom(self, desk: Desk, cast):
        _, _, _, inside, outside, keys = cast
        for user_id in (inside, outside):
            assert (await desk.get("/v2/user/info", keys["viewer"], user_id=user_id))["user_id"] == user_id
        await desk.get("/v2/user/info", keys["organizer"], user_id=inside)
        await desk.get("/v2/user/info", keys["organizer"], 403, user_id=outside)
        await desk.get("/v2/user/info", keys["stranger"], 403, user_id=inside)
        await desk.get("/v2/user/info", keys["stranger"], 403, user_id="nobody at all")
        await desk.get("/v2/user/info", keys["nobody"], 400)
        await desk.get("/v2/user/info", user_id="nobody at all", status=404)

    async def test_roles_and_numbers(self, desk: Desk, cast):
        *_, keys = cast
        roles = await desk.get("/user/available_roles", keys["nobody"])
        assert set(roles) == {"proxy_admin", "proxy_admin_viewer", "internal_user", "internal_user_viewer"}
        assert all(set(role) == {"description", "ui_label"} for role in roles.values())
        everybody = await desk.get("/user/available_users", keys["viewer"])
        assert everybody["total_users_used"] > 2
        assert everybody["total_users"] is None
        own = await desk.get("/user/available_users", keys["organizer"])
        assert (own["total_users_used"], own["total_teams_used"]) == (2, 0)
        await desk.get("/user/available_users", keys["stranger"], 403)
        await desk.get("/user/available_users", keys["nobody"], 401)
