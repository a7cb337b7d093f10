"""Rotated keys through the running app: which secret is good, what follows to it, and what the books say."""

import asyncio

import asyncpg
import pytest

from gateway.db.rows import Rows
from gateway.db.tables.keys import JWTKeyMapping
from gateway.domain import Principal, Role
from gateway.ids import hash_token
from gateway.pipeline.counters import check_counters
from gateway.spend.books.check import check_books
from tests.integration.counting import counting
from tests.integration.manage.conftest import Desk
from tests.integration.serving import LiveGateway, eventually
from tests.upstreams import replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

REVOKE = 'UPDATE "LiteLLM_DeprecatedVerificationToken" SET revoke_at = created_at WHERE token = $1'
PERMIT = 'UPDATE "LiteLLM_TeamTable" SET team_member_permissions = $2 WHERE team_id = $1'


WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"
RECORD = """
INSERT INTO gatewright.recorded AS r (entity_type, entity_id, nanos) VALUES ('key', $1, 5)
ON CONFLICT (entity_type, entity_id) DO UPDATE SET nanos = r.nanos + EXCLUDED.nanos
"""
OPERATOR = Principal(token_hash="", user_id="default_user_id", role=Role.PROXY_ADMIN)


async def until_one_waits(live: LiveGateway) -> None:
    """Return when a transaction of the database waits for a lock of another one."""
    connection = await asyncpg.connect(live.environ["DATABASE_URL"])
    try:
        for _ in range(2_000):
            if await connection.fetchval(WAITING):
                return
            await asyncio.sleep(0.01)
        raise AssertionError("nobody waits")
    finally:
        await connection.close()


async def rotate(desk: Desk, key: str, caller: str | None = None, **body: object) -> str:
    sent = {"json": body} if body else {}
    answer = await desk.ask("POST", f"/key/{key}/regenerate", caller or key, **sent)
    assert answer.status_code == 200, answer.text
    return answer.json()["key"]


async def as_admin(desk: Desk, key: str, **body: object) -> str:
    return (await desk.post(f"/key/{hash_token(key)}/regenerate", body))["key"]


async def status_of(live: LiveGateway, key: str) -> int:
    return (await live.chat(key)).status_code


class TestSecrets:
    async def test_the_old_secret_ends_with_the_answer(self, desk: Desk, live: LiveGateway, at_once):
        old = await live.make_key(key_alias=None, max_budget=7)
        assert await status_of(live, old) == 200
        answer = await desk.post("/key/regenerate", {"key": old})
        new = answer["key"]
        assert answer["token"] == answer["token_id"] == hash_token(new)
        assert answer["key_name"] == f"sk-...{new[-4:]}"
        assert answer["max_budget"] == 7
        await at_once(lambda: live.chat(old), 401)
        assert await status_of(live, new) == 200
        assert (await desk.ask("GET", "/key/info", params={"key": old})).status_code == 404

    async def test_both_are_good_while_the_grace_period_lasts(self, desk: Desk, live: LiveGateway):
        old = await live.make_key()
        new = await as_admin(desk, old, grace_period="24h")
        assert await status_of(live, old) == await status_of(live, new) == 200
        assert {row.api_key for row in await live.rows() if row.api_key == hash_token(new)}
        await desk.run(REVOKE, hash_token(old))
        live.gateway.parts.principals.clear()
        assert await status_of(live, old) == 401
        assert await status_of(live, new) == 200

    async def test_a_second_rotation_ends_earlier_secrets_with_its_own(self, desk: Desk, live: LiveGateway):
        first = await live.make_key()
        second = await as_admin(desk, first, grace_period="30d")
        third = await as_admin(desk, second, grace_period="1h")
        assert [await status_of(live, key) for key in (first, second, third)] == [200, 200, 200]
        fourth = await as_admin(desk, third)
        live.gateway.parts.principals.clear()
        assert [await status_of(live, key) for key in (first, second, third, fourth)] == [401, 401, 401, 200]

    async def test_blocking_and_deleting_hold_for_every_secret(self, desk: Desk, live: LiveGateway, at_once):
        old = await live.make_key()
        new = await as_admin(desk, old, grace_period="24h")
        await desk.post("/key/block", {"key": new})
        await at_once(lambda: live.chat(old), 401)
        await desk.post("/key/unblock", {"key": new})
        await at_once(lambda: live.chat(old), 200)
        await desk.post("/key/delete", {"keys": [new]})
        await at_once(lambda: live.chat(old), 401)
        # Even a key that is made with the same value later is not reached by the old secret.
        await live.make_key(key=new)
        assert await status_of(live, old) == 401

    async def test_a_chosen_secret_must_be_new(self, desk: Desk, live: LiveGateway, unique):
        other, old = await live.make_key(), await live.make_key()
        chosen = unique("sk-chosen-0123456789")
        assert await as_admin(desk, old, new_key=chosen) == chosen
        path = f"/key/{hash_token(chosen)}/regenerate"
        for value in (other, old, chosen, "short", "sk-short", "sk-with spaces 0123456789"):
            refused = await desk.refusal(path, {"new_key": value})
            assert refused == (400, "bad_request_error", "new_key"), value
        assert await status_of(live, chosen) == 200

    @pytest.mark.parametrize("period", ["soon", "-1h", "5"])
    async def test_a_grace_period_is_a_duration(self, desk: Desk, live: LiveGateway, period: str):
        body = {"key": await live.make_key(), "grace_period": period}
        assert await desk.refusal("/key/regenerate", body) == (400, "bad_request_error", "grace_period")

    async def test_unknown_keys_and_the_master_key_are_refused(self, desk: Desk):
        assert await desk.refusal("/key/regenerate", {"key": "sk-unknown-0123456789"}) == (
            404,
            "not_found_error",
            "key",
        )
        assert (await desk.refusal("/key/regenerate", {}))[0] == 400


