"""Organizations through the running app: changing, showing and listing them."""

import pytest
import pytest_asyncio

from tests.integration.manage.conftest import Desk
from tests.integration.manage.counting import statements
from tests.integration.serving import MASTER_KEY, LiveGateway

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def make(desk: Desk, **members: object) -> dict:
    return await desk.post("/organization/new", {"organization_alias": "O", **members})


async def patch(desk: Desk, body: dict, key: str = MASTER_KEY, status: int = 200) -> dict:
    answer = await desk.ask("PATCH", "/organization/update", key, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


@pytest_asyncio.fixture(loop_scope="session")
async def cast(desk: Desk) -> tuple[str, dict[str, str], dict[str, str]]:
    """An organization with two teams, and id and key of everybody who looks at it."""
    people = {name: await desk.make_user() for name in ("organizer", "member", "stranger")}
    people["viewer"] = await desk.make_user("internal_user_viewer")
    people["auditor"] = await desk.make_user("proxy_admin_viewer")
    organization = await desk.make_organization(people["organizer"][0])
    for name in ("member", "viewer"):
        body = {
            "organization_id": organization,
            "member": {"user_id": people[name][0], "role": "internal_user"},
        }
        await desk.post("/organization/member_add", body)
    inside = [{"user_id": people["member"][0], "role": "user"}]
    await desk.post(
        "/team/new", {"team_alias": "a", "organization_id": organization, "members_with_roles": inside}
    )
    await desk.post("/team/new", {"team_alias": "b", "organization_id": organization})
    ids = {name: user_id for name, (user_id, _) in people.items()}
    keys = {name: key for name, (_, key) in people.items()} | {"no_user": await desk.live.make_key()}
    return organization, ids, keys


class TestUpdating:
    async def test_only_what_is_sent_changes_and_null_clears(self, desk: Desk):
        limits = {"max_budget": 5, "rpm_limit": 9, "budget_duration": "1mo"}
        made = await make(desk, models=["m"], metadata={"a": 1}, model_rpm_limit={"m": 3}, **limits)
        body = {"organization_id": made["organization_id"], "organization_alias": "P", "max_budget": 6}
        changed = await patch(desk, body | {"models": None, "rpm_limit": None, "model_rpm_limit": None})
        assert (changed["organization_alias"], changed["models"], changed["metadata"]) == ("P", [], {"a": 1})
        budget = changed["litellm_budget_table"]
        assert (budget["budget_id"], budget["max_budget"], budget["rpm_limit"]) == (
            made["budget_id"],
            6.0,
            None,
        )
        assert budget["budget_reset_at"] == made["litellm_budget_table"]["budget_reset_at"]
        assert (changed["members"], changed["teams"]) == ([], [])
        shown = await desk.get("/organization/info", organization_id=made["organization_id"])
        assert shown == changed

    async def test_the_strict_route_refuses_what_it_does_not_have(self, desk: Desk):
        made = await make(desk, max_budget=5)
        path = f"/v2/organization/{made['organization_id']}"
        answer = await desk.ask("PATCH", path, json={"organization_alias": "P", "max_budget": 4})
        assert answer.json()["litellm_budget_table"]["max_budget"] == 4.0
        for name in ("budget_id", "spend", "organization_id", "modles"):
            answer = await desk.ask("PATCH", path, json={"organization_alias": "Q", name: "x"})
            assert answer.status_code == 422
            assert answer.json()["detail"][0]["loc"] == ["body", name]
        answer = await desk.ask("PATCH", "/v2/organization/none", json={})
        assert answer.status_code == 404
        shown = await desk.get("/organization/info", organization_id=made["organization_id"])
        assert shown["organization_alias"] == "P"

    async def test_a_shared_budget_is_copied(self, desk: Desk, unique):
        budget_id = unique("budget")
        await desk.post("/budget/new", {"budget_id": budget_id, "max_budget": 1})
        first, second = await make(desk, budget_id=budget_id), await make(desk, budget_id=budget_id)
        changed = await patch(desk, {"organization_id": first["organization_id"], "max_budget": 2})
        assert changed["budget_id"] != budget_id
        shown = await desk.get("/organization/info", organization_id=second["organization_id"])
        assert shown["litellm_budget_table"]["max_budget"] == 1.0

    async def test_spend_by_hand_enters_the_books(self, desk: Desk):
        made = await make(desk)
        changed = await patch(desk, {"organization_id": made["organization_id"], "spend": 0.25})
        assert changed["spend"] == 0.25
        query = {"entity_type": "organization", "entity_id": made["organization_id"]}
        [entry] = await desk.get("/books/adjustments", **query)
        assert entry["amount"] == 0.25
        assert await desk.unbalanced(made["organization_id"]) == []

    @pytest.mark.parametrize(
        ("members", "said"),
        [
            ({"max_budget": -1, "tpm_limit": -1}, "max_budget: cannot be negative."),
            ({"soft_budget": 5}, "soft_budget: "),
            ({"budget_id": "none"}, "Budget not found"),
            ({"budget_id": None}, "budget_id: cannot be taken away"),
            ({"organization_alias": None}, "organization_alias: cannot be taken away"),
            ({"models": [""]}, "models[0]: "),
        ],
    )
    async def test_what_cannot_be_is_refused_whole(self, desk: Desk, members, said):
        made = await make(desk, max_budget=5)
        body = {"organization_id": made["organization_id"], "metadata": {"b": 1}}
        assert said in (await patch(desk, body | members, status=400))["detail"]["error"]
        shown = await desk.get("/organization/info", organization_id=made["organization_id"])
        assert shown["metadata"] == {}

    async def test_it_counts_at_once_and_is_written_down(self, desk: Desk, live: LiveGateway, cast, at_once):
        organization, _, _ = cast
        key = await live.make_key(organization_id=organization)
        assert (await live.chat(key)).status_code == 200
        await patch(desk, {"organization_id": organization, "max_budget": 0})
        await at_once(lambda: live.chat(key), 422)
        sql = """SELECT count(*) FROM "LiteLLM_AuditLog" WHERE object_id = $1 AND action = 'updated'"""
        # The row of the budget has the same id as the organization's, in these tests.
        assert await desk.value(sql, organization) == 2

    async def test_it_is_a_proxy_admins(self, desk: Desk, cast):
        organization, _, keys = cast
        for key in keys.values():
            await patch(desk, {"organization_id": organization, "max_budget": 9}, key, 401)
            answer = await desk.ask("PATCH", f"/v2/organization/{organization}", key, json={"max_budget": 9})
            assert answer.status_code == 401
        missing = await patch(desk, {"organization_id": "none"}, status=404)
        assert "none" in missing["detail"]["error"]


class TestShowing:
    async def test_an_organization_has_its_members_and_teams(self, desk: Desk, cast):
        organization, ids, keys = cast
        shown = await desk.get("/organization/info", keys["organizer"], organization_id=organization)
        roles = {member["user_id"]: member["user_role"] for member in shown["members"]}
        assert roles == {
            ids["organizer"]: "org_admin",
            ids["member"]: "internal_user",
            ids["viewer"]: "internal_user",
        }
        assert {team["team_alias"] for team in shown["teams"]} == {"a", "b"}
        known = next(member for member in shown["members"] if member["user_id"] == ids["member"])
        assert set(known["user"]) == {"user_id", "user_email", "user_alias", "user_role"}
        whole = await desk.get("/organization/info", keys["auditor"], organization_id=organization)
        assert "max_budget" in whole["members"][0]["user"]
        assert "password" not in whole["members"][0]["user"]

    async def test_who_sees_it(self, desk: Desk, cast):
        organization, _, keys = cast
        statuses = {"organizer": 200, "auditor": 200, "member": 403, "stranger": 403, "viewer": 401}
        for name, status in {**statuses, "no_user": 401}.items():
            await desk.get("/organization/info", keys[name], status, organization_id=organization)
            await desk.post("/organization/info", {"organizations": [organization]}, keys[name], status)
        missing = await desk.get("/organization/info", organization_id="none", status=404)
        assert "none" in missing["detail"]["error"]
        await desk.get("/organization/info", keys["organizer"], 403, organization_id="none")

    async def test_several_are_shown_together_or_not_at_all(self, desk: Desk, cast):
        organization, _, keys = cast
        other = (await make(desk))["organization_id"]
        both = {"organizations": [organization, other]}
        shown = await desk.post("/organization/info", both)
        assert {row["organization_id"] for row in shown} == {organization, other}
        await desk.post("/organization/info", both, keys["organizer"], 403)
        await desk.post("/organization/info", {"organizations": [other, "none"]}, status=404)
        await desk.post("/organization/info", {"organizations": []}, status=400)

    async def test_a_list_has_the_callers_organizations(self, desk: Desk, cast):
        organization, ids, keys = cast
        other = (await make(desk, organization_alias="Elsewhere"))["organization_id"]
        everything = {row["organization_id"] for row in await desk.get("/organization/list", limit=10_000)}
        assert {organization, other} <= everything
        [row] = await desk.get("/organization/list", keys["organizer"])
        assert (row["organization_id"], len(row["members"]), len(row["teams"])) == (organization, 3, 2)
        for name, teams in (("member", ["a"]), ("viewer", [])):
            [row] = await desk.get("/organization/list", keys[name])
            assert [member["user_id"] for member in row["members"]] == [ids[name]]
            assert [team["team_alias"] for team in row["teams"]] == teams
        for name in ("stranger", "no_user"):
            assert await desk.get("/organization/list", keys[name]) == []

    async def test_a_list_is_filtered_and_read_page_by_page(self, desk: Desk, unique):
        prefix = unique("Filtered")
        ids = sorted(
            [(await make(desk, organization_alias=f"{prefix}%{one}"))["organization_id"] for one in "abc"]
        )
        found = await desk.get("/organization/list", org_alias=prefix.lower() + "%")
        assert [row["organization_id"] for row in found] == ids
        assert await desk.get("/organization/list", org_alias=prefix + "_") == []
        [row] = await desk.get("/organization/list", org_id=ids[1])
        assert row["organization_id"] == ids[1]
        query = {"org_alias": prefix, "limit": 2}
        answer = await desk.ask("GET", "/organization/list", params=query)
        assert answer.headers["x-gatewright-next"] == ids[1]
        last = await desk.ask("GET", "/organization/list", params=query | {"after": ids[1]})
        assert [row["organization_id"] for row in last.json()] == ids[2:]
        assert "x-gatewright-next" not in last.headers


async def test_the_number_of_statements_does_not_grow_with_what_is_shown(desk: Desk, cast):
    organization, _, _ = cast
    for _ in range(4):
        made = (await make(desk, max_budget=1))["organization_id"]
        await desk.post("/team/new", {"organization_id": made})
    assert await statements(desk, "GET", "/organization/list") <= 8
    query = {"params": {"organization_id": organization}}
    assert await statements(desk, "GET", "/organization/info", **query) <= 6
    body = {"json": {"organization_id": organization, "max_budget": 3}}
    assert await statements(desk, "PATCH", "/organization/update", **body) <= 13
