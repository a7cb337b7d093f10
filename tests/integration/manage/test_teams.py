"""Teams through the running app: what is stored, what the request path makes of it, and how soon."""

import asyncio

import pytest
import pytest_asyncio

from gateway.ids import hash_token
from tests.integration.manage.conftest import Desk
from tests.integration.serving import MASTER_KEY, LiveGateway

pytestmark = pytest.mark.asyncio(loop_scope="session")


class TestMaking:
    async def test_a_team_is_answered_as_it_is_stored(self, desk: Desk, unique):
        team_id = unique("team")
        sent = {
            "team_id": team_id,
            "team_alias": "Research",
            "models": ["m"],
            "max_budget": 1.5,
            "soft_budget": 1,
            "tpm_limit": 1000,
            "budget_duration": "1mo",
            "model_aliases": {"fast": "m"},
            "tags": ["t"],
            "metadata": {"a": 1},
            "model_rpm_limit": {"m": 3},
            "model_max_budget": {"m": {"budget_limit": 0.5, "time_period": "1d"}},
            "budget_limits": [{"budget_duration": "1d", "max_budget": 0.1}],
            "object_permission": {"mcp_servers": ["a"]},
            "team_member_permissions": ["/key/generate"],
        }
        made = await desk.post("/team/new", sent)
        assert made["metadata"] == {"a": 1, "tags": ["t"], "model_rpm_limit": {"m": 3}}
        assert (made["max_budget"], made["soft_budget"], made["blocked"]) == (1.5, 1.0, False)
        assert made["litellm_model_table"]["model_aliases"] == {"fast": "m"}
        assert made["object_permission"]["mcp_servers"] == ["a"]
        assert made["budget_limits"][0]["reset_at"] > made["created_at"]
        assert made["budget_reset_at"] > made["created_at"]
        assert made["members_with_roles"] == [
            {"user_id": "default_user_id", "user_email": None, "role": "admin"}
        ]
        shown = await desk.get("/team/info", team_id=team_id)
        assert (shown["team_id"], shown["keys"]) == (team_id, [])
        assert shown["team_info"]["caller_edit_access"] is True
        assert {name: shown["team_info"][name] for name in made if name != "members_with_roles"} == {
            name: value for name, value in made.items() if name != "members_with_roles"
        }

    async def test_unknown_members_are_ignored_and_named(self, desk: Desk):
        answer = await desk.ask("POST", "/team/new", json={"team_alais": "x"})
        assert answer.headers["x-gatewright-ignored-fields"] == "team_alais"

    async def test_every_fault_is_named_in_one_answer(self, desk: Desk):
        body = {
            "max_budget": -1,
            "tpm_limit": -1,
            "budget_duration": "soon",
            "team_id": "litellm-dashboard",
            "organization_id": "nowhere",
            "access_group_ids": ["none"],
            "members_with_roles": [{"role": "user"}],
        }
        answer = await desk.ask("POST", "/team/new", json=body)
        assert answer.status_code == 400
        message = answer.json()["error"]["message"]
        for path in (*list(body)[:6], "members_with_roles[0]"):
            assert f"{path}: " in message

    @pytest.mark.parametrize(
        "body",
        [
            {"max_budget": "NaN"},
            {"max_budget": "Infinity"},
            {"max_budget": 1e300},
            {"max_budget": 1e13},
            {"soft_budget": 2, "max_budget": 2},
            {"tpm_limit": 2**63},
            {"model_max_budget": {"m": {"budget_limit": "-1"}}},
            {"models": [""]},
            {"team_alias": " "},
            {"metadata": {"x": "y" * 70_000}},
        ],
    )
    async def test_what_cannot_be_is_refused(self, desk: Desk, body):
        status, kind, _ = await desk.refusal("/team/new", body)
        assert (status, kind) == (400, "bad_request_error")

    async def test_a_limit_that_is_no_number_is_a_fault_of_its_member(self, desk: Desk):
        answer = await desk.post("/team/new", {"tpm_limit": "many", "max_budget": []}, status=422)
        assert [fault["loc"] for fault in answer["detail"]] == [["body", "tpm_limit"], ["body", "max_budget"]]

    async def test_an_id_is_given_once(self, desk: Desk, unique):
        team_id = unique("team")
        await desk.post("/team/new", {"team_id": team_id})
        assert await desk.refusal("/team/new", {"team_id": team_id}) == (400, "bad_request_error", "team_id")

    async def test_the_budget_of_members_is_a_row_that_they_share(self, desk: Desk, unique):
        team_id, user_id = unique("team"), unique("user")
        body = {
            "team_id": team_id,
            "members_with_roles": [{"user_id": user_id, "role": "user"}],
            "team_member_budget": 0.5,
            "team_member_rpm_limit": 7,
        }
        made = await desk.post("/team/new", body)
        shown = await desk.get("/team/info", team_id=team_id)
        assert shown["team_info"]["team_member_budget_table"]["max_budget"] == 0.5
        of_user = next(item for item in shown["team_memberships"] if item["user_id"] == user_id)
        assert of_user["litellm_budget_table"]["rpm_limit"] == 7
        assert (of_user["budget_source"], of_user["spend"]) == ("team_default", 0.0)
        await desk.post("/team/update", {"team_id": team_id, "team_member_budget": 0.25})
        again = await desk.get("/team/info", team_id=team_id)
        default = again["team_info"]["team_member_budget_table"]
        assert default["budget_id"] == made["metadata"]["team_member_budget_id"]
        assert (default["max_budget"], default["rpm_limit"]) == (0.25, 7)

    async def test_it_keeps_within_its_organization(self, desk: Desk):
        organization = await desk.make_organization(max_budget=2.0, models=["m"])
        body = {"organization_id": organization, "max_budget": 3, "models": ["other"]}
        answer = await desk.ask("POST", "/team/new", json=body)
        assert answer.status_code == 400
        assert "max_budget: 3.0 is above the limit of the organization" in answer.json()["error"]["message"]
        assert "models: the organization may not use" in answer.json()["error"]["message"]

    async def test_access_groups_know_their_teams(self, desk: Desk, unique):
        group, team_id = unique("group"), unique("team")
        await desk.run(
            """INSERT INTO "LiteLLM_AccessGroupTable" (access_group_id, access_group_name, updated_at)
               VALUES ($1, $1, now())""",
            group,
        )
        sql = 'SELECT assigned_team_ids FROM "LiteLLM_AccessGroupTable" WHERE access_group_id = $1'
        await desk.post("/team/new", {"team_id": team_id, "access_group_ids": [group]})
        assert await desk.value(sql, group) == [team_id]
        await desk.post("/team/update", {"team_id": team_id, "access_group_ids": None})
        assert await desk.value(sql, group) == []