class TestWhatFollows:
    async def test_the_row_keeps_everything_but_its_hash(self, desk: Desk, live: LiveGateway, unique):
        old = await live.make_key(
            key_alias=unique("a"), models=["m"], rpm_limit=50, metadata={"a": 1}, duration="30d", spend=0.5
        )
        before = (await desk.get("/key/info", key=old))["info"]
        new = await as_admin(desk, old)
        after = (await desk.get("/key/info", key=new))["info"]
        changed = {name for name in before if before[name] != after[name]}
        assert changed == {"key_name", "rotation_count", "last_rotation_at", "updated_at"}
        assert after["rotation_count"] == 1

    async def test_the_audit_trail_names_the_rotation(self, desk: Desk, live: LiveGateway):
        new = await as_admin(desk, await live.make_key())
        sql = 'SELECT action FROM "LiteLLM_AuditLog" WHERE object_id = $1'
        assert await desk.value(sql, hash_token(new)) == "rotated"

    async def test_other_members_change_with_it(self, desk: Desk, live: LiveGateway):
        old = await live.make_key(max_budget=1, allowed_routes=["llm_api_routes"])
        answer = await desk.post(
            "/key/regenerate", {"key": old, "max_budget": 2, "tags": ["t"], "key_type": "read_only"}
        )
        assert (answer["max_budget"], answer["tags"]) == (2, ["t"])
        assert (answer["key_type"], answer["allowed_routes"]) == ("read_only", ["info_routes"])

    async def test_links_to_the_key_follow(self, desk: Desk, live: LiveGateway, unique):
        group = unique("group")
        sql = """INSERT INTO "LiteLLM_AccessGroupTable" (access_group_id, access_group_name, updated_at)
                 VALUES ($1, $1, now())"""
        await desk.run(sql, group)
        old = await live.make_key(access_group_ids=[group])
        mappings = Rows(JWTKeyMapping)
        made = await mappings.insert(
            {"jwt_claim_name": "sub", "jwt_claim_value": group, "token": hash_token(old)}
        )
        new = hash_token(await as_admin(desk, old))
        assert (await mappings.find(made["id"]))["token"] == new
        sql = 'SELECT assigned_key_ids FROM "LiteLLM_AccessGroupTable" WHERE access_group_id = $1'
        assert await desk.value(sql, group) == [new]
        await mappings.delete(made["id"])
        await desk.post("/key/delete", {"keys": [new]})
        assert await desk.value(sql, group) == []

    async def test_budgets_go_on_counting(self, desk: Desk, live: LiveGateway):
        old = await live.make_key(
            max_budget=1, model_max_budget={"m": {"max_budget": 1, "budget_duration": "1d"}}
        )
        await live.chat(old)
        spent = await live.spent_nanos(old)
        new = await as_admin(desk, old)
        assert await live.spent_nanos(new) == spent
        info = (await desk.get("/key/info", key=new))["info"]
        assert info["model_max_budget_usage"]["m"]["spend"] == spent / 1e9
        await live.chat(new)
        assert await live.spent_nanos(new) == 2 * spent
        assert live.settled_nanos(new) == 2 * spent
        info = (await desk.get("/key/info", key=new))["info"]
        assert info["model_max_budget_usage"]["m"]["spend"] == 2 * spent / 1e9

    async def test_a_spent_budget_stays_spent(self, desk: Desk, live: LiveGateway):
        old = await live.make_key(max_budget=1e-9)
        await live.chat(old)
        new = await as_admin(desk, old)
        assert await status_of(live, new) == 422


