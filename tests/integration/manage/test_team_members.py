"""Members who leave a team, what each may spend there, and who says so."""

import pytest
import pytest_asyncio

from gateway.ids import hash_token
from tests.integration.manage.balances import differing
from tests.integration.manage.conftest import Desk
from tests.integration.manage.counting import statements
from tests.integration.serving import LiveGateway

pytestmark = pytest.mark.asyncio(loop_scope="session")

_BUDGET = """SELECT b.max_budget FROM "LiteLLM_TeamMembership" m
             LEFT JOIN "LiteLLM_BudgetTable" b USING (budget_id) WHERE m.user_id = $1 AND m.team_id = $2"""


async def make_team(desk: Desk, unique, *members: str, **sent: object) -> str:
    team_id = unique("team")
    await desk.post("/team/new", {"team_id": team_id, "members": list(members), **sent})
    return team_id


class TestLeaving:
    async def test_a_member_leaves_with_the_keys_of_the_team(
        self, desk: Desk, live: LiveGateway, unique, at_once
    ):
        user_id, other = unique("user"), unique("other")
        team_id = await make_team(desk, unique, user_id, other)
        key = await live.make_key(team_id=team_id, user_id=user_id)
        personal, others = await live.make_key(user_id=user_id), await live.make_key(team_id=team_id)
        await live.chat(key)
        await live.spent_nanos(key)
        row = await desk.post("/team/member_delete", {"team_id": team_id, "user_id": user_id})
        assert {one["user_id"] for one in row["members_with_roles"]} == {other, "default_user_id"}
        await at_once(lambda: live.chat(key), 401)
        assert (await live.chat(personal)).status_code == (await live.chat(others)).status_code == 200
        sql = 'SELECT teams FROM "LiteLLM_UserTable" WHERE user_id = $1'
        assert await desk.value(sql, user_id) == []
        assert (await desk.ask("GET", "/key/info", params={"key": hash_token(key)})).json()["info"][
            "status"
        ] == "deleted"

    async def test_who_comes_back_has_spent_nothing(self, desk: Desk, live: LiveGateway, unique):
        user_id = unique("user")
        team_id = await make_team(desk, unique, user_id)
        key = await live.make_key(team_id=team_id, user_id=user_id)
        await live.chat(key)
        await live.spent_nanos(key)
        await desk.post("/team/member_delete", {"team_id": team_id, "user_id": user_id})
        back = await desk.post("/team/member_add", {"team_id": team_id, "member": {"user_id": user_id}})
        assert back["updated_team_memberships"][0]["spend"] == 0.0
        assert await differing(desk, f"{user_id}:{team_id}") == []

    async def test_a_member_is_named_by_address(self, desk: Desk, unique):
        email, user_id = f"{unique('a')}@example.com", unique("user")
        team_id = await make_team(desk, unique)
        await desk.post("/team/member_add", {"team_id": team_id, "member": {"user_email": email}})
        await desk.post("/user/new", {"user_id": user_id, "user_email": f"b-{email}"})
        await desk.post("/team/member_add", {"team_id": team_id, "member": {"user_id": user_id}})
        for address in (email.upper(), f"b-{email}"):
            await desk.post("/team/member_delete", {"team_id": team_id, "user_email": address})
        row = (await desk.get("/team/info", team_id=team_id))["team_info"]
        assert [one["user_id"] for one in row["members_with_roles"]] == ["default_user_id"]

    async def test_a_member_who_was_only_invited_leaves_too(self, desk: Desk, unique):
        team_id = await make_team(desk, unique)
        await desk.run(
            """UPDATE "LiteLLM_TeamTable" SET members_with_roles =
               '[{"role": "user", "user_id": null, "user_email": "invited@example.com"}]'
               WHERE team_id = $1""",
            team_id,
        )
        body = {"team_id": team_id, "user_email": "Invited@example.com"}
        assert (await desk.post("/team/member_delete", body))["members_with_roles"] == []

    async def test_what_names_nobody_is_refused(self, desk: Desk, unique):
        team_id = await make_team(desk, unique)
        path = "/team/member_delete"
        assert (await desk.refusal(path, {"team_id": team_id, "user_id": "x"}))[::2] == (400, "user_id")
        body = {"team_id": team_id, "user_email": "x@example.com"}
        assert (await desk.refusal(path, body))[::2] == (400, "user_email")
        assert (await desk.refusal(path, {"team_id": team_id}))[::2] == (400, "user_id")
        assert (await desk.refusal(path, {"team_id": "none", "user_id": "x"}))[::2] == (404, "team_id")
        await desk.post(path, {"user_id": "x"}, status=422)


