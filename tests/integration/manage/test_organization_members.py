"""Members of organizations through the running app."""

import pytest
import pytest_asyncio

from tests.integration.manage.conftest import Desk
from tests.integration.manage.counting import statements
from tests.integration.serving import MASTER_KEY, LiveGateway

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Members:
    """An organization, and everybody who may or may not change who is in it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.organization = ""
        self.ids: dict[str, str] = {}
        self.keys: dict[str, str] = {}

    async def add(self, user_id: str, role: str = "internal_user", key: str = MASTER_KEY, **more: object):
        body = {"organization_id": self.organization, "member": {"user_id": user_id, "role": role}, **more}
        return await self.desk.ask("POST", "/organization/member_add", key, json=body)

    async def update(self, user_id: str, key: str = MASTER_KEY, **more: object):
        body = {"organization_id": self.organization, "user_id": user_id, **more}
        return await self.desk.ask("PATCH", "/organization/member_update", key, json=body)

    async def remove(self, user_id: str, key: str = MASTER_KEY):
        body = {"organization_id": self.organization, "user_id": user_id}
        return await self.desk.ask("DELETE", "/organization/member_delete", key, json=body)


@pytest_asyncio.fixture(loop_scope="session")
async def inside(desk: Desk) -> Members:
    found = Members(desk)
    people = {name: await desk.make_user() for name in ("organizer", "member", "stranger", "other_organizer")}
    people["viewer"] = await desk.make_user("internal_user_viewer")
    people["auditor"] = await desk.make_user("proxy_admin_viewer")
    found.organization = await desk.make_organization(people["organizer"][0])
    await desk.make_organization(people["other_organizer"][0])
    found.ids = {name: user_id for name, (user_id, _) in people.items()}
    found.keys = {name: key for name, (_, key) in people.items()} | {"no_user": await desk.live.make_key()}
    assert (await found.add(found.ids["member"])).status_code == 200
    assert (await found.add(found.ids["viewer"], "org_admin")).status_code == 200
    return found


REFUSED = {
    "member": 403,
    "stranger": 403,
    "other_organizer": 403,
    "viewer": 401,
    "auditor": 401,
    "no_user": 401,
}


class TestAdding:
    async def test_members_are_added_with_users_whom_there_was_not(self, inside: Members, unique):
        known, new = inside.ids["stranger"], f"{unique('ada')}@example.com"
        body = {
            "organization_id": inside.organization,
            "member": [{"user_id": known, "role": "org_admin"}, {"user_email": new, "role": "internal_user"}],
            "max_budget_in_organization": 2,
        }
        answer = await inside.desk.post("/organization/member_add", body)
        assert answer["organization_id"] == inside.organization
        users = {user["user_id"]: user for user in answer["updated_users"]}
        assert {user["user_email"] for user in users.values()} == {None, new}
        rows = answer["updated_organization_memberships"]
        assert {row["user_id"] for row in rows} == set(users)
        assert {row["litellm_budget_table"]["max_budget"] for row in rows} == {2.0}
        assert len({row["budget_id"] for row in rows}) == 2
        roles = {row["user_id"]: row["user_role"] for row in rows}
        assert roles[known] == "org_admin"
        assert [row["spend"] for row in rows] == [0.0, 0.0]

    async def test_all_or_none(self, inside: Members, unique):
        new = unique("user")
        members = [{"user_id": name, "role": "internal_user"} for name in (new, inside.ids["member"])]
        body = {"organization_id": inside.organization, "member": members}
        refused = await inside.desk.refusal("/organization/member_add", body)
        assert refused == (400, "bad_request_error", "member")
        await inside.desk.get("/user/info", status=404, user_id=new)

    @pytest.mark.parametrize(
        ("member", "status"),
        [
            ({"role": "internal_user"}, 400),
            ({"user_id": "", "role": "internal_user"}, 400),
            ([], 400),
            ({"user_id": "x"}, 422),
            ({"user_id": "x", "role": "proxy_admin"}, 422),
        ],
    )
    async def test_a_member_has_a_name_and_a_role(self, inside: Members, member, status):
        body = {"organization_id": inside.organization, "member": member}
        await inside.desk.post("/organization/member_add", body, status=status)

    async def test_an_organization_that_is_not_there(self, desk: Desk):
        body = {"organization_id": "none", "member": {"user_id": "x", "role": "internal_user"}}
        assert (await desk.refusal("/organization/member_add", body))[::2] == (404, "organization_id")

    async def test_who_may(self, inside: Members, unique):
        for name, status in REFUSED.items():
            answer = await inside.add(unique("user"), key=inside.keys[name])
            assert answer.status_code == status, (name, answer.text)
        made = await inside.add(unique("user"), "org_admin", inside.keys["organizer"])
        assert made.status_code == 200
        [user] = made.json()["updated_users"]
        assert set(user) == {"user_id", "user_email", "user_alias", "user_role"}


class TestUpdating:
    async def test_role_and_budget_change_and_null_takes_the_budget_away(self, inside: Members):
        member, key = inside.ids["member"], inside.keys["organizer"]
        row = (await inside.update(member, key, role="org_admin", max_budget_in_organization=1)).json()
        assert (row["user_role"], row["litellm_budget_table"]["max_budget"]) == ("org_admin", 1.0)
        assert (await inside.add("somebody", key=inside.keys["member"])).status_code == 200
        again = (await inside.update(member, key, max_budget_in_organization=None)).json()
        assert (again["budget_id"], again["litellm_budget_table"]["max_budget"]) == (row["budget_id"], None)
        assert again["user_role"] == "org_admin"
        back = (await inside.update(member, role="internal_user")).json()
        assert back["user_role"] == "internal_user"
        assert (await inside.add("anybody", key=inside.keys["member"])).status_code == 403

    async def test_a_member_is_named_by_address_too(self, inside: Members, unique):
        email = f"{unique('bob')}@example.com"
        member = {"user_email": email, "role": "internal_user"}
        await inside.desk.post(
            "/organization/member_add", {"organization_id": inside.organization, "member": member}
        )
        body = {"organization_id": inside.organization, "user_email": email.upper(), "role": "org_admin"}
        answer = await inside.desk.ask("PATCH", "/organization/member_update", json=body)
        assert answer.json()["user_email"] == email
        nobody = body | {"user_email": "nobody@example.com"}
        answer = await inside.desk.ask("PATCH", "/organization/member_update", json=nobody)
        assert (answer.status_code, answer.json()["error"]["param"]) == (404, "user_email")

    async def test_nobody_sets_a_budget_of_their_own(self, inside: Members):
        own, key = inside.ids["organizer"], inside.keys["organizer"]
        for usd in (1, None):
            answer = await inside.update(own, key, max_budget_in_organization=usd)
            assert answer.status_code == 403
            assert answer.json()["error"]["param"] == "max_budget_in_organization"

    async def test_refusals(self, inside: Members):
        member = inside.ids["member"]
        for name, status in REFUSED.items():
            answer = await inside.update(member, inside.keys[name], role="org_admin")
            assert answer.status_code == status, name
        assert (await inside.update("none", role="org_admin")).status_code == 404
        assert (await inside.update(member, role="proxy_admin")).status_code == 422
        answer = await inside.update(member, max_budget_in_organization=-1)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "max_budget_in_organization")
        body = {"organization_id": inside.organization, "role": "org_admin"}
        answer = await inside.desk.ask("PATCH", "/organization/member_update", json=body)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "user_id")

    async def test_a_budget_counts_at_once(self, inside: Members, live: LiveGateway, at_once):
        member = inside.ids["member"]
        key = await live.make_key(user_id=member, organization_id=inside.organization)
        assert (await live.chat(key)).status_code == 200
        await inside.update(member, max_budget_in_organization=0)
        await at_once(lambda: live.chat(key), 422)
        await inside.update(member, max_budget_in_organization=5)
        await at_once(lambda: live.chat(key), 200)


class TestRemoving:
    async def test_a_membership_ends_with_its_budget(self, inside: Members):
        member = inside.ids["member"]
        await inside.update(member, max_budget_in_organization=1)
        gone = (await inside.remove(member, inside.keys["organizer"])).json()
        assert (gone["user_id"], gone["litellm_budget_table"]["max_budget"]) == (member, 1.0)
        assert await inside.desk.post("/budget/info", {"budgets": [gone["budget_id"]]}) == []
        assert (await inside.remove(member)).status_code == 404
        assert await inside.desk.get("/organization/list", inside.keys["member"]) == []

    async def test_an_administrator_who_is_removed_is_none_any_more(self, inside: Members):
        assert (await inside.remove(inside.ids["organizer"])).status_code == 200
        assert (await inside.add("nobody", key=inside.keys["organizer"])).status_code == 403

    async def test_who_may(self, inside: Members):
        for name, status in REFUSED.items():
            answer = await inside.remove(inside.ids["member"], inside.keys[name])
            assert answer.status_code == status, name
        body = {"organization_id": "none", "user_id": inside.ids["member"]}
        answer = await inside.desk.ask("DELETE", "/organization/member_delete", json=body)
        assert (answer.status_code, answer.json()["error"]["param"]) == (404, "organization_id")

    async def test_who_comes_back_begins_anew_in_the_books(self, inside: Members, live: LiveGateway):
        member = inside.ids["member"]
        key = await live.make_key(user_id=member, organization_id=inside.organization)
        await live.chat(key)
        await live.rows(key)
        gone = (await inside.remove(member)).json()
        assert gone["spend"] > 0
        back = (await inside.add(member)).json()["updated_organization_memberships"][0]
        assert back["spend"] == 0.0
        await live.chat(key)
        await live.rows(key)
        shown = await inside.desk.get("/organization/info", organization_id=inside.organization)
        row = next(one for one in shown["members"] if one["user_id"] == member)
        assert row["spend"] == pytest.approx(gone["spend"])
        assert await inside.desk.unbalanced(inside.organization) == []

    async def test_a_user_made_with_an_organization_comes_back_too(self, inside: Members, live: LiveGateway):
        user_id = "returning-" + inside.organization
        new = {"user_id": user_id, "organizations": [inside.organization], "auto_create_key": False}
        await inside.desk.post("/user/new", new)
        key = await live.make_key(user_id=user_id, organization_id=inside.organization)
        await live.chat(key)
        await live.rows(key)
        await inside.remove(user_id)
        await inside.add(user_id)
        await live.chat(key)
        await live.rows(key)
        assert await inside.desk.unbalanced(inside.organization) == []


async def test_the_number_of_statements(inside: Members, unique):
    desk, organization = inside.desk, inside.organization
    users = [(await desk.make_user())[0] for _ in range(6)]
    body = {"organization_id": organization, "member": [{"user_id": users[0], "role": "internal_user"}]}
    one = await statements(desk, "POST", "/organization/member_add", json=body)
    body["member"] = [{"user_id": user_id, "role": "internal_user"} for user_id in users[1:]]
    # Each user is looked up once.
    assert await statements(desk, "POST", "/organization/member_add", json=body) <= one + 4
    assert one <= 10
    change = {"organization_id": organization, "user_id": users[0], "max_budget_in_organization": 1}
    assert await statements(desk, "PATCH", "/organization/member_update", json=change) <= 10
    assert await statements(desk, "PATCH", "/organization/member_update", json=change) <= 11
    gone = {"organization_id": organization, "user_id": users[0]}
    assert await statements(desk, "DELETE", "/organization/member_delete", json=gone) <= 9
