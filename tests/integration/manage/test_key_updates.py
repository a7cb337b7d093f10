"""Changed keys through the running app: who may change what, and what books and request path make of it."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from gateway.ids import hash_token
from gateway.spend.books.check import check_books
from tests.integration.manage.conftest import Desk
from tests.integration.serving import LiveGateway

pytestmark = pytest.mark.asyncio(loop_scope="session")


class TestChanging:
    async def test_only_what_is_sent_changes_and_null_clears(self, desk: Desk, live: LiveGateway, unique):
        key = await live.make_key(
            max_budget=2, rpm_limit=5, models=["m"], tags=["t"], metadata={"a": 1}, duration="1d"
        )
        row = await desk.post("/key/update", {"key": key, "rpm_limit": 6, "key_alias": unique("a")})
        assert (row["key"], row["token"]) == (key, hash_token(key))
        assert (row["rpm_limit"], row["max_budget"], row["models"]) == (6, 2, ["m"])
        assert row["metadata"] == {"a": 1, "tags": ["t"]}
        assert row["expires"] is not None
        body = {"key": hash_token(key), "max_budget": None, "models": None, "tags": None, "duration": None}
        row = await desk.post("/key/update", body)
        assert (row["max_budget"], row["models"], row["metadata"], row["rpm_limit"]) == (
            None,
            [],
            {"a": 1},
            6,
        )
        assert row["expires"] is not None
        assert (await desk.post("/key/update", {"key": key, "duration": "-1"}))["expires"] is None

    async def test_a_key_is_named_by_its_alias(self, desk: Desk, live: LiveGateway, unique):
        alias = unique("alias")
        await live.make_key(key_alias=alias)
        assert (await desk.post("/key/update", {"key_alias": alias, "tpm_limit": 9}))["tpm_limit"] == 9
        other = await live.make_key()
        refused = await desk.refusal("/key/update", {"key": other, "key_alias": alias})
        assert refused == (400, "bad_request_error", "key_alias")

    async def test_several_keys_with_one_alias_are_ambiguous(self, desk: Desk, live: LiveGateway, unique):
        alias = unique("alias")
        for _ in range(2):
            token = hash_token(await live.make_key())
            sql = 'UPDATE "LiteLLM_VerificationToken" SET key_alias = $2 WHERE token = $1'
            await desk.run(sql, token, alias)
        assert (await desk.refusal("/key/update", {"key_alias": alias}))[0] == 400

    async def test_an_unknown_key_is_not_found(self, desk: Desk):
        for body in ({"key": "sk-nobody-0123456789"}, {"key_alias": "nobody's"}):
            assert await desk.refusal("/key/update", body) == (404, "not_found_error", "key")
        assert await desk.refusal("/key/update", {}) == (400, "bad_request_error", "key")

    async def test_every_fault_is_named_in_one_answer(self, desk: Desk, live: LiveGateway):
        body = {
            "key": await live.make_key(),
            "max_budget": -1,
            "duration": "soon",
            "temp_budget_increase": 1,
            "auto_rotate": True,
        }
        answer = await desk.ask("POST", "/key/update", json=body)
        assert answer.status_code == 400
        for path in ("max_budget", "duration", "temp_budget_expiry", "rotation_interval"):
            assert f"{path}: " in answer.json()["error"]["message"]

    @pytest.mark.parametrize(
        ("body", "status", "param"),
        [
            ({"organization_id": "none"}, 400, "organization_id"),
            ({"budget_id": "none"}, 400, "budget_id"),
            ({"team_id": "none"}, 400, "team_id"),
            ({"project_id": "none"}, 404, "project_id"),
            ({"access_group_ids": ["none"]}, 400, "access_group_ids"),
        ],
    )
    async def test_references_must_exist(self, desk: Desk, live: LiveGateway, body, status, param):
        refused = await desk.refusal("/key/update", {"key": await live.make_key(), **body})
        assert (refused[0], refused[2]) == (status, param)

    async def test_a_key_moves_to_a_team_of_its_user(self, desk: Desk, live: LiveGateway, unique):
        team_id, user_id = unique("team"), unique("user")
        await desk.post("/team/new", {"team_id": team_id})
        key = await live.make_key(user_id=user_id)
        body = {"key": key, "team_id": team_id}
        assert (await desk.refusal("/key/update", body))[::2] == (400, "team_id")
        await desk.post("/team/member_add", {"team_id": team_id, "member": {"user_id": user_id}})
        assert (await desk.post("/key/update", body))["team_id"] == team_id

    async def test_a_soft_budget_is_the_keys_own_row(self, desk: Desk, live: LiveGateway):
        key = await live.make_key()
        first = await desk.post("/key/update", {"key": key, "soft_budget": 1})
        second = await desk.post("/key/update", {"key": key, "soft_budget": 2})
        assert first["budget_id"] == second["budget_id"]
        other = await live.make_key(budget_id=first["budget_id"])
        assert (await desk.refusal("/key/update", {"key": other, "soft_budget": 3}))[0] == 400
        sql = 'SELECT soft_budget FROM "LiteLLM_BudgetTable" WHERE budget_id = $1'
        assert await desk.value(sql, first["budget_id"]) == 2.0

    async def test_a_set_spend_is_an_adjustment_in_the_books(self, desk: Desk, live: LiveGateway):
        key = await live.make_key(spend=0.5)
        await live.chat(key)
        before = await live.spent_nanos(key)
        await desk.post("/key/update", {"key": key, "spend": 0.25})
        sql = """SELECT sum(nanos)::bigint FROM gatewright.adjustment
                 WHERE entity_type = 'key' AND entity_id = $1"""
        assert before + await desk.value(sql, hash_token(key)) == 250_000_000
        assert await live.spent_nanos(key) == 250_000_000
        assert await desk.refusal("/key/update", {"key": key, "spend": -1}) == (
            400,
            "bad_request_error",
            "spend",
        )

    async def test_the_books_balance_after_changes_by_hand(self, desk: Desk, live: LiveGateway, unique):
        user_id, customer, tag = unique("user"), unique("customer"), unique("tag")
        await desk.post("/user/new", {"user_id": user_id, "spend": 0.1, "auto_create_key": False})
        await desk.post("/customer/new", {"user_id": customer, "spend": 0.2})
        await desk.post("/tag/new", {"name": tag})
        key = await live.make_key(user_id=user_id, spend=0.3)
        named = {"user": customer, "metadata": {"tags": [tag]}}
        for _ in range(2):
            await live.chat(key, **named)
            await desk.post("/key/update", {"key": key, "spend": 0.05})
            await desk.post("/user/update", {"user_id": user_id, "spend": 0})
        await live.settled()
        await live.gateway.parts.drain.flush()
        report = await check_books(live.gateway.parts.database)
        ours = {hash_token(key), user_id, customer, tag}
        assert [found for found in report.differences if found.entity_id in ours] == []

    async def test_access_groups_know_their_keys(self, desk: Desk, live: LiveGateway, unique):
        group = unique("group")
        await desk.run(
            """INSERT INTO "LiteLLM_AccessGroupTable" (access_group_id, access_group_name, updated_at)
               VALUES ($1, $1, now())""",
            group,
        )
        sql = 'SELECT assigned_key_ids FROM "LiteLLM_AccessGroupTable" WHERE access_group_id = $1'
        key = await live.make_key(access_group_ids=[group])
        assert await desk.value(sql, group) == [hash_token(key)]
        await desk.post("/key/update", {"key": key, "access_group_ids": []})
        assert await desk.value(sql, group) == []
        refused = await desk.refusal("/key/generate", {"access_group_ids": ["none"]})
        assert refused == (400, "bad_request_error", "access_group_ids")


class TestRights:
    @pytest_asyncio.fixture(loop_scope="session")
    async def cast(self, desk: Desk, live: LiveGateway, unique):
        """Keys of a team: one that its member made, one that it was given; and who asks about them."""
        people = {name: await desk.make_user() for name in ("boss", "member", "stranger")}
        people["viewer"] = await desk.make_user("internal_user_viewer")
        team_id = unique("team")
        await desk.post(
            "/team/new",
            {
                "team_id": team_id,
                "members_with_roles": [
                    {"user_id": people["boss"][0], "role": "admin"},
                    {"user_id": people["member"][0], "role": "user"},
                ],
                "team_member_permissions": ["/key/generate", "/key/update"],
            },
        )
        member_id, member_key = people["member"]
        limits = {"max_budget": 1.0, "rpm_limit": 10, "models": ["m"], "guardrails": ["g"], "duration": "1d"}
        made = await desk.post("/key/generate", {"team_id": team_id, **limits}, member_key)
        given = await live.make_key(team_id=team_id, user_id=member_id, **limits)
        personal = await desk.post("/key/generate", limits, member_key)
        keys = {name: key for name, (_, key) in people.items()} | {"no_user": await live.make_key()}
        return keys, {"made": made["key"], "given": given, "personal": personal["key"]}

    @pytest.mark.parametrize(
        ("target", "allowed"),
        [("made", {"boss", "member"}), ("given", {"boss"}), ("personal", {"member"})],
    )
    async def test_who_changes_a_key(self, desk: Desk, cast, unique, target, allowed):
        keys, targets = cast
        for caller, key in keys.items():
            body = {"key": targets[target], "key_alias": unique("alias")}
            answer = await desk.ask("POST", "/key/update", key, json=body)
            refused = 401 if caller in {"no_user", "viewer"} else 403
            assert answer.status_code == (200 if caller in allowed else refused), (caller, answer.text)

    @pytest.mark.parametrize(
        ("member", "value", "maker", "boss"),
        [
            ("max_budget", 0.5, 200, 200),
            ("max_budget", 2.0, 200, 200),
            ("max_budget", None, 200, 200),
            ("models", ["m", "n"], 200, 200),
            ("budget_duration", "1h", 200, 200),
            ("guardrails", [], 200, 403),
            ("metadata", {"mine": 1, "guardrails": ["g"]}, 200, 200),
            ("metadata", {}, 403, 403),
            ("metadata", {"guardrails": ["g"], "allow_client_pricing_override": True}, 403, 403),
            ("spend", 0.1, 403, 403),
            ("allowed_routes", ["/x"], 403, 403),
            ("permissions", {"x": 1}, 403, 403),
            ("tags", ["t"], 403, 403),
            ("policies", ["p"], 403, 403),
            ("access_group_ids", ["g"], 403, 403),
            ("organization_id", "o", 403, 403),
            ("budget_id", "b", 403, 403),
            ("project_id", "p", 403, 403),
            ("agent_id", "a", 403, 403),
            ("team_id", None, 403, 403),
            ("team_id", "", 403, 403),
            ("team_id", "other", 403, 403),
            ("user_id", None, 403, 403),
            ("user_id", "", 403, 403),
            ("user_id", "somebody", 403, 403),
            ("blocked", True, 403, 200),
            ("object_permission", {"mcp_servers": ["x"]}, 403, 403),
            ("router_settings", {"num_retries": 9}, 403, 403),
            ("config", {"x": 1}, 403, 403),
            ("throttle_on_budget_exceeded", True, 403, 403),
            ("disable_global_guardrails", True, 403, 403),
            ("temp_budget_increase", 5, 403, 403),
            ("end_user_budget_id", "b", 403, 403),
            ("allowed_passthrough_routes", ["/x"], 403, 403),
        ],
    )
    async def test_which_fields_are_open(self, desk: Desk, cast, member, value, maker, boss):
        keys, targets = cast
        body = {"key": targets["made"], member: value}
        await desk.post("/key/update", body, keys["stranger"], 403)
        await desk.post("/key/update", body, keys["viewer"], 401)
        await desk.post("/key/update", {**body, "key": targets["given"]}, keys["member"], 403)
        await desk.post("/key/update", body, keys["member"], maker)
        await desk.post("/key/update", {**body, "key": targets["given"]}, keys["boss"], boss)

    @pytest.mark.parametrize(
        ("member", "value", "status"),
        [
            ("max_budget", 0.4, 200),
            ("max_budget", 0.6, 403),
            ("max_budget", None, 403),
            ("rpm_limit", 11, 403),
            ("tpm_limit", None, 403),
            ("models", [], 403),
            ("models", ["m", "n"], 403),
            ("budget_duration", "1h", 403),
            ("duration", "2d", 403),
            ("duration", "-1", 403),
            ("guardrails", [], 403),
            ("model_max_budget", {}, 200),
            ("model_max_budget", {"m": 100}, 403),
            ("aliases", {"a": "b"}, 403),
        ],
    )
    async def test_what_somebody_else_has_set_is_only_tightened(
        self, desk: Desk, cast, member, value, status
    ):
        keys, targets = cast
        await desk.post("/key/update", {"key": targets["personal"], "max_budget": 0.5, "tpm_limit": 0})
        await desk.post("/key/update", {"key": targets["personal"], member: value}, keys["member"], status)

    async def test_a_key_does_not_raise_itself(self, desk: Desk, cast):
        _, targets = cast
        own = targets["personal"]
        for raised in ({"max_budget": 2}, {"max_budget": None}, {"models": []}, {"duration": "-1"}):
            await desk.post("/key/update", {"key": own, **raised}, own, 403)
        await desk.post("/key/update", {"key": own, "max_budget": 0.5}, own)

    async def test_a_personal_key_keeps_below_its_users_budget(self, desk: Desk, cast):
        keys, targets = cast
        user_sql = 'UPDATE "LiteLLM_UserTable" SET max_budget = 1.5 WHERE user_id = $1'
        owner_sql = 'SELECT user_id FROM "LiteLLM_VerificationToken" WHERE token = $1'
        await desk.run(user_sql, await desk.value(owner_sql, hash_token(keys["member"])))
        body = {"key": targets["personal"], "max_budget": 1.6}
        await desk.post("/key/update", body, keys["member"], 403)
        await desk.post("/key/update", body | {"max_budget": 1.4}, keys["member"])


class TestRequestPath:
    async def test_a_raised_budget_and_a_temporary_increase_count_at_once(
        self, desk: Desk, live: LiveGateway, at_once
    ):
        key = await live.make_key(max_budget=0)
        assert (await live.chat(key)).status_code == 422
        await desk.post("/key/update", {"key": key, "max_budget": 1})
        await at_once(lambda: live.chat(key), 200)
        await desk.post("/key/update", {"key": key, "max_budget": 0})
        await at_once(lambda: live.chat(key), 422)
        ends = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        await desk.post("/key/update", {"key": key, "temp_budget_increase": 1, "temp_budget_expiry": ends})
        await at_once(lambda: live.chat(key), 200)

    async def test_a_spend_that_is_set_counts_at_once(self, desk: Desk, live: LiveGateway, at_once):
        key = await live.make_key(max_budget=1)
        assert (await live.chat(key)).status_code == 200
        await desk.post("/key/update", {"key": key, "spend": 1})
        await at_once(lambda: live.chat(key), 422)
        await desk.post("/key/update", {"key": key, "spend": 0})
        await at_once(lambda: live.chat(key), 200)

    async def test_models_and_blocking_count_at_once(self, desk: Desk, live: LiveGateway, at_once):
        key = await live.make_key()
        await desk.post("/key/update", {"key": key, "models": ["other"]})
        await at_once(lambda: live.chat(key), 403)
        await desk.post("/key/update", {"key": key, "models": None, "blocked": True})
        await at_once(lambda: live.chat(key), 401)


@pytest.mark.parametrize("kind", ["key", "team"])
async def test_another_amount_is_no_new_period(desk: Desk, live: LiveGateway, kind: str):
    """What was spent in a period counts for the budget that it has from now on."""
    window = {"budget_duration": "3d", "max_budget": 1}
    if kind == "key":
        named = {"key": await live.make_key(budget_limits=[window])}
    else:
        named = {"team_id": (await desk.post("/team/new", {"budget_limits": [window]}))["team_id"]}
    table, column = {
        "key": ("LiteLLM_VerificationToken", "token"),
        "team": ("LiteLLM_TeamTable", "team_id"),
    }[kind]
    identifier = hash_token(named["key"]) if kind == "key" else named["team_id"]
    end = "2199-01-01T00:00:00+00:00"
    began = [{**window, "reset_at": end}]
    await desk.run(
        f'UPDATE "{table}" SET budget_limits = $1::jsonb WHERE {column} = $2', json.dumps(began), identifier
    )
    changed = [{**window, "max_budget": 2}, {"budget_duration": "1d", "max_budget": 3}]
    await desk.post(f"/{kind}/update", {**named, "budget_limits": changed})
    stored = await desk.value(f'SELECT budget_limits FROM "{table}" WHERE {column} = $1', identifier)
    first, second = json.loads(stored)
    assert first == {**changed[0], "reset_at": end}
    assert second["reset_at"] < end
