"""Internal users through the running app."""

import pytest
import pytest_asyncio

from tests.integration.manage.conftest import Desk
from tests.integration.serving import LiveGateway

pytestmark = pytest.mark.asyncio(loop_scope="session")


class TestMaking:
    async def test_a_user_comes_with_a_key(self, desk: Desk, live: LiveGateway, unique):
        user_id, email = unique("user"), f"{unique('Ada')}@Example.com"
        sent = {
            "user_id": user_id,
            "user_email": email,
            "user_alias": "Ada",
            "max_budget": 2,
            "budget_duration": "1w",
            "models": ["m"],
            "metadata": {"a": 1},
            "key_alias": unique("alias"),
            "aliases": {"fast": "m"},
            "duration": "1d",
        }
        made = await desk.post("/user/new", sent)
        assert made["key"].startswith("sk-")
        assert (made["user_id"], made["user_email"]) == (user_id, email.lower())
        assert (made["user_role"], made["max_budget"], made["spend"]) == ("internal_user", 2.0, 0.0)
        assert "password" not in made
        assert (await live.chat(made["key"], "fast")).status_code == 200
        shown = await desk.get("/user/info", user_id=user_id)
        assert shown["user_info"]["budget_reset_at"] is not None
        assert shown["user_info"]["metadata"] == {"a": 1}
        assert "password" not in shown["user_info"]
        assert [key["key_alias"] for key in shown["keys"]] == [sent["key_alias"]]
        assert "token" not in shown["keys"][0]

    async def test_a_user_may_come_without_a_key_and_with_teams(self, desk: Desk, unique):
        team_id, organization = unique("team"), await desk.make_organization()
        await desk.post("/team/new", {"team_id": team_id, "team_alias": "T"})
        teams = [{"team_id": team_id, "max_budget_in_team": 0.5, "user_role": "admin"}]
        body = {"auto_create_key": False, "teams": teams, "organizations": [organization]}
        made = await desk.post("/user/new", body)
        assert (made["key"], made["teams"]) == ("", [team_id])
        shown = await desk.get("/user/info", user_id=made["user_id"])
        assert shown["keys"] == []
        membership = shown["teams"][0]["team_memberships"][0]
        assert membership["litellm_budget_table"]["max_budget"] == 0.5
        sql = 'SELECT organization_id FROM "LiteLLM_OrganizationMembership" WHERE user_id = $1'
        assert await desk.value(sql, made["user_id"]) == organization

    async def test_each_of_a_new_users_teams_has_the_budget_that_is_named(self, desk: Desk, unique):
        user_id, teams = unique("user"), [unique(name) for name in ("z", "a", "b")]
        for team_id in teams:
            await desk.post("/team/new", {"team_id": team_id})
        named = [
            {"team_id": team_id, "max_budget_in_team": amount}
            for team_id, amount in zip(teams, (2, None, 0.5), strict=True)
        ]
        await desk.post("/user/new", {"user_id": user_id, "teams": named, "auto_create_key": False})
        shown = (await desk.get("/user/info", user_id=user_id))["user_info"]["teams"]
        limits = [
            await desk.value(
                """SELECT b.max_budget FROM "LiteLLM_TeamMembership" m
                   LEFT JOIN "LiteLLM_BudgetTable" b USING (budget_id) WHERE user_id = $1 AND team_id = $2""",
                *(user_id, team_id),
            )
            for team_id in teams
        ]
        assert (shown, limits) == (teams, [2, None, 0.5])
        trail = await desk.get("/audit", object_id=f"{user_id}:{teams[0]}")
        assert [entry["updated_values"]["max_budget"] for entry in trail["audit_logs"]] == [2]

    @pytest.mark.parametrize(
        ("amounts", "param"), [((1, 1), "member"), ((-1,), "max_budget_in_team"), ((None, None), "member")]
    )
    async def test_a_team_that_cannot_be_entered_makes_no_user(self, desk: Desk, unique, amounts, param):
        user_id, team_id = unique("user"), unique("team")
        await desk.post("/team/new", {"team_id": team_id})
        teams = [{"team_id": team_id, "max_budget_in_team": amount} for amount in amounts]
        refused = await desk.refusal("/user/new", {"user_id": user_id, "teams": teams})
        assert refused[::2] == (400, param)
        await desk.get("/user/info", user_id=user_id, status=404)

    async def test_ids_and_addresses_are_given_once(self, desk: Desk, unique):
        user_id, email = unique("user"), f"{unique('a')}@example.com"
        await desk.post("/user/new", {"user_id": user_id, "user_email": email})
        assert (await desk.refusal("/user/new", {"user_id": user_id}))[::2] == (409, "user_id")
        assert (await desk.refusal("/user/new", {"user_email": email.upper()}))[::2] == (409, "user_email")

    async def test_a_password_is_refused(self, desk: Desk):
        answer = await desk.post("/user/new", {"password": "x"}, status=422)
        assert answer["detail"][0]["loc"] == ["body", "password"]

    async def test_every_fault_is_named_and_nothing_is_left(self, desk: Desk, unique):
        user_id = unique("user")
        body = {"user_id": user_id, "max_budget": -1, "budget_duration": "x", "organizations": ["none"]}
        answer = await desk.ask("POST", "/user/new", json=body)
        assert answer.status_code == 400
        for path in ("max_budget", "budget_duration", "organizations"):
            assert f"{path}: " in answer.json()["error"]["message"]
        assert (await desk.refusal("/user/new", {"user_id": user_id, "teams": ["none"]}))[0] == 404
        await desk.get("/user/info", user_id=user_id, status=404)


