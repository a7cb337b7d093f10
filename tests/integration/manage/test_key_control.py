"""Deleted and blocked keys through the running app: who may, what goes with a key, and at what cost."""

import pytest

from gateway.db.rows import Rows
from gateway.db.tables.keys import JWTKeyMapping
from gateway.ids import hash_token
from tests.integration.counting import counting, quiet
from tests.integration.manage.conftest import Desk
from tests.integration.serving import LiveGateway, bearer

pytestmark = pytest.mark.asyncio(loop_scope="session")


class TestDeleting:
    async def test_keys_and_aliases_go_together(self, desk: Desk, live: LiveGateway, unique, at_once):
        alias = unique("alias")
        first, second = await live.make_key(), await live.make_key(key_alias=alias)
        await live.chat(first)
        body = {"keys": [first], "key_aliases": [alias]}
        assert await desk.post("/key/delete", body) == {"deleted_keys": [first, alias]}
        await at_once(lambda: live.chat(first), 401)
        await at_once(lambda: live.chat(second), 401)

    async def test_it_is_all_or_none(self, desk: Desk, live: LiveGateway, unique):
        key = await live.make_key()
        for body in ({"keys": [key, "sk-unknown-0123456789"]}, {"keys": [key], "key_aliases": [unique("x")]}):
            assert await desk.refusal("/key/delete", body) == (404, "not_found_error", "key")
        assert (await live.chat(key)).status_code == 200

    @pytest.mark.parametrize("body", [{}, {"keys": []}, {"keys": None, "key_aliases": []}])
    async def test_nothing_named_is_422(self, desk: Desk, body):
        answer = await desk.post("/key/delete", body, status=422)
        assert answer["detail"][0]["loc"] == ["body", "keys"]

    async def test_jwt_mappings_go_with_their_key(self, desk: Desk, live: LiveGateway, unique):
        key, mappings = await live.make_key(), Rows(JWTKeyMapping)
        made = await mappings.insert(
            {"jwt_claim_name": "sub", "jwt_claim_value": unique("sub"), "token": hash_token(key)}
        )
        await desk.post("/key/delete", {"keys": [key]})
        assert await mappings.find(made["id"]) is None

    async def test_the_archive_says_who_deleted_it(self, desk: Desk, live: LiveGateway):
        user, own = await desk.make_user()
        key = await live.make_key(user_id=user, metadata={"a": [1]}, budget_duration="1d")
        headers = {**bearer(own), "litellm-changed-by": "ada"}
        answer = await live.http.post("/key/delete", json={"keys": [key]}, headers=headers)
        assert answer.status_code == 200
        info = (await desk.ask("GET", "/key/info", params={"key": key})).json()["info"]
        assert (info["status"], info["metadata"], info["budget_duration"]) == ("deleted", {"a": [1]}, "1d")
        assert (info["deleted_by"], info["litellm_changed_by"]) == (user, "ada")
        assert info["deleted_by_api_key"] == hash_token(own)

    async def test_only_owners_and_administrators_delete(self, desk: Desk, live: LiveGateway, unique):
        boss, boss_key = await desk.make_user()
        admin, admin_key = await desk.make_user()
        _, foreign = await desk.make_user()
        organization = await desk.make_organization(admin)
        team = unique("team")
        await desk.post(
            "/team/new", {"team_id": team, "members_with_roles": [{"user_id": boss, "role": "admin"}]}
        )
        of_team = await live.make_key(team_id=team)
        of_organization = await live.make_key(organization_id=organization)
        body = {"keys": [of_team, of_organization]}
        for key in (foreign, boss_key, admin_key):
            assert (await desk.refusal("/key/delete", body, key))[::2] == (403, "key")
        await desk.post("/key/delete", {"keys": [of_team]}, boss_key)
        await desk.post("/key/delete", {"keys": [of_organization]}, admin_key)
        await desk.post("/key/delete", {"keys": [foreign]}, foreign)

    async def test_many_keys_cost_no_more_statements_than_one(self, desk: Desk, live: LiveGateway, unique):
        boss, boss_key = await desk.make_user()
        team = unique("team")
        await desk.post(
            "/team/new", {"team_id": team, "members_with_roles": [{"user_id": boss, "role": "admin"}]}
        )
        counts = []
        for number in (1, 7):
            keys = [await live.make_key(team_id=team) for _ in range(number)]
            await quiet(live)
            await desk.get("/key/info", boss_key)
            async with counting(live) as counter:
                await desk.post("/key/delete", {"keys": keys}, boss_key)
            # As many places as there are keys come later in the statement.
            counts.append([sql[:99] for sql in counter.statements])
        assert counts[0] == counts[1]
        assert len(counts[0]) == 11


class TestBlocking:
    async def test_administrators_block_and_owners_do_not(self, desk: Desk, live: LiveGateway, at_once):
        admin, admin_key = await desk.make_user()
        user, own = await desk.make_user()
        organization = await desk.make_organization(admin)
        key = await live.make_key(user_id=user, organization_id=organization)
        await live.chat(key)
        assert (await desk.refusal("/key/block", {"key": key}, own))[0] == 403
        row = await desk.post("/key/block", {"key": hash_token(key)}, admin_key)
        assert (row["blocked"], row["status"], row["token"]) == (True, "revoked", hash_token(key))
        await at_once(lambda: live.chat(key), 401)
        assert (await desk.refusal("/key/unblock", {"key": key}, own))[0] == 403
        assert (await desk.post("/key/unblock", {"key": key}, admin_key))["blocked"] is False
        await at_once(lambda: live.chat(key), 200)

    async def test_unknown_keys_and_empty_bodies_are_refused(self, desk: Desk):
        for path in ("/key/block", "/key/unblock"):
            assert await desk.refusal(path, {"key": "sk-unknown-0123456789"}) == (
                404,
                "not_found_error",
                "key",
            )
            await desk.post(path, {}, status=422)


async def test_an_organizations_administrator_changes_its_keys(desk: Desk, live: LiveGateway):
    admin, admin_key = await desk.make_user()
    organization = await desk.make_organization(admin)
    key = await live.make_key(organization_id=organization, max_budget=1)
    assert (await desk.post("/key/update", {"key": key, "max_budget": 2}, admin_key))["max_budget"] == 2
    assert (await desk.refusal("/key/update", {"key": key, "organization_id": ""}, admin_key))[0] == 403
    _, foreign = await desk.make_user()
    assert (await desk.refusal("/key/update", {"key": key, "max_budget": 3}, foreign))[0] == 403
