"""Models and permissions of teams, merge patches, and members by the hundred, through the running app."""

import pytest
import pytest_asyncio

from tests.integration.manage.conftest import Desk
from tests.integration.manage.counting import statements
from tests.integration.serving import LiveGateway

pytestmark = pytest.mark.asyncio(loop_scope="session")

AUDITED = 'SELECT count(*) FROM "LiteLLM_AuditLog" WHERE object_id = $1 AND action = $2'


@pytest_asyncio.fixture(loop_scope="session")
async def cast(desk: Desk, unique):
    """A team of an organization, and a key of everybody who may be something to it."""
    people = {name: await desk.make_user() for name in ("org_admin", "team_admin", "member", "stranger")}
    people["proxy_viewer"] = await desk.make_user("proxy_admin_viewer")
    people["viewer"] = await desk.make_user("internal_user_viewer")
    ids = {name: user_id for name, (user_id, _) in people.items()}
    organization, team_id = await desk.make_organization(ids["org_admin"]), unique("team")
    members = [{"user_id": ids["team_admin"], "role": "admin"}, {"user_id": ids["member"]}]
    members.append({"user_id": ids["viewer"], "role": "admin"})
    body = {"team_id": team_id, "organization_id": organization, "members_with_roles": members}
    await desk.post("/team/new", body)
    keys = {name: key for name, (_, key) in people.items()} | {"nobody": await desk.live.make_key()}
    return team_id, organization, ids, keys


class TestPatching:
    async def test_a_patch_merges_metadata_and_answers_the_row(self, desk: Desk, unique):
        team_id = unique("team")
        body = {"metadata": {"a": 1, "b": {"c": 2, "d": 3}}, "max_budget": 5, "rpm_limit": 7}
        await desk.post("/team/new", {**body, "team_id": team_id, "team_member_budget": 1})
        patch = {"metadata": {"a": None, "b": {"c": 4}, "e": 5}, "rpm_limit": None}
        answer = await desk.ask("PATCH", f"/team/{team_id}", json=patch)
        row = answer.json()
        kept = row["metadata"].pop("team_member_budget_id")
        assert kept is not None
        assert row["metadata"] == {"b": {"c": 4, "d": 3}, "e": 5}
        assert (row["max_budget"], row["rpm_limit"]) == (5.0, None)
        assert await desk.value(AUDITED, team_id, "updated") == 1

    async def test_what_cannot_be_is_refused(self, desk: Desk, cast):
        team_id, *_ = cast
        for path, body, status in (
            ("/team/none", {"max_budget": 1}, 404),
            (f"/team/{team_id}", {"team_id": "another"}, 400),
            (f"/team/{team_id}", {"max_budget": -1}, 400),
            (f"/team/{team_id}", {"max_budget": "much"}, 422),
        ):
            assert (await desk.ask("PATCH", path, json=body)).status_code == status

    async def test_who_patches(self, desk: Desk, cast):
        team_id, _, _, keys = cast
        for caller, status in (
            ("team_admin", 403),
            ("member", 403),
            ("stranger", 403),
            ("viewer", 401),
            ("proxy_viewer", 401),
            ("nobody", 401),
            ("org_admin", 200),
        ):
            body = {"budget_duration": "1d"}
            answer = await desk.ask("PATCH", f"/team/{team_id}", keys[caller], json=body)
            assert answer.status_code == status, caller


