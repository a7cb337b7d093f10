"""Users who are changed together or deleted, through the running app."""

import pytest
import pytest_asyncio

from gateway.db.entities import GATEWAY_USER_ID
from gateway.ids import hash_token
from tests.integration.manage.balances import differing
from tests.integration.manage.conftest import Desk
from tests.integration.manage.counting import statements
from tests.integration.serving import LiveGateway

pytestmark = pytest.mark.asyncio(loop_scope="session")

_OTHERS = 'SELECT count(*) FROM "LiteLLM_UserTable" WHERE user_id <> $1'
_KNOWN = 'SELECT count(*) FROM "LiteLLM_UserTable" WHERE user_id = $1'


class TestDeleting:
    async def test_a_user_goes_with_everything_that_is_theirs(
        self, desk: Desk, live: LiveGateway, unique, at_once
    ):
        user_id, team_id = unique("user"), unique("team")
        organization = await desk.make_organization()
        made = await desk.post("/user/new", {"user_id": user_id, "organizations": [organization]})
        await desk.post("/team/new", {"team_id": team_id, "members": [user_id]})
        team_key = await live.make_key(team_id=team_id, user_id=user_id)
        await desk.run(
            """INSERT INTO "LiteLLM_InvitationLink"
               (id, user_id, expires_at, created_at, created_by, updated_at, updated_by)
               VALUES ($1, $1, now(), now(), $1, now(), $1)""",
            user_id,
        )
        for key in (made["key"], team_key):
            assert (await live.chat(key)).status_code == 200
        assert await desk.post("/user/delete", {"user_ids": [user_id]}) == 1
        for key in (made["key"], team_key):
            await at_once(lambda key=key: live.chat(key), 401)
            archived = 'SELECT count(*) FROM "LiteLLM_DeletedVerificationToken" WHERE token = $1'
            assert await desk.value(archived, hash_token(key)) == 1
        for table in ("UserTable", "InvitationLink", "OrganizationMembership", "TeamMembership"):
            sql = f'SELECT count(*) FROM "LiteLLM_{table}" WHERE user_id = $1'
            assert await desk.value(sql, user_id) == 0
        row = (await desk.get("/team/info", team_id=team_id))["team_info"]
        assert user_id not in str(row["members_with_roles"])
        audited = (
            'SELECT action FROM "LiteLLM_AuditLog" WHERE object_id = $1 ORDER BY updated_at DESC LIMIT 1'
        )
        assert await desk.value(audited, user_id) == "deleted"

    async def test_users_are_deleted_all_or_none(self, desk: Desk, unique):
        user_id = unique("user")
        await desk.post("/user/new", {"user_id": user_id, "auto_create_key": False})
        for body, status in (
            ({"user_ids": [user_id, "nobody"]}, 404),
            ({"user_ids": []}, 400),
            ({"user_ids": [user_id, ""]}, 400),
            ({"user_ids": ["litellm-proxy-budget", user_id]}, 400),
        ):
            answer = await desk.post("/user/delete", body, status=status)
            assert "error" in answer["detail"]
        await desk.post("/user/delete", {}, status=422)
        assert await desk.value(_KNOWN, user_id) == 1

    async def test_a_user_who_is_made_again_begins_anew(self, desk: Desk, live: LiveGateway, unique):
        user_id = unique("user")
        key = (await desk.post("/user/new", {"user_id": user_id}))["key"]
        await live.chat(key)
        await live.spent_nanos(key)
        await desk.post("/user/delete", {"user_ids": [user_id]})
        assert (await desk.post("/user/new", {"user_id": user_id}))["spend"] == 0.0
        assert await differing(desk, user_id) == []

    async def test_many_users_take_as_many_statements_as_one(self, desk: Desk, unique):
        counts = []
        for size in (1, 7):
            users = [unique("user") for _ in range(size)]
            for user_id in users:
                await desk.post("/user/new", {"user_id": user_id})
            counts.append(await statements(desk, "POST", "/user/delete", json={"user_ids": users}))
        assert counts[0] == counts[1]
        assert counts[0] <= 23

    @pytest_asyncio.fixture(loop_scope="session")
    async def cast(self, desk: Desk):
        people = {name: await desk.make_user() for name in ("organizer", "member")}
        people["viewer"] = await desk.make_user("internal_user_viewer")
        organization = await desk.make_organization(people["organizer"][0])
        keys = {name: key for name, (_, key) in people.items()} | {"nobody": await desk.live.make_key()}
        return organization, keys

    async def make(self, desk: Desk, unique, **members: object) -> str:
        user_id = unique("user")
        await desk.post("/user/new", {"user_id": user_id, "auto_create_key": False, **members})
        return user_id

    async def test_an_organizer_deletes_who_is_in_nothing_else(self, desk: Desk, cast, unique):
        organization, keys = cast
        other = await desk.make_organization()
        within = {"organizations": [organization]}
        user_id = await self.make(desk, unique, **within)
        for caller, status in (("member", 401), ("viewer", 401), ("nobody", 401)):
            await desk.post("/user/delete", {"user_ids": [user_id]}, keys[caller], status)
        team_id = unique("team")
        await desk.post("/team/new", {"team_id": team_id})
        for foreign in (
            {},
            {"organizations": [organization, other]},
            {**within, "teams": [team_id]},
            {**within, "user_role": "proxy_admin"},
        ):
            another = await self.make(desk, unique, **foreign)
            await desk.post("/user/delete", {"user_ids": [user_id, another]}, keys["organizer"], 403)
        assert await desk.post("/user/delete", {"user_ids": [user_id]}, keys["organizer"]) == 1