class TestChanging:
    async def test_only_what_is_sent_changes_and_null_clears(self, desk: Desk, unique):
        team_id = unique("team")
        first = {"team_id": team_id, "max_budget": 2, "rpm_limit": 5, "models": ["m"], "tags": ["t"]}
        await desk.post("/team/new", first | {"budget_duration": "1d", "metadata": {"a": 1}})
        data = (await desk.post("/team/update", {"team_id": team_id, "rpm_limit": 6}))["data"]
        assert (data["rpm_limit"], data["max_budget"], data["metadata"]) == (6, 2, {"a": 1, "tags": ["t"]})
        cleared = {
            "team_id": team_id,
            "max_budget": None,
            "models": None,
            "tags": None,
            "budget_duration": None,
        }
        data = (await desk.post("/team/update", cleared))["data"]
        assert (data["max_budget"], data["models"], data["metadata"]) == (None, [], {"a": 1})
        assert (data["budget_duration"], data["budget_reset_at"], data["rpm_limit"]) == (None, None, 6)

    async def test_an_unknown_team_is_not_found(self, desk: Desk):
        assert await desk.refusal("/team/update", {"team_id": "none"}) == (404, "not_found_error", "team_id")
        assert await desk.refusal("/team/block", {"team_id": "none"}) == (404, "not_found_error", "team_id")
        await desk.get("/team/info", team_id="none", status=404)
        await desk.get("/team/info", status=422)

    async def test_the_warning_stays_below_the_limit_that_is_stored(self, desk: Desk, unique):
        team_id = unique("team")
        await desk.post("/team/new", {"team_id": team_id, "max_budget": 2})
        assert (await desk.refusal("/team/update", {"team_id": team_id, "soft_budget": 3}))[0] == 400


