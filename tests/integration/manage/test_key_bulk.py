"""Service accounts and changes of many keys through the running app."""

import pytest

from gateway.ids import hash_token
from tests.integration.manage.conftest import Desk
from tests.integration.serving import LiveGateway

pytestmark = pytest.mark.asyncio(loop_scope="session")


class TestServiceAccounts:
    async def test_a_service_account_belongs_to_a_team_and_no_user(
        self, desk: Desk, live: LiveGateway, unique
    ):
        team, alias = unique("team"), unique("robot")
        await desk.post("/team/new", {"team_id": team})
        body = {"team_id": team, "key_alias": alias, "user_id": "somebody", "metadata": {"a": 1}}
        answer = await desk.ask("POST", "/key/service-account/generate", json=body)
        made = answer.json()
        assert (made["team_id"], made["user_id"]) == (team, None)
        assert made["metadata"] == {"a": 1, "service_account_id": alias}
        assert answer.headers["x-gatewright-ignored-fields"] == "user_id"
        assert (await live.chat(made["key"])).status_code == 200

    async def test_a_team_that_is_there_is_needed(self, desk: Desk):
        for body in ({}, {"team_id": "no such team"}):
            refused = await desk.refusal("/key/service-account/generate", body)
            assert refused == (400, "bad_request_error", "team_id")

    async def test_administrators_and_permitted_members_make_them(self, desk: Desk, unique):
        boss, boss_key = await desk.make_user()
        member, member_key = await desk.make_user(max_budget=3)
        _, foreign_key = await desk.make_user()
        team = unique("team")
        members = [{"user_id": boss, "role": "admin"}, {"user_id": member, "role": "user"}]
        await desk.post("/team/new", {"team_id": team, "members_with_roles": members})
        path, body = "/key/service-account/generate", {"team_id": team}
        assert (await desk.post(path, body, boss_key))["user_id"] is None
        assert (await desk.refusal(path, body, foreign_key))[0] == 400
        assert (await desk.refusal(path, body, member_key))[:2] == (401, "team_member_permission_error")
        sql = 'UPDATE "LiteLLM_TeamTable" SET team_member_permissions = $2 WHERE team_id = $1'
        await desk.run(sql, team, [path])
        assert (await desk.post(path, body, member_key))["max_budget"] == 3
        refused = await desk.refusal(path, {**body, "max_budget": 4}, member_key)
        assert refused[::2] == (403, "max_budget")
        refused = await desk.refusal(path, {**body, "allowed_routes": ["/x"]}, boss_key)
        assert refused[::2] == (403, "allowed_routes")


class TestBulk:
    async def test_each_key_changes_by_itself(self, desk: Desk, live: LiveGateway):
        first, second = await live.make_key(max_budget=1, tags=["a"]), await live.make_key(max_budget=1)
        body = {
            "keys": [
                {"key": first, "max_budget": 2},
                {"key": hash_token(second), "max_budget": None, "tags": ["b"]},
                {"key": "sk-unknown-0123456789", "max_budget": 1},
                {"key": first, "max_budget": -1},
            ]
        }
        answer = await desk.post("/key/bulk_update", body)
        assert answer["total_requested"] == 4
        assert [row["key"] for row in answer["successful_updates"]] == [first, hash_token(second)]
        one, other = (row["key_info"] for row in answer["successful_updates"])
        assert (one["max_budget"], one["metadata"]) == (2, {"tags": ["a"]})
        assert (other["max_budget"], other["metadata"]) == (None, {"tags": ["b"]})
        assert [row["key"] for row in answer["failed_updates"]] == ["sk-unknown-0123456789", first]
        assert "max_budget" in answer["failed_updates"][1]["failed_reason"]

    async def test_only_a_proxy_admin_may(self, desk: Desk):
        _, key = await desk.make_user()
        body = {"keys": [{"key": key, "max_budget": 1}]}
        assert (await desk.refusal("/key/bulk_update", body, key))[0] == 403

    @pytest.mark.parametrize("count", [0, 501])
    async def test_none_and_too_many_are_refused(self, desk: Desk, count: int):
        body = {"keys": [{"key": "sk-unknown-0123456789"}] * count}
        assert await desk.refusal("/key/bulk_update", body) == (400, "bad_request_error", "keys")


class TestUsage:
    async def test_info_tells_what_budgets_of_models_and_periods_have_counted(
        self, desk: Desk, live: LiveGateway
    ):
        key = await live.make_key(
            model_max_budget={"m": {"max_budget": 1, "budget_duration": "1d"}},
            budget_limits=[{"budget_duration": "1d", "max_budget": 2}],
        )
        await live.chat(key)
        spent = await live.spent_nanos(key) / 1e9
        info = (await desk.get("/key/info", key=key))["info"]
        of_model = info["model_max_budget_usage"]["m"]
        assert (of_model["max_budget"], of_model["budget_duration"], of_model["spend"]) == (1, "1d", spent)
        (window,) = info["budget_limits_usage"]
        assert (window["max_budget"], window["spend"]) == (2, spent)
        assert of_model["reset_at"] == window["reset_at"]
