"""Every member of a user's change: its effect, or the refusal that says where it belongs."""

import pytest

from gateway.ids import hash_token
from tests.integration.manage.conftest import Desk
from tests.integration.serving import LiveGateway

pytestmark = pytest.mark.asyncio(loop_scope="session")

PERMISSIONS = 'SELECT count(*) FROM "LiteLLM_ObjectPermissionTable" WHERE object_permission_id = $1'


class TestObjectPermission:
    async def test_it_holds_for_every_key_of_the_user_until_it_is_cleared(
        self, desk: Desk, live: LiveGateway, at_once, unique
    ):
        user_id = unique("user")
        key = (await desk.post("/user/new", {"user_id": user_id}))["key"]
        assert (await live.chat(key)).status_code == 200
        body = {"user_id": user_id, "object_permission": {"models": ["other"], "mcp_servers": ["docs"]}}
        changed = await desk.post("/user/update", body)
        await at_once(lambda: live.chat(key), 403)
        shown = (await desk.get("/user/info", user_id=user_id))["user_info"]["object_permission"]
        assert (shown["models"], shown["mcp_servers"]) == (["other"], ["docs"])
        assert (await desk.get("/v2/user/info", user_id=user_id))["object_permission"]["models"] == ["other"]
        await desk.post("/user/update", {"user_id": user_id, "object_permission": None})
        await at_once(lambda: live.chat(key), 200)
        assert await desk.value(PERMISSIONS, changed["data"]["object_permission_id"]) == 0

    async def test_a_change_keeps_the_lists_that_were_not_sent(self, desk: Desk, unique):
        user_id = unique("user")
        await desk.post("/user/new", {"user_id": user_id, "object_permission": {"agents": ["a"]}})
        await desk.post("/user/update", {"user_id": user_id, "object_permission": {"models": ["m"]}})
        shown = (await desk.get("/user/info", user_id=user_id))["user_info"]["object_permission"]
        assert (shown["agents"], shown["models"]) == (["a"], ["m"])

    async def test_a_new_user_has_it_without_a_key_too(self, desk: Desk, unique):
        user_id = unique("user")
        body = {"user_id": user_id, "auto_create_key": False, "object_permission": {"models": ["other"]}}
        made = await desk.post("/user/new", body)
        assert made["object_permission"] == {"models": ["other"]}
        shown = (await desk.get("/user/info", user_id=user_id))["user_info"]["object_permission"]
        assert shown["models"] == ["other"]

    async def test_it_goes_with_the_user(self, desk: Desk, unique):
        user_id = unique("user")
        await desk.post("/user/new", {"user_id": user_id})
        body = {"user_id": user_id, "object_permission": {"models": ["other"]}}
        row = (await desk.post("/user/update", body))["data"]
        assert await desk.value(PERMISSIONS, row["object_permission_id"]) == 1
        await desk.post("/user/delete", {"user_ids": [user_id]})
        assert await desk.value(PERMISSIONS, row["object_permission_id"]) == 0

    async def test_it_is_noted_in_the_audit_trail(self, desk: Desk, unique):
        user_id = unique("user")
        await desk.post("/user/new", {"user_id": user_id})
        body = {"user_id": user_id, "object_permission": {"models": ["other"]}}
        permission_id = (await desk.post("/user/update", body))["data"]["object_permission_id"]
        entries = (await desk.get("/audit", object_id=permission_id))["audit_logs"]
        assert [entry["action"] for entry in entries] == ["created"]
        entries = (await desk.get("/audit", object_id=user_id, action="updated"))["audit_logs"]
        assert entries[0]["updated_values"]["object_permission_id"] == permission_id