class TestMembers:
    async def test_members_are_added_by_id_and_by_address(self, desk: Desk, unique):
        team_id, user_id, email = unique("team"), unique("user"), f"{unique('a')}@example.com"
        await desk.post("/team/new", {"team_id": team_id, "members": [user_id]})
        body = {
            "team_id": team_id,
            "member": [{"user_email": email, "role": "admin"}, {"user_id": unique("third")}],
            "max_budget_in_team": 0.5,
            "budget_duration": "1w",
            "allowed_models": ["m"],
        }
        answer = await desk.post("/team/member_add", body)
        assert len(answer["members_with_roles"]) == 4
        assert len(answer["updated_users"]) == len(answer["updated_team_memberships"]) == 2
        assert all("password" not in user and team_id in user["teams"] for user in answer["updated_users"])
        budgets = [item["litellm_budget_table"] for item in answer["updated_team_memberships"]]
        assert [(budget["max_budget"], budget["allowed_models"]) for budget in budgets] == [(0.5, ["m"])] * 2
        assert budgets[0]["budget_id"] != budgets[1]["budget_id"]
        assert budgets[0]["budget_reset_at"] is not None
        again = {"team_id": team_id, "member": {"user_email": email.upper()}}
        assert await desk.refusal("/team/member_add", again) == (400, "team_member_already_in_team", "member")

    async def test_members_are_added_all_or_none(self, desk: Desk, unique):
        team_id, new, old = unique("team"), unique("new"), unique("old")
        await desk.post("/team/new", {"team_id": team_id, "members": [old]})
        body = {"team_id": team_id, "member": [{"user_id": new}, {"user_id": old}]}
        assert (await desk.refusal("/team/member_add", body))[0] == 400
        assert await desk.value('SELECT 1 FROM "LiteLLM_UserTable" WHERE user_id = $1', new) is None

    async def test_members_who_are_added_at_the_same_time_are_all_there(self, desk: Desk, unique):
        team_id, users = unique("team"), [unique("user") for _ in range(8)]
        await desk.post("/team/new", {"team_id": team_id})
        bodies = [{"team_id": team_id, "member": {"user_id": user}} for user in users]
        await asyncio.gather(*(desk.post("/team/member_add", body) for body in bodies))
        row = await desk.get("/team/info", team_id=team_id)
        assert set(users) < {member["user_id"] for member in row["team_info"]["members_with_roles"]}

    async def test_adding_a_member_and_the_drain_do_not_wait_for_each_other(
        self, desk: Desk, live: LiveGateway, unique
    ):
        """The drain writes users before teams; in another order PostgreSQL would end one of both."""
        team_id, user_id = unique("team"), unique("user")
        email = f"{user_id}@example.com"
        await desk.post("/team/new", {"team_id": team_id})
        await desk.post("/user/new", {"user_id": user_id, "user_email": email, "auto_create_key": False})
        body = {"team_id": team_id, "member": {"user_email": email}}
        waiting = (
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND transactionid = pg_current_xact_id()::xid"
        )

        async with live.gateway.parts.database.transaction() as drain:
            await drain.execute('UPDATE "LiteLLM_UserTable" SET spend = 1 WHERE user_id = $1', user_id)
            adding = asyncio.create_task(desk.post("/team/member_add", body))
            async with asyncio.timeout(30):
                while await drain.fetchval(waiting) == 0:
                    pass
            await drain.execute('UPDATE "LiteLLM_TeamTable" SET spend = 1 WHERE team_id = $1', team_id)
        assert (await adding)["spend"] == 1.0