class TestChanging:
    async def test_a_member_gets_limits_of_its_own(self, desk: Desk, live: LiveGateway, unique, at_once):
        user_id, other = unique("user"), unique("other")
        team_id = await make_team(
            desk, unique, user_id, other, team_member_budget=5, team_member_rpm_limit=50
        )
        key = await live.make_key(team_id=team_id, user_id=user_id)
        assert (await live.chat(key)).status_code == 200
        body = {"team_id": team_id, "user_id": user_id, "max_budget_in_team": 0, "tpm_limit": 7}
        said = await desk.post("/team/member_update", body)
        assert (said["max_budget_in_team"], said["tpm_limit"], said["rpm_limit"]) == (0.0, 7, 50)
        await at_once(lambda: live.chat(key), 422)
        assert await desk.value(_BUDGET, other, team_id) == 5.0
        again = await desk.post("/team/member_update", {**body, "max_budget_in_team": None})
        assert (again["max_budget_in_team"], again["tpm_limit"]) == (None, 7)
        await at_once(lambda: live.chat(key), 200)

    async def test_a_row_that_others_share_is_left_alone(self, desk: Desk, unique):
        user_id, other = unique("user"), unique("other")
        team_id, budget_id = await make_team(desk, unique, user_id, other), unique("budget")
        await desk.post("/budget/new", {"budget_id": budget_id, "max_budget": 3, "rpm_limit": 9})
        await desk.run(
            'UPDATE "LiteLLM_TeamMembership" SET budget_id = $1 WHERE team_id = $2', budget_id, team_id
        )
        said = await desk.post(
            "/team/member_update", {"team_id": team_id, "user_id": user_id, "max_budget_in_team": 1}
        )
        assert (said["max_budget_in_team"], said["rpm_limit"]) == (1.0, 9)
        assert await desk.value(_BUDGET, other, team_id) == 3.0

    async def test_a_temporary_increase_lets_a_member_go_on(
        self, desk: Desk, live: LiveGateway, unique, at_once
    ):
        user_id = unique("user")
        team_id = await make_team(desk, unique, user_id, team_member_budget=0)
        key = await live.make_key(team_id=team_id, user_id=user_id)
        assert (await live.chat(key)).status_code == 422
        body = {"team_id": team_id, "user_id": user_id, "temp_budget_increase": 1}
        assert (await desk.refusal("/team/member_update", body))[::2] == (400, "temp_budget_expiry")
        said = await desk.post("/team/member_update", {**body, "temp_budget_expiry": "2199-01-01T00:00:00Z"})
        assert (said["max_budget_in_team"], said["temp_budget_increase"]) == (0.0, 1.0)
        await at_once(lambda: live.chat(key), 200)

    async def test_a_role_is_changed(self, desk: Desk, unique):
        user_id, key = await desk.make_user()
        team_id = await make_team(desk, unique, user_id)
        await desk.post("/team/update", {"team_id": team_id, "team_alias": "x"}, key, 403)
        body = {"team_id": team_id, "user_id": user_id, "role": "admin"}
        assert (await desk.post("/team/member_update", body))["role"] == "admin"
        await desk.post("/team/update", {"team_id": team_id, "team_alias": "x"}, key)
        await desk.post("/team/member_update", {**body, "role": "owner"}, status=422)

    async def test_every_fault_is_named(self, desk: Desk, unique):
        user_id = unique("user")
        team_id = await make_team(desk, unique, user_id)
        body = {"team_id": team_id, "user_id": user_id}
        wrong = {"max_budget_in_team": -1, "tpm_limit": -1, "budget_duration": "soon", "allowed_models": [""]}
        answer = await desk.ask("POST", "/team/member_update", json=body | wrong)
        assert answer.status_code == 400
        assert all(f"{name}" in answer.json()["error"]["message"] for name in wrong)
        stranger = {"team_id": team_id, "user_id": "stranger", "rpm_limit": 1}
        assert (await desk.refusal("/team/member_update", stranger))[::2] == (400, "user_id")
        unknown = {"team_id": "none", "user_id": "stranger"}
        assert (await desk.refusal("/team/member_update", unknown))[::2] == (404, "team_id")

    async def test_the_common_budget_takes_over_again(self, desk: Desk, unique):
        user_id = unique("user")
        team_id = await make_team(desk, unique, user_id, team_member_budget=5)
        path = f"/team/{team_id}/member/{user_id}/reset_budget"
        await desk.post(
            "/team/member_update", {"team_id": team_id, "user_id": user_id, "max_budget_in_team": 1}
        )
        own = await desk.value(
            'SELECT budget_id FROM "LiteLLM_TeamMembership" WHERE user_id = $1 AND team_id = $2',
            user_id,
            team_id,
        )
        said = await desk.post(path, {})
        assert (said["previous_budget_id"], said["budget_source"]) == (own, "team_default")
        assert await desk.value(_BUDGET, user_id, team_id) == 5.0
        sql = 'SELECT count(*) FROM "LiteLLM_BudgetTable" WHERE budget_id = $1'
        assert await desk.value(sql, own) == 0
        again = await desk.post(path, {})
        assert again["previous_budget_id"] == again["budget_id"] == said["budget_id"]
        assert (await desk.refusal(f"/team/{team_id}/member/x/reset_budget", {}))[::2] == (400, "user_id")
        assert (await desk.refusal(f"/team/none/member/{user_id}/reset_budget", {}))[::2] == (404, "team_id")