class TestModels:
    async def test_models_are_added_and_taken(self, desk: Desk, live: LiveGateway, unique, at_once):
        team_id = unique("team")
        await desk.post("/team/new", {"team_id": team_id, "models": ["other"]})
        key = await live.make_key(team_id=team_id)
        assert (await live.chat(key)).status_code == 403
        row = await desk.post("/team/model/add", {"team_id": team_id, "models": ["m", "other", "m"]})
        assert row["models"] == ["other", "m"]
        await at_once(lambda: live.chat(key), 200)
        row = await desk.post("/team/model/delete", {"team_id": team_id, "models": ["m", "unknown"]})
        assert row["models"] == ["other"]
        await at_once(lambda: live.chat(key), 403)

    async def test_a_team_without_a_list_goes_on_using_everything(
        self, desk: Desk, live: LiveGateway, unique, at_once
    ):
        team_id = unique("team")
        await desk.post("/team/new", {"team_id": team_id})
        key = await live.make_key(team_id=team_id)
        row = await desk.post("/team/model/add", {"team_id": team_id, "models": ["other"]})
        assert row["models"] == ["all-proxy-models", "other"]
        assert (await live.chat(key)).status_code == 200

    async def test_a_team_that_lost_its_last_model_uses_none(
        self, desk: Desk, live: LiveGateway, unique, at_once
    ):
        team_id = unique("team")
        await desk.post("/team/new", {"team_id": team_id, "models": ["m"]})
        key = await live.make_key(team_id=team_id)
        assert (await live.chat(key)).status_code == 200
        row = await desk.post("/team/model/delete", {"team_id": team_id, "models": ["m"]})
        assert row["models"] == ["no-default-models"]
        await at_once(lambda: live.chat(key), 403)
        row = await desk.post("/team/model/add", {"team_id": team_id, "models": ["m"]})
        assert row["models"] == ["m"]

    async def test_what_cannot_be_is_refused(self, desk: Desk, unique):
        team_id = unique("team")
        await desk.post("/team/new", {"team_id": team_id})
        for path in ("/team/model/add", "/team/model/delete"):
            assert (await desk.refusal(path, {"team_id": "none", "models": ["m"]}))[::2] == (404, "team_id")
            assert (await desk.refusal(path, {"team_id": team_id, "models": []}))[::2] == (400, "models")
            await desk.post(path, {"team_id": team_id}, status=422)
        body = {"team_id": team_id, "models": ["m"]}
        assert (await desk.refusal("/team/model/delete", body))[::2] == (400, "models")

    async def test_an_organization_bounds_the_models(self, desk: Desk, unique):
        organization, team_id = await desk.make_organization(models=["m"]), unique("team")
        await desk.post("/team/new", {"team_id": team_id, "organization_id": organization, "models": ["m"]})
        body = {"team_id": team_id, "models": ["other"]}
        assert (await desk.refusal("/team/model/add", body))[::2] == (400, "models")

    async def test_only_proxy_admins_do(self, desk: Desk, cast):
        team_id, _, _, keys = cast
        for key in keys.values():
            for path in ("/team/model/add", "/team/model/delete"):
                await desk.post(path, {"team_id": team_id, "models": ["m"]}, key, 401)