class TestChanging:
    async def test_only_what_is_sent_changes_and_null_clears(self, desk: Desk, unique):
        user_id = unique("user")
        first = {"user_id": user_id, "max_budget": 2, "models": ["m"], "metadata": {"a": 1}}
        await desk.post("/user/new", first)
        data = (await desk.post("/user/update", {"user_id": user_id, "tpm_limit": 5}))["data"]
        assert (data["tpm_limit"], data["max_budget"], data["models"]) == (5, 2.0, ["m"])
        body = {"user_id": user_id, "max_budget": None, "models": None, "user_role": "proxy_admin_viewer"}
        answer = await desk.post("/user/update", body)
        data = answer["data"]
        assert answer["user_id"] == user_id
        assert (data["max_budget"], data["models"], data["metadata"]) == (None, [], {"a": 1})
        assert data["user_role"] == "proxy_admin_viewer"
        assert "password" not in data

    async def test_a_user_is_named_by_address_and_made_when_unknown(self, desk: Desk, unique):
        email = f"{unique('a')}@example.com"
        made = await desk.post("/user/update", {"user_email": email, "max_budget": 1})
        again = await desk.post("/user/update", {"user_email": email.upper(), "max_budget": 2})
        assert made["user_id"] == again["user_id"]
        assert again["data"]["max_budget"] == 2.0
        assert (await desk.refusal("/user/update", {"max_budget": 1}))[::2] == (400, "user_id")

    async def test_a_set_spend_is_an_adjustment_in_the_books(self, desk: Desk, unique):
        user_id = unique("user")
        await desk.post("/user/new", {"user_id": user_id, "spend": 0.5})
        await desk.post("/user/update", {"user_id": user_id, "spend": 0.2})
        books = """SELECT (SELECT nanos FROM gatewright.opening_balance o
                           WHERE o.entity_type = 'user' AND o.entity_id = $1)
                   + (SELECT sum(nanos)::bigint FROM gatewright.adjustment a
                      WHERE a.entity_type = 'user' AND a.entity_id = $1)"""
        assert await desk.value(books, user_id) == 200_000_000
        assert await desk.value('SELECT spend FROM "LiteLLM_UserTable" WHERE user_id = $1', user_id) == 0.2


