"""Lists of teams and their deletion through the running app."""

import asyncio

import pytest
import pytest_asyncio

from gateway.ids import hash_token
from tests.integration.manage.balances import differing
from tests.integration.manage.conftest import Desk
from tests.integration.manage.counting import statements
from tests.integration.serving import MASTER_KEY, LiveGateway, bearer

pytestmark = pytest.mark.asyncio(loop_scope="session")

_ARCHIVED_TEAM = 'SELECT deleted_by FROM "LiteLLM_DeletedTeamTable" WHERE team_id = $1'
_ARCHIVED_KEY = 'SELECT litellm_changed_by FROM "LiteLLM_DeletedVerificationToken" WHERE token = $1'
_TEAMS = 'SELECT teams FROM "LiteLLM_UserTable" WHERE user_id = $1'
_MEMBERSHIPS = 'SELECT count(*) FROM "LiteLLM_TeamMembership" WHERE team_id = $1'


class TestDeleting:
    async def test_a_team_goes_with_its_keys_and_memberships(
        self, desk: Desk, live: LiveGateway, unique, at_once
    ):
        team_id, user_id, group = unique("team"), unique("user"), unique("group")
        await desk.run(
            """INSERT INTO "LiteLLM_AccessGroupTable" (access_group_id, access_group_name, updated_at)
               VALUES ($1, $1, now())""",
            group,
        )
        await desk.post("/team/new", {"team_id": team_id, "members": [user_id], "access_group_ids": [group]})
        key = await live.make_key(team_id=team_id, user_id=user_id, access_group_ids=[group])
        assert (await live.chat(key)).status_code == 200
        headers = bearer(MASTER_KEY) | {"litellm-changed-by": "alice@example.com"}
        answer = await live.http.post("/team/delete", json={"team_ids": [team_id]}, headers=headers)
        assert answer.status_code == 200, answer.text
        assert [row["team_id"] for row in answer.json()] == [team_id]
        await at_once(lambda: live.chat(key), 401)
        await desk.get("/team/info", team_id=team_id, status=404)
        assert await desk.value(_ARCHIVED_TEAM, team_id) == "default_user_id"
        assert await desk.value(_ARCHIVED_KEY, hash_token(key)) == "alice@example.com"
        assert await desk.value(_TEAMS, user_id) == []
        assert await desk.value(_MEMBERSHIPS, team_id) == 0
        sql = """SELECT assigned_team_ids || assigned_key_ids FROM "LiteLLM_AccessGroupTable"
                 WHERE access_group_id = $1"""
        assert await desk.value(sql, group) == []

    async def test_teams_are_deleted_all_or_none(self, desk: Desk, unique):
        team_id = unique("team")
        await desk.post("/team/new", {"team_id": team_id})
        body = {"team_ids": [team_id, "none"]}
        assert await desk.refusal("/team/delete", body) == (404, "not_found_error", "team_ids")
        assert (await desk.refusal("/team/delete", {"team_ids": []}))[::2] == (400, "team_ids")
        too_many = {"team_ids": [f"{number}" for number in range(501)]}
        assert (await desk.refusal("/team/delete", too_many))[::2] == (400, "team_ids")
        await desk.get("/team/info", team_id=team_id)

    async def test_many_teams_take_as_many_statements_as_one(self, desk: Desk, unique):
        counts = []
        for size in (1, 7):
            teams = [unique("team") for _ in range(size)]
            for team_id in teams:
                await desk.post("/team/new", {"team_id": team_id, "members": [unique("user")]})
                await desk.live.make_key(team_id=team_id)
            counts.append(await statements(desk, "POST", "/team/delete", json={"team_ids": teams}))
        assert counts == [21, 21]

    async def test_a_team_that_is_made_again_begins_anew(self, desk: Desk, live: LiveGateway, unique):
        team_id, user_id = unique("team"), unique("user")
        body = {"team_id": team_id, "members": [user_id]}
        await desk.post("/team/new", body)
        key = await live.make_key(team_id=team_id, user_id=user_id)
        assert (await live.chat(key)).status_code == 200
        await live.spent_nanos(key)
        await desk.post("/team/delete", {"team_ids": [team_id]})
        made = await desk.post("/team/new", body)
        assert made["spend"] == 0.0
        assert await differing(desk, team_id, user_id, f"{user_id}:{team_id}") == []

    @pytest.mark.parametrize("path", ["/key/generate", "/key/service-account/generate"])
    async def test_no_key_is_made_of_a_team_that_is_being_deleted(self, desk: Desk, unique, path):
        admin, admin_key = await desk.make_user()
        team_id = unique("team")
        await desk.post("/team/new", {"team_id": team_id, "admins": [admin]})
        assert (await desk.ask("GET", "/key/info", admin_key)).status_code == 200
        database = desk.live.gateway.parts.database
        async with database.pool.lend() as connection, connection.transaction():
            await connection.execute('DELETE FROM "LiteLLM_TeamTable" WHERE team_id = $1', team_id)
            made = asyncio.create_task(desk.ask("POST", path, admin_key, json={"team_id": team_id}))
            waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            async with asyncio.timeout(20):
                while not made.done() and not await desk.value(waiting):  # noqa: ASYNC110  locks have no event
                    await asyncio.sleep(0)
        assert (await made).status_code == 400

    async def test_who_deletes_teams(self, desk: Desk, unique):
        organizer, organizer_key = await desk.make_user()
        _, admin_key = await desk.make_user()
        _, viewer_key = await desk.make_user("proxy_admin_viewer")
        organization = await desk.make_organization(organizer)
        own, other = unique("team"), unique("team")
        await desk.post("/team/new", {"team_id": own, "organization_id": organization})
        await desk.post("/team/new", {"team_id": other})
        for key in (admin_key, viewer_key, await desk.live.make_key(team_id=own)):
            await desk.post("/team/delete", {"team_ids": [own]}, key, 401)
        await desk.post("/team/delete", {"team_ids": [own, other]}, organizer_key, 401)
        await desk.post("/team/delete", {"team_ids": [own]}, organizer_key)