class TestPermissions:
    async def test_permissions_open_routes_to_members(self, desk: Desk, cast):
        team_id, _, ids, keys = cast
        body = {"team_id": team_id, "user_id": ids["member"]}
        await desk.post("/key/generate", body, keys["member"], 401)
        change = {"team_id": team_id, "team_member_permissions": ["/key/generate"]}
        row = await desk.post("/team/permissions_update", change, keys["team_admin"])
        assert row["team_member_permissions"] == ["/key/generate"]
        await desk.post("/key/generate", body, keys["member"])
        shown = await desk.get("/team/permissions_list", keys["member"], team_id=team_id)
        assert shown["team_member_permissions"] == ["/key/generate"]
        assert "/key/update" in shown["all_available_permissions"]

    async def test_who_does_it(self, desk: Desk, cast):
        team_id, _, _, keys = cast
        change = {"team_id": team_id, "team_member_permissions": []}
        for caller in ("member", "stranger", "viewer", "proxy_viewer", "nobody"):
            await desk.post("/team/permissions_update", change, keys[caller], 403)
        for caller in ("stranger", "nobody"):
            await desk.get("/team/permissions_list", keys[caller], 403, team_id=team_id)
        await desk.get("/team/permissions_list", team_id="none", status=404)
        assert (await desk.refusal("/team/permissions_update", {**change, "team_id": "none"}))[0] == 404
        wrong = {"team_id": team_id, "team_member_permissions": ["/key/everything"]}
        status, _, param = await desk.refusal("/team/permissions_update", wrong)
        assert (status, param) == (400, "team_member_permissions[0]")

    async def test_many_teams_get_permissions_at_once(self, desk: Desk, cast, unique):
        team_id, _, _, keys = cast
        other = unique("team")
        await desk.post("/team/new", {"team_id": other, "team_member_permissions": ["/key/list"]})
        path, wanted = "/team/permissions_bulk_update", ["/key/update", "/key/list"]
        body = {"permissions": wanted, "team_ids": [team_id, other]}
        await desk.post(path, body, keys["org_admin"], 403)
        said = await desk.post(path, body)
        assert (said["teams_updated"], said["permissions_appended"]) == (2, wanted)
        sql = 'SELECT team_member_permissions FROM "LiteLLM_TeamTable" WHERE team_id = $1'
        assert await desk.value(sql, other) == ["/key/list", "/key/update"]
        assert (await desk.post(path, body))["teams_updated"] == 0
        within = {"permissions": ["/key/info"], "apply_to_all_teams": True}
        assert (await desk.post(path, within, keys["org_admin"]))["teams_updated"] == 1
        assert "/key/info" not in await desk.value(sql, other)
        assert await desk.value(AUDITED, other, "updated") == 1

    async def test_bulk_permissions_that_cannot_be(self, desk: Desk, cast):
        team_id, _, _, keys = cast
        path = "/team/permissions_bulk_update"
        both = {"permissions": ["/key/list"], "team_ids": [team_id], "apply_to_all_teams": True}
        assert (await desk.refusal(path, both))[::2] == (400, "team_ids")
        assert (await desk.refusal(path, {"permissions": ["/key/list"]}))[::2] == (400, "team_ids")
        unknown = {"permissions": ["/key/list"], "team_ids": ["none"]}
        assert (await desk.refusal(path, unknown))[::2] == (404, "team_ids")
        named = {"permissions": ["/key/list"], "team_ids": [team_id]}
        for caller, status in (("stranger", 403), ("team_admin", 403), ("viewer", 401), ("nobody", 401)):
            await desk.post(path, named, keys[caller], status)