class TestRights:
    @pytest_asyncio.fixture(loop_scope="session")
    async def cast(self, desk: Desk):
        people = {"organizer": await desk.make_user(), "user": await desk.make_user()}
        people["viewer"] = await desk.make_user("internal_user_viewer")
        people["proxy_viewer"] = await desk.make_user("proxy_admin_viewer")
        organization = await desk.make_organization(people["organizer"][0], max_budget=5.0)
        keys = {name: key for name, (_, key) in people.items()} | {"no_user": await desk.live.make_key()}
        return organization, keys, {name: user_id for name, (user_id, _) in people.items()}

    async def test_who_makes_users(self, desk: Desk, cast):
        organization, keys, _ = cast
        for caller in ("user", "viewer", "proxy_viewer", "no_user"):
            await desk.post("/user/new", {"organizations": [organization]}, keys[caller], 401)
        await desk.post("/user/new", {}, keys["organizer"], 401)
        other = await desk.make_organization()
        await desk.post("/user/new", {"organizations": [organization, other]}, keys["organizer"], 401)
        made = await desk.post("/user/new", {"organizations": [organization]}, keys["organizer"])
        assert made["organization_id"] == organization

    @pytest.mark.parametrize(
        ("member", "value", "status"),
        [
            ("user_role", "internal_user_viewer", 200),
            ("user_role", "proxy_admin", 403),
            ("user_role", "proxy_admin_viewer", 403),
            ("max_budget", 5, 200),
            ("max_budget", 6, 400),
            ("spend", 1, 403),
            ("permissions", {"x": 1}, 403),
            ("allowed_routes", ["/x"], 403),
            ("budget_id", "b", 403),
            ("organization_id", "o", 403),
            ("policies", ["p"], 403),
            ("guardrails", ["g"], 403),
            ("object_permission", {"mcp_servers": ["x"]}, 403),
            ("metadata", {"mine": 1}, 200),
            ("metadata", {"tags": ["t"]}, 403),
            ("sso_user_id", "s", 403),
        ],
    )
    async def test_what_an_organizations_admin_gives(self, desk: Desk, cast, member, value, status):
        organization, keys, _ = cast
        body = {"organizations": [organization], member: value}
        await desk.post("/user/new", body, keys["organizer"], status)

    @pytest.mark.parametrize(
        ("member", "value", "status"),
        [
            ("user_alias", "Me", 200),
            ("metadata", {"mine": 1}, 200),
            ("metadata", {"model_rpm_limit": {"m": 100}}, 403),
            ("user_role", "proxy_admin", 403),
            ("max_budget", 100, 403),
            ("max_budget", 0, 403),
            ("spend", 1, 403),
            ("models", ["m"], 403),
            ("tpm_limit", 1, 403),
            ("budget_duration", "1d", 403),
            ("policies", ["p"], 403),
            ("guardrails", ["g"], 403),
            ("user_email", "other@example.com", 403),
            ("model_max_budget", {"m": 1}, 403),
        ],
    )
    async def test_what_users_change_on_themselves(self, desk: Desk, cast, member, value, status):
        _, keys, ids = cast
        await desk.post("/user/update", {"user_id": ids["user"], member: value}, keys["user"], status)
        await desk.post("/user/update", {"user_id": ids["user"], member: value}, keys["organizer"], 403)
        for caller in ("viewer", "proxy_viewer", "no_user"):
            body = {"user_id": ids.get(caller, "nobody"), member: value}
            await desk.post("/user/update", body, keys[caller], 401)

    async def test_who_sees_whom(self, desk: Desk, cast):
        _, keys, ids = cast
        assert (await desk.get("/user/info", keys["user"]))["user_id"] == ids["user"]
        await desk.get("/user/info", keys["viewer"])
        await desk.get("/user/info", keys["user"], user_id=ids["viewer"], status=403)
        await desk.get("/user/info", keys["organizer"], user_id=ids["viewer"], status=403)
        await desk.get("/user/info", keys["no_user"], status=403)
        await desk.get("/user/info", keys["proxy_viewer"], user_id=ids["user"])
        everything = await desk.get("/user/info")
        assert everything["user_id"] is None
        assert len(everything["keys"]) > 1


class TestRequestPath:
    async def test_a_users_budget_and_models_count_at_once(
        self, desk: Desk, live: LiveGateway, unique, at_once
    ):
        user_id = unique("user")
        key = (await desk.post("/user/new", {"user_id": user_id, "max_budget": 0}))["key"]
        assert (await live.chat(key)).status_code == 422
        await desk.post("/user/update", {"user_id": user_id, "max_budget": 1})
        await at_once(lambda: live.chat(key), 200)
        await desk.post("/user/update", {"user_id": user_id, "spend": 1})
        await at_once(lambda: live.chat(key), 422)
        await desk.post("/user/update", {"user_id": user_id, "spend": 0, "models": ["other"]})
        await at_once(lambda: live.chat(key), 403)