class TestRights:
    @pytest_asyncio.fixture(loop_scope="session")
    async def cast(self, desk: Desk, unique):
        """A team in an organization, and a key of everybody around it."""
        people = {
            name: await desk.make_user() for name in ("org_admin", "team_admin", "member", "stranger")
        } | {"viewer": await desk.make_user("internal_user_viewer")}
        organization = await desk.make_organization(people["org_admin"][0], max_budget=10.0)
        team_id = unique("team")
        members = [
            {"user_id": people["team_admin"][0], "role": "admin"},
            {"user_id": people["member"][0], "role": "user"},
            {"user_id": people["viewer"][0], "role": "admin"},
        ]
        await desk.post(
            "/team/new",
            {
                "team_id": team_id,
                "organization_id": organization,
                "members_with_roles": members,
                "max_budget": 5,
                "rpm_limit": 10,
                "models": ["m", "n"],
                "metadata": {"mine": 1, "tags": ["t"]},
            },
        )
        keys = {name: key for name, (_, key) in people.items()}
        keys["no_user"] = await desk.live.make_key()
        keys["team_key"] = await desk.live.make_key(team_id=team_id)
        return team_id, organization, keys

    @pytest.mark.parametrize(
        ("caller", "status"),
        [
            ("org_admin", 200),
            ("team_admin", 200),
            ("member", 200),
            ("viewer", 200),
            ("team_key", 200),
            ("stranger", 403),
            ("no_user", 403),
        ],
    )
    async def test_who_sees_a_team(self, desk: Desk, cast, caller, status):
        team_id, _, keys = cast
        await desk.get("/team/info", keys[caller], team_id=team_id, status=status)

    @pytest.mark.parametrize("route", ["/team/block", "/team/unblock"])
    @pytest.mark.parametrize(
        ("caller", "status"),
        [
            ("org_admin", 200),
            ("team_admin", 401),
            ("member", 401),
            ("viewer", 401),
            ("stranger", 401),
            ("no_user", 401),
            ("team_key", 401),
        ],
    )
    async def test_who_blocks_a_team(self, desk: Desk, cast, route, caller, status):
        team_id, _, keys = cast
        await desk.post(route, {"team_id": team_id}, keys[caller], status)

    @pytest.mark.parametrize(
        ("caller", "status"),
        [
            ("org_admin", 200),
            ("team_admin", 200),
            ("member", 403),
            ("viewer", 403),
            ("stranger", 403),
            ("no_user", 403),
            ("team_key", 403),
        ],
    )
    async def test_who_adds_members(self, desk: Desk, cast, unique, caller, status):
        team_id, _, keys = cast
        body = {"team_id": team_id, "member": {"user_id": unique("u")}}
        await desk.post("/team/member_add", body, keys[caller], status)

    @pytest.mark.parametrize("caller", ["team_admin", "member", "viewer", "stranger", "no_user", "team_key"])
    async def test_who_may_not_make_a_team(self, desk: Desk, cast, caller):
        _, organization, keys = cast
        await desk.post("/team/new", {"organization_id": organization}, keys[caller], 401)
        await desk.post("/team/new", {}, keys[caller], 401)

    async def test_an_organizations_admin_makes_teams_in_it_alone(self, desk: Desk, cast):
        _, organization, keys = cast
        made = await desk.post("/team/new", {"organization_id": organization}, keys["org_admin"])
        assert made["organization_id"] == organization
        await desk.post("/team/new", {}, keys["org_admin"], 401)
        other = await desk.make_organization()
        await desk.post("/team/new", {"organization_id": other}, keys["org_admin"], 401)

    @pytest.mark.parametrize(
        ("member", "value", "team_admin", "org_admin"),
        [
            ("team_alias", "New", 200, 200),
            ("max_budget", 4, 200, 200),
            ("max_budget", 6, 403, 200),
            ("max_budget", 11, 403, 400),
            ("max_budget", None, 403, 200),
            ("rpm_limit", 11, 403, 200),
            ("models", ["m"], 200, 200),
            ("models", ["m", "o"], 403, 200),
            ("models", [], 403, 200),
            ("blocked", True, 403, 200),
            ("budget_duration", "1d", 403, 200),
            ("budget_limits", [{"budget_duration": "1d", "max_budget": 1}], 403, 200),
            ("model_max_budget", {"m": 1}, 403, 200),
            ("model_rpm_limit", {"m": 1}, 403, 200),
            ("tags", ["x"], 403, 200),
            ("guardrails", ["x"], 403, 200),
            ("policies", ["x"], 403, 200),
            ("object_permission", {"mcp_servers": ["x"]}, 403, 200),
            ("organization_id", None, 403, 403),
            ("organization_id", "", 403, 403),
            ("organization_id", "another", 403, 403),
            ("router_settings", {"num_retries": 9}, 403, 403),
            ("disable_global_guardrails", True, 403, 403),
            ("secret_manager_settings", {"x": 1}, 403, 403),
            ("allowed_passthrough_routes", ["/x"], 403, 403),
            ("metadata", {"mine": 2, "tags": ["t"]}, 200, 200),
            ("metadata", {"mine": 2}, 403, 403),
            ("metadata", {"tags": ["t"], "allow_client_pricing_override": True}, 403, 403),
        ],
    )
    async def test_which_fields_whom_are_open(self, desk: Desk, cast, member, value, team_admin, org_admin):
        team_id, _, keys = cast
        body = {"team_id": team_id, member: value}
        for caller in ("member", "viewer", "stranger", "no_user", "team_key"):
            assert (await desk.refusal("/team/update", body, keys[caller]))[0] == 403
        await desk.post("/team/update", body, keys["team_admin"], team_admin)
        await desk.post("/team/update", body, keys["org_admin"], org_admin)

    async def test_a_limit_of_nothing_is_not_lifted_by_null(self, desk: Desk, cast):
        team_id, _, keys = cast
        await desk.post("/team/update", {"team_id": team_id, "max_budget": 0, "rpm_limit": 0})
        for member in ("max_budget", "rpm_limit"):
            await desk.post("/team/update", {"team_id": team_id, member: None}, keys["team_admin"], 403)