class TestManyMembers:
    async def test_who_can_be_added_is_added(self, desk: Desk, unique):
        team_id, present, new = unique("team"), unique("present"), unique("new")
        twin = f"{unique('twin')}@example.com"
        await desk.post("/team/new", {"team_id": team_id, "members": [present]})
        for _ in range(2):
            await desk.run(
                'INSERT INTO "LiteLLM_UserTable" (user_id, user_email) VALUES ($1, $2)', unique("user"), twin
            )
        email = f"{unique('a')}@example.com"
        named = [{"user_id": present}, {"user_id": new, "role": "admin"}, {"user_email": twin}]
        body = {"team_id": team_id, "members": [*named, {"user_email": email}], "max_budget_in_team": 2}
        said = await desk.post("/team/bulk_member_add", body)
        assert [one["success"] for one in said["results"]] == [False, True, False, True]
        assert (said["total_requested"], said["successful_additions"], said["failed_additions"]) == (4, 2, 2)
        assert said["results"][3]["user_id"] is not None
        assert len(said["updated_team"]["members_with_roles"]) == 4
        again = await desk.post("/team/bulk_member_add", body)
        assert again["successful_additions"] == 0

    async def test_what_cannot_be_is_refused(self, desk: Desk, cast):
        team_id, _, ids, keys = cast
        path = "/team/bulk_member_add"
        many = [{"user_id": str(number)} for number in range(501)]
        for members in ([], many, [{"role": "user"}]):
            status, _, param = await desk.refusal(path, {"team_id": team_id, "members": members})
            assert (status, param[:7]) == (400, "members")
        assert (await desk.refusal(path, {"team_id": team_id}))[::2] == (400, "members")
        both = {"team_id": team_id, "members": many[:1], "all_users": True}
        assert (await desk.refusal(path, both))[::2] == (400, "members")
        assert (await desk.refusal(path, {"team_id": "none", "members": many[:1]}))[::2] == (404, "team_id")
        body = {"team_id": team_id, "members": [{"user_id": ids["stranger"]}]}
        for caller, status in (("team_admin", 403), ("member", 403), ("viewer", 401), ("nobody", 401)):
            await desk.post(path, body, keys[caller], status)
        await desk.post(path, body, keys["org_admin"])
        everybody = {"team_id": team_id, "all_users": True}
        assert (await desk.refusal(path, everybody, keys["org_admin"]))[::2] == (403, "all_users")

    async def test_many_are_changed_and_taken_out(self, desk: Desk, cast, unique):
        team_id, users = unique("team"), [unique("user") for _ in range(3)]
        await desk.post("/team/new", {"team_id": team_id, "members": users})
        path = f"/management/v1/teams/{team_id}/members"
        members = [
            {"user_id": users[0], "rpm_limit": 3},
            {"user_id": users[1], "rpm_limit": -1},
            {"user_id": "x"},
        ]
        said = await desk.post(f"{path}/bulk_update", {"members": members})
        assert [one["success"] for one in said["data"]] == [True, False, False]
        assert said["data"][0]["rpm_limit"] == 3
        await desk.post(f"{path}/bulk_update", {"members": [{"rpm_limit": "x"}]}, status=422)
        gone = await desk.post(f"{path}/bulk_delete", {"members": [{"user_id": users[0]}, {"user_id": "x"}]})
        assert [one["success"] for one in gone["data"]] == [True, False]
        row = (await desk.get("/team/info", team_id=team_id))["team_info"]
        assert {one["user_id"] for one in row["members_with_roles"]} == {*users[1:], "default_user_id"}
        _, _, _, keys = cast
        for caller in ("org_admin", "team_admin", "member", "viewer", "proxy_viewer", "nobody"):
            for route in ("bulk_update", "bulk_delete"):
                await desk.post(f"{path}/{route}", {"members": members[:1]}, keys[caller], 403)
        assert (await desk.refusal(f"{path}/bulk_delete", {"members": []}))[::2] == (400, "members")
        assert (await desk.refusal(f"{path}/bulk_update", {"members": []}))[::2] == (400, "members")

    async def test_many_take_as_many_statements_as_one(self, desk: Desk, unique):
        counts = []
        for size in (1, 9):
            team_id, users = unique("team"), [unique("user") for _ in range(size)]
            await desk.post("/team/new", {"team_id": team_id})
            for user_id in users:
                await desk.post("/user/new", {"user_id": user_id, "auto_create_key": False})
            refs = [{"user_id": user_id} for user_id in users]
            body = {"json": {"team_id": team_id, "members": refs}}
            added = await statements(desk, "POST", "/team/bulk_member_add", **body)
            path = f"/management/v1/teams/{team_id}/members/bulk_delete"
            counts.append((added, await statements(desk, "POST", path, json={"members": refs})))
        assert counts[0] == counts[1]
        assert max(counts[0]) <= 22


async def test_teams_to_choose_from(desk: Desk, cast, unique):
    team_id, _, _, keys = cast
    mark = unique("mark")
    await desk.post("/team/update", {"team_id": team_id, "team_alias": f"A {mark}"})
    wanted = [{"team_id": team_id, "team_alias": f"A {mark}"}]
    for key in (keys["proxy_viewer"], None):
        args = () if key is None else (key,)
        assert await desk.get("/team/filter/ui", *args, team_alias=mark) == wanted
    await desk.get("/team/filter/ui", keys["org_admin"], 401)


async def test_the_schema_of_metadata(desk: Desk, cast):
    *_, keys = cast
    schema = await desk.get("/team/metadata_schema")
    fields = {one["field_name"]: one["field_type"] for one in schema["fields"]}
    assert (fields["tags"], fields["model_rpm_limit"]) == ("List", "Dictionary")
    assert (fields["disable_global_guardrails"], fields["rpm_limit_type"]) == ("Boolean", "String")
    await desk.get("/team/metadata_schema", keys["member"])