class TestBooks:
    async def test_what_is_under_way_is_booked_on_the_key(self, desk: Desk, live: LiveGateway):
        old = await live.make_key(
            max_budget=1, model_max_budget={"m": {"max_budget": 1, "budget_duration": "1d"}}
        )
        live.upstream.script.append(replies.held())
        running = asyncio.create_task(live.chat(old))
        await live.upstream.wait_for_requests(1)
        new = await as_admin(desk, old)
        await live.chat(new)
        live.upstream.release.set()
        assert (await running).status_code == 200
        (row,) = await live.rows(old)
        assert row.nanos > 0
        assert await live.spent_nanos(new) == 2 * row.nanos
        # The drain tells every worker, which then judges by the new total.
        await eventually(lambda: live.gateway.parts.principals.peek(hash_token(new)) is None)
        info = (await desk.get("/key/info", key=new))["info"]
        assert info["model_max_budget_usage"]["m"]["spend"] == 2 * row.nanos / 1e9
        await live.chat(new)
        await live.settled()
        assert live.settled_nanos(new) == 3 * row.nanos
        await live.gateway.parts.drain.flush()
        token = hash_token(new)
        report = await check_books(live.gateway.parts.database)
        assert [one for one in report.differences if one.entity_id in (token, hash_token(old))] == []
        assert [one for one in await check_counters(live.gateway) if one.entity_id == token] == []

    async def test_rotations_and_batches_do_not_lose_each_others_charges(self, desk: Desk, live: LiveGateway):
        key = await live.make_key()
        drain = live.gateway.parts.drain
        keys = [key]
        for _ in range(5):
            asked = [asyncio.create_task(live.chat(keys[-1])) for _ in range(4)]
            await asyncio.gather(*asked)
            rotated, _ = await asyncio.gather(as_admin(desk, keys[-1], grace_period="1h"), drain.flush())
            keys.append(rotated)
        hashes = {hash_token(one) for one in keys}
        total = sum(row.nanos for row in await live.rows() if row.api_key in hashes)
        assert total > 0
        assert await live.spent_nanos(keys[-1]) == total
        report = await check_books(live.gateway.parts.database)
        assert [one for one in report.differences if one.entity_id in hashes] == []

    async def test_a_batch_that_meets_a_rotation_waits_and_follows(self, desk: Desk, live: LiveGateway):
        old = await live.make_key()
        parts = live.gateway.parts
        async with parts.drain._turn:
            await live.chat(old)
            await live.settled()
            async with parts.database.transaction():
                made = await parts.management.key_rotation.regenerate(OPERATOR, hash_token(old), {})
                batch = asyncio.create_task(parts.drain.pump.drain_next())
                await until_one_waits(live)
            await batch
        (row,) = await live.rows(old)
        assert await live.spent_nanos(str(made["key"])) == row.nanos > 0

    async def test_a_rotation_that_meets_a_batch_waits_for_it(self, desk: Desk, live: LiveGateway):
        old = await live.make_key()
        database, token = live.gateway.parts.database, hash_token(old)
        async with database.transaction():
            await database.execute(RECORD, token)
            rotation = asyncio.create_task(as_admin(desk, old))
            await until_one_waits(live)
            sql = 'UPDATE "LiteLLM_VerificationToken" SET spend = 0.000000005 WHERE token = $1'
            await database.execute(sql, token)
        assert await live.spent_nanos(await rotation) == 5