class TestRequestPath:
    async def test_a_blocked_team_refuses_at_once(self, desk: Desk, live: LiveGateway, unique, at_once):
        team_id = unique("team")
        await desk.post("/team/new", {"team_id": team_id})
        key = await live.make_key(team_id=team_id)
        assert (await live.chat(key)).status_code == 200
        await desk.post("/team/block", {"team_id": team_id})
        await at_once(lambda: live.chat(key), 401)
        await desk.post("/team/unblock", {"team_id": team_id})
        await at_once(lambda: live.chat(key), 200)

    async def test_a_raised_budget_counts_at_once(self, desk: Desk, live: LiveGateway, unique, at_once):
        team_id = unique("team")
        await desk.post("/team/new", {"team_id": team_id, "max_budget": 0})
        key = await live.make_key(team_id=team_id)
        assert (await live.chat(key)).status_code == 422
        await desk.post("/team/update", {"team_id": team_id, "max_budget": 1})
        await at_once(lambda: live.chat(key), 200)

    async def test_a_members_budget_in_the_team_counts_at_once(
        self, desk: Desk, live: LiveGateway, unique, at_once
    ):
        team_id, user_id = unique("team"), unique("user")
        await desk.post("/team/new", {"team_id": team_id})
        key = await live.make_key(team_id=team_id, user_id=user_id)
        assert (await live.chat(key)).status_code == 200
        body = {"team_id": team_id, "member": {"user_id": user_id}, "max_budget_in_team": 0}
        await desk.post("/team/member_add", body)
        await at_once(lambda: live.chat(key), 422)

    async def test_aliases_of_a_team_name_models_at_once(
        self, desk: Desk, live: LiveGateway, unique, at_once
    ):
        team_id = unique("team")
        await desk.post("/team/new", {"team_id": team_id})
        key = await live.make_key(team_id=team_id)
        assert (await live.chat(key, "fast")).status_code == 400
        await desk.post("/team/update", {"team_id": team_id, "model_aliases": {"fast": "m"}})
        await at_once(lambda: live.chat(key, "fast"), 200)


async def test_no_hash_of_a_key_is_shown(desk: Desk, live: LiveGateway, unique):
    team_id = unique("team")
    await desk.post("/team/new", {"team_id": team_id})
    key = await live.make_key(team_id=team_id, key_alias=unique("alias"))
    answer = await desk.ask("GET", "/team/info", MASTER_KEY, params={"team_id": team_id})
    assert hash_token(key) not in answer.text
    assert answer.json()["keys"][0]["team_id"] == team_id


async def test_a_team_tells_what_its_access_groups_open(desk: Desk, unique):
    insert = """INSERT INTO "LiteLLM_AccessGroupTable"
        (access_group_id, access_group_name, access_model_names, access_agent_ids, updated_at)
        VALUES ($1, $1, $2, ARRAY['x'], now())"""
    groups = [unique("group"), unique("group")]
    for group, names in zip(groups, (["b", "a"], ["b", "c"]), strict=True):
        await desk.run(insert, group, names)
    team = await desk.post("/team/new", {"team_id": unique("team"), "access_group_ids": groups})
    shown = (await desk.get("/team/info", team_id=team["team_id"]))["team_info"]
    assert shown["access_group_models"] == ["a", "b", "c"]
    assert (shown["access_group_mcp_server_ids"], shown["access_group_agent_ids"]) == ([], ["x"])
    plain = await desk.post("/team/new", {"team_id": unique("team")})
    shown = (await desk.get("/team/info", team_id=plain["team_id"]))["team_info"]
    assert shown["access_group_models"] == []