class TestRights:
    @pytest_asyncio.fixture(loop_scope="session")
    async def cast(self, desk: Desk, unique):
        people = {name: await desk.make_user() for name in ("team_admin", "org_admin", "member", "stranger")}
        people["viewer"] = await desk.make_user("internal_user_viewer")
        people["proxy_viewer"] = await desk.make_user("proxy_admin_viewer")
        ids = {name: user_id for name, (user_id, _) in people.items()}
        organization = await desk.make_organization(ids["org_admin"])
        members = [{"user_id": ids["member"]}, {"user_id": ids["team_admin"], "role": "admin"}]
        members.append({"user_id": ids["viewer"], "role": "admin"})
        team_id = await make_team(desk, unique, members_with_roles=members, organization_id=organization)
        keys = {name: key for name, (_, key) in people.items()}
        keys["no_user"], keys["team_key"] = (
            await desk.live.make_key(),
            await desk.live.make_key(team_id=team_id),
        )
        return team_id, ids, keys

    async def test_who_changes_members(self, desk: Desk, cast):
        team_id, ids, keys = cast
        ref = {"team_id": team_id, "user_id": ids["member"]}
        member = f"/team/{team_id}/member/{ids['member']}"
        for caller in ("member", "stranger", "viewer", "proxy_viewer", "no_user", "team_key"):
            await desk.post("/team/member_update", {**ref, "role": "admin"}, keys[caller], 403)
            await desk.post("/team/member_delete", ref, keys[caller], 403)
            await desk.post(f"{member}/reset_budget", {}, keys[caller], 403)
            await desk.post(f"{member}/reset_spend", {"reset_to": 0}, keys[caller], 403)
        for caller in ("team_admin", "org_admin"):
            await desk.post("/team/member_update", {**ref, "rpm_limit": 5}, keys[caller])
            await desk.post(f"{member}/reset_budget", {}, keys[caller])
            await desk.post(f"{member}/reset_spend", {"reset_to": 0}, keys[caller])
            await desk.post("/team/member_delete", ref, keys[caller])
            await desk.post("/team/member_add", {"team_id": team_id, "member": {"user_id": ids["member"]}})

    async def test_members_see_themselves(self, desk: Desk, cast):
        team_id, ids, keys = cast
        own = await desk.get(f"/team/{team_id}/members/me", keys["member"])
        assert (own["user_id"], own["role"], own["spend"]) == (ids["member"], "user", 0.0)
        for caller in ("stranger", "no_user"):
            await desk.get(f"/team/{team_id}/members/me", keys[caller], 404)
        await desk.get("/team/none/members/me", keys["member"], 404)


async def test_many_members_take_as_many_statements_as_one(desk: Desk, unique):
    counts = []
    for size in (1, 9):
        team_id, users = await make_team(desk, unique), [unique("user") for _ in range(size)]
        for user_id in users:
            await desk.post("/user/new", {"user_id": user_id, "auto_create_key": False})
        body = {"team_id": team_id, "member": [{"user_id": user_id} for user_id in users]}
        added = await statements(desk, "POST", "/team/member_add", json={**body, "max_budget_in_team": 1})
        ref = {"team_id": team_id, "user_id": users[0]}
        changed = await statements(desk, "POST", "/team/member_update", json={**ref, "rpm_limit": 1})
        gone = await statements(desk, "POST", "/team/member_delete", json=ref)
        counts.append((added, changed, gone))
    assert counts[0] == counts[1]
    assert max(counts[0]) <= 16


async def test_who_adds_a_user_is_not_told_what_the_user_is_elsewhere(desk: Desk, unique):
    (boss, key), (other, _) = await desk.make_user(), await desk.make_user(metadata={"note": "x"})
    team_id = unique("team")
    await desk.post("/team/new", {"team_id": team_id, "admins": [boss]})

    added = await desk.post("/team/member_add", {"team_id": team_id, "member": {"user_id": other}}, key)

    [shown] = added["updated_users"]
    assert set(shown) == {"user_id", "user_email", "user_alias", "user_role"}