class TestRights:
    async def test_users_rotate_their_own(self, desk: Desk, live: LiveGateway, at_once):
        user, own = await desk.make_user()
        other = await live.make_key(user_id=user)
        new = await rotate(desk, other, own)
        assert await status_of(live, new) == 200
        newer = await rotate(desk, own)
        await at_once(lambda: live.chat(own), 401)
        assert await status_of(live, newer) == 200

    async def test_without_a_name_it_is_the_callers(self, desk: Desk, live: LiveGateway):
        _, own = await desk.make_user()
        answer = await desk.ask("POST", "/key/regenerate", own)
        assert answer.status_code == 200
        assert await status_of(live, answer.json()["key"]) == 200

    async def test_keys_of_others_are_refused(self, desk: Desk, live: LiveGateway):
        _, own = await desk.make_user()
        refused = await desk.refusal("/key/regenerate", {"key": await live.make_key()}, own)
        assert refused[::2] == (403, "key")
        _, viewer = await desk.make_user("internal_user_viewer")
        assert (await desk.refusal("/key/regenerate", {}, viewer))[0] == 401
        assert (await desk.refusal("/key/regenerate", {}, await live.make_key()))[0] == 401

    async def test_members_of_a_team_need_its_permission(self, desk: Desk, live: LiveGateway, unique):
        boss, boss_key = await desk.make_user()
        user, own = await desk.make_user()
        team = unique("team")
        members = [{"user_id": boss, "role": "admin"}, {"user_id": user, "role": "user"}]
        await desk.post("/team/new", {"team_id": team, "members_with_roles": members})
        key = await live.make_key(team_id=team, user_id=user)
        refused = await desk.refusal("/key/regenerate", {"key": key}, own)
        assert refused[:2] == (401, "team_member_permission_error")
        await desk.run(PERMIT, team, ["/key/regenerate"])
        key = await rotate(desk, key, own)
        await desk.run(PERMIT, team, [])
        key = await rotate(desk, key, boss_key)
        assert await status_of(live, key) == 200

    async def test_an_organizations_administrator_rotates_its_keys(self, desk: Desk, live: LiveGateway):
        admin, admin_key = await desk.make_user()
        organization = await desk.make_organization(admin)
        key = await live.make_key(organization_id=organization)
        assert await status_of(live, await rotate(desk, key, admin_key)) == 200

    async def test_nobody_gets_the_secret_of_somebody_mightier(self, desk: Desk, live: LiveGateway, unique):
        boss, boss_key = await desk.make_user()
        mighty, _ = await desk.make_user("proxy_admin")
        team = unique("team")
        members = [{"user_id": boss, "role": "admin"}, {"user_id": mighty, "role": "user"}]
        await desk.post("/team/new", {"team_id": team, "members_with_roles": members})
        key = await live.make_key(team_id=team, user_id=mighty)
        assert (await desk.refusal("/key/regenerate", {"key": key}, boss_key))[::2] == (403, "user_id")
        body = {"team_id": team, "user_id": mighty}
        assert (await desk.refusal("/key/generate", body, boss_key))[::2] == (403, "user_id")
        plain = await live.make_key(team_id=team)
        body = {"key": plain, "user_id": mighty}
        assert (await desk.refusal("/key/update", body, boss_key))[::2] == (403, "user_id")

    @pytest.mark.parametrize(
        ("own", "other"),
        [
            ({"max_budget": 1}, {"max_budget": 2}),
            ({"rpm_limit": 100}, {}),
            ({"models": ["m"]}, {}),
            ({"allowed_routes": ["/key/*"]}, {"allowed_routes": ["/v1/chat/completions"]}),
        ],
    )
    async def test_a_restricted_key_gets_no_wider_secret(self, desk: Desk, live: LiveGateway, own, other):
        user, caller = await desk.make_user(**own)
        wider = await live.make_key(user_id=user, **other)
        assert (await desk.refusal("/key/regenerate", {"key": wider}, caller))[::2] == (403, "key")
        same = await live.make_key(user_id=user, **own)
        await rotate(desk, same, caller)

    async def test_members_are_refused_as_in_an_update(self, desk: Desk, live: LiveGateway):
        _, own = await desk.make_user()
        made = await desk.post("/key/generate", {"max_budget": 1}, own)
        key = made["key"]
        for body, param in (
            ({"allowed_routes": ["/x"]}, "allowed_routes"),
            ({"key_type": "management"}, "allowed_routes"),
            ({"spend": 0.5}, "spend"),
            ({"organization_id": "o"}, "organization_id"),
        ):
            refused = await desk.refusal("/key/regenerate", {"key": key, **body}, own)
            assert refused[::2] == (403, param)
        assert await status_of(live, key) == 200


class TestResettingSpend:
    async def test_administrators_of_the_team_may(self, desk: Desk, live: LiveGateway, unique):
        boss, boss_key = await desk.make_user()
        user, own = await desk.make_user()
        team = unique("team")
        members = [{"user_id": boss, "role": "admin"}, {"user_id": user, "role": "user"}]
        await desk.post("/team/new", {"team_id": team, "members_with_roles": members})
        key = await live.make_key(team_id=team, user_id=user, spend=0.5, max_budget=1)
        path = f"/key/{key}/reset_spend"
        assert (await desk.refusal(path, {"reset_to": 0}, own))[0] == 403
        answer = await desk.post(path, {"reset_to": 0.25}, boss_key)
        assert answer == {
            "key_hash": hash_token(key),
            "spend": 0.25,
            "previous_spend": 0.5,
            "max_budget": 1,
            "budget_reset_at": None,
        }
        assert await live.spent_nanos(key) == 250_000_000
        for amount in (0.3, -1, "NaN"):
            assert (await desk.refusal(path, {"reset_to": amount}, boss_key))[::2] == (400, "reset_to")
        assert (await desk.refusal("/key/unknown/reset_spend", {"reset_to": 0}))[0] == 404


async def test_a_rotation_costs_as_many_statements_for_a_busy_key(desk: Desk, live: LiveGateway):
    old = await live.make_key()
    await live.chat(old)
    async with counting(live) as counter:
        await as_admin(desk, old, grace_period="1h")
    assert len(counter) == 12