class TestChangingMany:
    async def test_each_user_is_changed_by_itself(self, desk: Desk, unique):
        first, second = unique("user"), unique("user")
        for user_id in (first, second):
            await desk.post("/user/new", {"user_id": user_id, "auto_create_key": False, "max_budget": 1})
        users = [
            {"user_id": first, "max_budget": 5},
            {"user_id": second, "max_budget": -1},
            {"user_id": second, "max_budget": "much"},
            {"max_budget": 1},
        ]
        said = await desk.post("/user/bulk_update", {"users": users})
        assert (said["total_requested"], said["successful_updates"], said["failed_updates"]) == (4, 1, 3)
        assert [result["success"] for result in said["results"]] == [True, False, False, False]
        assert said["results"][0]["updated_user"]["max_budget"] == 5.0
        assert "max_budget" in said["results"][1]["error"]
        assert said["results"][1]["user_id"] == second
        sql = 'SELECT max_budget FROM "LiteLLM_UserTable" WHERE user_id = $1'
        assert (await desk.value(sql, first), await desk.value(sql, second)) == (5.0, 1.0)

    async def test_null_clears(self, desk: Desk, unique):
        user_id = unique("user")
        await desk.post("/user/new", {"user_id": user_id, "max_budget": 1, "tpm_limit": 3})
        await desk.post("/user/bulk_update", {"users": [{"user_id": user_id, "max_budget": None}]})
        shown = await desk.get("/v2/user/info", user_id=user_id)
        assert (shown["max_budget"], shown["tpm_limit"]) == (None, 3)

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"users": []},
            {"users": [{"user_id": "x"}], "all_users": True, "user_updates": {}},
            {"all_users": True},
            {"users": [{"user_id": str(number)} for number in range(501)]},
        ],
    )
    async def test_what_cannot_be_is_refused(self, desk: Desk, body):
        assert "error" in (await desk.post("/user/bulk_update", body, status=400))["detail"]

    async def test_everybody_is_changed_where_they_are_few(self, desk: Desk, unique):
        mark, crowd = unique("told"), unique("zz")
        body = {"all_users": True, "user_updates": {"metadata": {"told": mark}}}
        add = 'INSERT INTO "LiteLLM_UserTable" (user_id) VALUES ($1) ON CONFLICT DO NOTHING'
        fill = """INSERT INTO "LiteLLM_UserTable" (user_id)
                  SELECT $1 || number FROM generate_series(1, $2::int) AS number"""
        told = """SELECT count(*) FROM "LiteLLM_UserTable" WHERE metadata ->> 'told' = $1"""
        # The gateway's own row is no user, and does not hide that there is one too many.
        for name in (GATEWAY_USER_ID, unique("user")):
            await desk.run(add, name)
        others = await desk.value(_OTHERS, GATEWAY_USER_ID)
        await desk.run(fill, crowd, max(501 - others, 1))
        await desk.post("/user/bulk_update", body, status=400)
        assert await desk.value(told, mark) == 0
        await desk.run('DELETE FROM "LiteLLM_UserTable" WHERE user_id LIKE $1', f"{crowd}%")
        answer = await desk.ask("POST", "/user/bulk_update", json=body)
        # Other tests leave users, on some days more than can be changed at once.
        expected = (200, others) if others <= 500 else (400, 0)
        assert (answer.status_code, await desk.value(told, mark)) == expected, answer.text[:500]

    async def test_who_changes_many(self, desk: Desk):
        user_id, key = await desk.make_user()
        await desk.post("/user/bulk_update", {"users": [{"user_id": user_id, "max_budget": 9}]}, key, 403)
        _, viewer = await desk.make_user("proxy_admin_viewer")
        await desk.post("/user/bulk_update", {"users": [{"user_id": user_id}]}, viewer, 401)