class TestRates:
    async def test_requests_with_a_tag_are_counted_over_all_keys_of_the_user(
        self, desk: Desk, live: LiveGateway, at_once, unique
    ):
        user_id, tag = unique("user"), unique("tag")
        first = (await desk.post("/user/new", {"user_id": user_id}))["key"]
        second = await live.make_key(user_id=user_id)
        body = {"user_id": user_id, "tag_rpm_limit": {tag: 2}}
        assert (await desk.post("/user/update", body))["data"]["metadata"] == {"tag_rpm_limit": {tag: 2}}
        tagged = {"metadata": {"tags": [tag]}}
        answers = [(await live.chat(key, **tagged)).status_code for key in (first, second, first, second)]
        assert answers == [200, 200, 429, 429]
        assert (await live.chat(first)).status_code == 200
        await desk.post("/user/update", {"user_id": user_id, "tag_rpm_limit": None})
        await at_once(lambda: live.chat(first, **tagged), 200)

    async def test_requests_to_mcp_servers_are_limits_to_claim(self, desk: Desk, live: LiveGateway, unique):
        user_id = unique("user")
        key = (await desk.post("/user/new", {"user_id": user_id, "mcp_rpm_limit": {"docs": 1}}))["key"]
        await desk.post("/user/update", {"user_id": user_id, "mcp_rpm_limit": {"docs": 7}})
        caller = await live.gateway.parts.principals.find(hash_token(key))
        assert [limit.amount for limit in caller.mcp_limits["docs"]] == [7]
        shown = (await desk.get("/user/info", user_id=user_id))["user_info"]["metadata"]
        assert shown == {"mcp_rpm_limit": {"docs": 7}}

    async def test_what_a_new_user_was_given_is_in_the_answer(self, desk: Desk):
        given = {"mcp_rpm_limit": {"docs": 1}, "tag_rpm_limit": {"t": 2}, "model_rpm_limit": {"m": 3}}
        made = await desk.post("/user/new", given)
        assert {name: made[name] for name in given} == given

    @pytest.mark.parametrize("name", ["tag_rpm_limit", "mcp_rpm_limit"])
    async def test_a_rate_is_a_whole_number(self, desk: Desk, name, unique):
        user_id = unique("user")
        await desk.post("/user/new", {"user_id": user_id})
        answer = await desk.post("/user/update", {"user_id": user_id, name: {"x": "many"}}, status=422)
        assert answer["detail"][0]["loc"][:2] == ["body", name]
        assert (await desk.refusal("/user/update", {"user_id": user_id, name: {"x": -1}}))[0] == 400


class TestWhatIsAKeys:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("aliases", {"fast": "m"}),
            ("config", {"a": 1}),
            ("permissions", {"a": True}),
            ("duration", "1d"),
            ("key_alias", "alias"),
            ("agent_id", "agent"),
            ("team_id", "team"),
            ("blocked", True),
            ("budget_limits", [{"budget_duration": "1d", "max_budget": 1}]),
            ("budget_fallbacks", {"m": ["other"]}),
        ],
    )
    async def test_a_value_is_refused_with_the_place_where_it_belongs(self, desk: Desk, name, value, unique):
        user_id = unique("user")
        await desk.post("/user/new", {"user_id": user_id, "max_budget": 1})
        body = {"user_id": user_id, "max_budget": 2, name: value}
        answer = await desk.ask("POST", "/user/update", json=body)
        assert answer.status_code == 400
        error = answer.json()["error"]
        assert error["param"] == name
        assert error["message"].startswith(f"{name}: Users ")
        assert "/" in error["message"]
        assert (await desk.get("/user/info", user_id=user_id))["user_info"]["max_budget"] == 1.0

    async def test_defaults_that_clients_send_along_change_nothing(self, desk: Desk, unique):
        user_id = unique("user")
        await desk.post("/user/new", {"user_id": user_id})
        empty = {
            **{name: {} for name in ("aliases", "config", "permissions", "budget_fallbacks")},
            "budget_limits": [],
            **dict.fromkeys(("duration", "key_alias", "agent_id", "team_id", "password")),
            "blocked": False,
        }
        answer = await desk.ask("POST", "/user/update", json={"user_id": user_id, "tpm_limit": 5, **empty})
        assert answer.status_code == 200
        assert "x-gatewright-ignored-fields" not in answer.headers
        assert answer.json()["data"]["tpm_limit"] == 5

    async def test_a_password_is_the_users_to_choose(self, desk: Desk, unique):
        user_id = unique("user")
        await desk.post("/user/new", {"user_id": user_id})
        answer = await desk.post("/user/update", {"user_id": user_id, "password": "x"}, status=422)
        assert answer["detail"][0]["loc"] == ["body", "password"]

    async def test_many_at_once_say_it_per_user(self, desk: Desk, unique):
        user_id = unique("user")
        await desk.post("/user/new", {"user_id": user_id})
        body = {"users": [{"user_id": user_id, "blocked": True}]}
        [result] = (await desk.post("/user/bulk_update", body))["results"]
        assert not result["success"]
        assert result["error"].startswith("blocked: Users are not blocked by themselves.")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("object_permission", {"models": ["m"]}),
        ("mcp_rpm_limit", {"docs": 100}),
        ("tag_rpm_limit", {"t": 100}),
        ("budget_limits", [{"budget_duration": "1d", "max_budget": 1}]),
        ("budget_fallbacks", {"m": ["other"]}),
        ("blocked", True),
        ("permissions", {"a": True}),
        ("config", {"a": 1}),
        ("team_id", "team"),
    ],
)
async def test_users_do_not_set_it_on_themselves(desk: Desk, name, value):
    user_id, key = await desk.make_user()
    status, _, param = await desk.refusal("/user/update", {"user_id": user_id, name: value}, key)
    assert (status, param) == (403, name)


async def test_aliases_that_are_no_names_are_the_callers_mistake(desk: Desk) -> None:
    answer = await desk.ask("POST", "/user/update", json={"user_id": "nobody", "aliases": {"a": [[]]}})
    assert (answer.status_code, answer.json()["detail"][0]["loc"][:2]) == (422, ["body", "aliases"])