class TestListing:
    @pytest_asyncio.fixture(loop_scope="session")
    async def cast(self, desk: Desk, unique):
        """A team of an organization with a member, one without, and who may see what."""
        organizer, organizer_key = await desk.make_user()
        member, member_key = await desk.make_user()
        _, viewer_key = await desk.make_user("proxy_admin_viewer")
        organization = await desk.make_organization(organizer)
        mark = unique("mark")
        inside = {"team_id": unique("inside"), "organization_id": organization, "members": [member]}
        await desk.post("/team/new", inside | {"team_alias": f"{mark} One_%", "max_budget": 2})
        outside = {"team_id": unique("outside"), "team_alias": f"{mark} two", "max_budget": 1}
        await desk.post("/team/new", outside)
        keys = {"organizer": organizer_key, "member": member_key, "viewer": viewer_key}
        keys["team"] = await desk.live.make_key(team_id=outside["team_id"])
        keys["nobody"] = await desk.live.make_key()
        return mark, organization, member, inside["team_id"], outside["team_id"], keys

    async def test_a_page_says_how_many_there_are(self, desk: Desk, cast):
        mark, _, member, inside, outside, _ = cast
        page = await desk.get("/v2/team/list", team_alias=mark.upper(), page_size=1, sort_by="max_budget")
        assert [team["team_id"] for team in page["teams"]] == [outside]
        assert (page["total"], page["page"], page["page_size"], page["total_pages"]) == (2, 1, 1, 2)
        assert (page["teams"][0]["members_count"], page["teams"][0]["keys_count"]) == (1, 1)
        second = await desk.get(
            "/v2/team/list", team_alias=mark, page_size=1, page=2, sort_by="max_budget", sort_order="asc"
        )
        assert [team["team_id"] for team in second["teams"]] == [inside]
        assert member in [one["user_id"] for one in second["teams"][0]["members_with_roles"]]

    async def test_teams_are_found_by_what_names_them(self, desk: Desk, cast):
        mark, organization, member, inside, _outside, _ = cast
        for query in (
            {"team_id": inside},
            {"organization_id": organization},
            {"user_id": member},
            {"team_alias": "One_%", "organization_id": organization},
            {"search": inside},
            {"search": inside[:10], "search_team_id_match": "prefix"},
        ):
            page = await desk.get("/v2/team/list", **query)
            assert [team["team_id"] for team in page["teams"]] == [inside], query
        assert (await desk.get("/v2/team/list", search=inside[:10]))["total"] == 0
        assert (await desk.get("/v2/team/list", search=mark))["total"] == 2
        assert (await desk.get("/v2/team/list", team_alias=f"{mark}%"))["total"] == 0

    @pytest.mark.parametrize(
        ("query", "param"),
        [
            ({"sort_by": "metadata"}, "sort_by"),
            ({"sort_order": "up"}, "sort_order"),
            ({"page": 0}, "page"),
            ({"page": 10**9}, "page"),
            ({"page_size": 101}, "page_size"),
            ({"page_size": 0}, "page_size"),
            ({"status": "gone"}, "status"),
        ],
    )
    async def test_a_page_that_cannot_be_is_refused(self, desk: Desk, query, param):
        answer = await desk.ask("GET", "/v2/team/list", params=query)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)

    async def test_deleted_teams_are_listed_apart(self, desk: Desk, unique):
        team_id, mark = unique("team"), unique("mark")
        _, user_key = await desk.make_user()
        organizer, organizer_key = await desk.make_user()
        organization = await desk.make_organization(organizer)
        body = {"team_id": team_id, "team_alias": mark, "organization_id": organization}
        await desk.post("/team/new", body)
        await desk.post("/team/delete", {"team_ids": [team_id]})
        assert (await desk.get("/v2/team/list", team_alias=mark))["total"] == 0
        query = {"status": "deleted", "team_alias": mark, "sort_by": "deleted_at"}
        page = (await desk.ask("GET", "/v2/team/list", params=query)).json()
        assert [(team["team_id"], team["deleted_by"]) for team in page["teams"]] == [
            (team_id, "default_user_id")
        ]
        assert (await desk.ask("GET", "/v2/team/list", user_key, params=query)).status_code == 403
        query["organization_id"] = organization
        assert (await desk.ask("GET", "/v2/team/list", organizer_key, params=query)).json()["total"] == 1

    async def test_nobody_sees_teams_of_others(self, desk: Desk, cast):
        mark, organization, member, inside, outside, keys = cast
        for caller, seen in (
            ("viewer", {inside, outside}),
            ("organizer", {inside}),
            ("member", {inside}),
            ("team", {outside}),
        ):
            page = await desk.get("/v2/team/list", keys[caller], team_alias=mark)
            assert {team["team_id"] for team in page["teams"]} == seen, caller
            listed = await desk.get("/team/list", keys[caller])
            assert {team["team_id"] for team in listed} & {inside, outside} == seen, caller
        for path in ("/team/list", "/v2/team/list"):
            await desk.get(path, keys["nobody"], 401)
            await desk.get(path, keys["member"], 401, user_id="somebody")
            await desk.get(path, keys["team"], 401, user_id=member)
            assert await desk.get(path, keys["organizer"], organization_id=organization, user_id=member)
        assert await desk.get("/team/list", keys["member"], organization_id="another") == []

    async def test_a_list_shows_keys_and_memberships(self, desk: Desk, cast, live: LiveGateway):
        _, organization, member, inside, _, _ = cast
        key = await live.make_key(team_id=inside, user_id=member)
        answer = await desk.ask("GET", "/team/list", params={"organization_id": organization})
        (team,) = answer.json()
        assert member in [item["user_id"] for item in team["team_memberships"]]
        assert [item["user_id"] for item in team["keys"]] == [member]
        assert hash_token(key) not in answer.text

    async def test_a_list_takes_as_many_statements_for_many_as_for_one(self, desk: Desk, cast):
        _mark, organization, *_ = cast
        one = await statements(desk, "GET", "/v2/team/list", params={"organization_id": organization})
        many = await statements(desk, "GET", "/v2/team/list", params={"page_size": 100})
        # Rows, and how many: permissions and aliases are read where some of the teams have any.
        assert 4 <= one <= many <= 6
        one = await statements(desk, "GET", "/team/list", params={"organization_id": organization})
        assert 4 <= one <= await statements(desk, "GET", "/team/list") <= 7


async def test_the_plain_list_goes_page_by_page_and_says_where_it_goes_on(desk: Desk, unique):
    organization = await desk.make_organization()
    made = sorted([unique("team") for _ in range(3)])
    for team_id in made:
        await desk.post("/team/new", {"team_id": team_id, "organization_id": organization})
    query = {"organization_id": organization, "limit": 2}
    first = await desk.ask("GET", "/team/list", params=query)
    assert [team["team_id"] for team in first.json()] == made[:2]
    after = first.headers["x-gatewright-next"]
    second = await desk.ask("GET", "/team/list", params={**query, "after": after})
    assert [team["team_id"] for team in second.json()] == made[2:]
    assert "x-gatewright-next" not in second.headers
    await desk.get("/team/list", limit=0, status=422)
