"""Projects through the running app: changing, deleting, showing and listing them."""

import pytest
import pytest_asyncio

from tests.integration.manage.conftest import Desk
from tests.integration.manage.counting import statements
from tests.integration.serving import MASTER_KEY, LiveGateway, deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def cast(desk: Desk, unique) -> tuple[str, dict[str, str]]:
    """A team within an organization, and a key of everybody who looks at it."""
    people = {name: await desk.make_user() for name in ("boss", "member", "stranger", "organizer")}
    people["viewer"] = await desk.make_user("internal_user_viewer")
    people["auditor"] = await desk.make_user("proxy_admin_viewer")
    organization = await desk.make_organization(people["organizer"][0])
    members = [
        {"user_id": people[name][0], "role": role}
        for name, role in (("boss", "admin"), ("member", "user"), ("viewer", "admin"))
    ]
    team_id = unique("team")
    body = {"team_id": team_id, "members_with_roles": members, "max_budget": 2, "models": ["m"]}
    await desk.post("/team/new", body | {"organization_id": organization})
    keys = {name: key for name, (_, key) in people.items()}
    keys |= {"no_user": await desk.live.make_key(), "team_key": await desk.live.make_key(team_id=team_id)}
    return team_id, keys


async def make(desk: Desk, team_id: str, **members: object) -> dict:
    return await desk.post("/project/new", {"team_id": team_id, **members})


class TestUpdating:
    async def test_only_what_is_sent_changes_and_null_clears(self, desk: Desk, cast):
        team_id, keys = cast
        made = await make(
            desk, team_id, project_alias="P", max_budget=1, models=["m"], tags=["t"], description="D"
        )
        project_id = made["project_id"]
        sent = {"project_id": project_id, "project_alias": "Q", "max_budget": 1.5, "description": None}
        changed = await desk.post("/project/update", sent, keys["boss"])
        assert (changed["project_alias"], changed["description"], changed["models"]) == ("Q", None, ["m"])
        assert changed["metadata"] == {"tags": ["t"]}
        budget = changed["litellm_budget_table"]
        assert (budget["budget_id"], budget["max_budget"]) == (made["budget_id"], 1.5)
        assert changed["updated_by"] != made["updated_by"]
        assert await desk.get("/project/info", keys["member"], project_id=project_id) == changed
        same = await desk.post("/project/update", {"project_id": project_id, "blocked": None}, keys["boss"])
        assert same["blocked"] is False

    @pytest.mark.parametrize(
        ("member", "value", "boss"),
        [
            ("max_budget", 2, 200),
            ("blocked", True, 200),
            ("models", [], 200),
            ("metadata", {"a": 1, "tags": ["t"]}, 200),
            ("metadata", {"a": 1}, 403),
            ("tags", ["t"], 200),
            ("tags", ["other"], 403),
            ("tags", None, 403),
            ("guardrails", ["g"], 403),
            ("policies", ["p"], 403),
            ("budget_id", "b", 403),
            ("budget_id", None, 403),
            ("temp_budget_increase", 1, 403),
            ("object_permission", {"agents": ["x"]}, 403),
        ],
    )
    async def test_who_changes_what(self, desk: Desk, cast, member, value, boss):
        team_id, keys = cast
        made = await make(desk, team_id, tags=["t"], max_budget=1)
        body = {"project_id": made["project_id"], member: value}
        for caller in ("member", "stranger", "viewer", "auditor", "no_user", "team_key"):
            await desk.post("/project/update", body, keys[caller], 403)
        if boss == 403:
            refused = await desk.refusal("/project/update", body | {"description": "D"}, keys["boss"])
            assert refused[0] == 403
            assert refused[2].startswith(member)
            shown = await desk.get("/project/info", project_id=made["project_id"])
            assert shown["description"] is None
        else:
            await desk.post("/project/update", body, keys["boss"])
            await desk.post("/project/update", body, keys["organizer"])

    async def test_it_keeps_within_its_team(self, desk: Desk, cast):
        team_id, keys = cast
        made = await make(desk, team_id)
        body = {"project_id": made["project_id"], "max_budget": 3, "models": ["n"], "rpm_limit": -1}
        answer = await desk.ask("POST", "/project/update", keys["boss"], json=body)
        assert answer.status_code == 400
        for path in ("max_budget: ", "models: ", "rpm_limit: "):
            assert path in answer.json()["error"]["message"]

    async def test_it_moves_with_somebody_who_administers_both_teams(self, desk: Desk, cast, unique):
        team_id, keys = cast
        boss = (await desk.get("/user/info", keys["boss"]))["user_id"]
        second, third = unique("team"), unique("team")
        await desk.post("/team/new", {"team_id": second, "max_budget": 0.5})
        own = [{"user_id": boss, "role": "admin"}]
        await desk.post("/team/new", {"team_id": third, "max_budget": 5, "members_with_roles": own})
        made = await make(desk, team_id, max_budget=1)
        body = {"project_id": made["project_id"]}
        foreign = body | {"team_id": second}
        assert (await desk.refusal("/project/update", foreign, keys["boss"]))[::2] == (403, "team_id")
        assert (await desk.refusal("/project/update", foreign))[::2] == (400, "max_budget")
        nowhere = body | {"team_id": "none"}
        assert await desk.refusal("/project/update", nowhere) == (404, "not_found", "team_id")
        moved = await desk.post("/project/update", body | {"team_id": third}, keys["boss"])
        assert moved["team_id"] == third
        await desk.live.make_key(team_id=third, project_id=made["project_id"])
        back = body | {"team_id": team_id}
        assert (await desk.refusal("/project/update", back))[::2] == (400, "team_id")

    async def test_a_project_that_is_not_there_and_faults(self, desk: Desk):
        nobody = await desk.refusal("/project/update", {"project_id": "none"})
        assert nobody == (404, "not_found", "project_id")
        await desk.post("/project/update", {"models": "m"}, status=422)
        answer = await desk.ask("POST", "/project/update", json={"project_id": "none", "modles": []})
        assert answer.status_code == 404

    async def test_a_change_counts_at_once(self, desk: Desk, live: LiveGateway, cast, at_once):
        team_id, keys = cast
        made = await make(desk, team_id)
        key = await live.make_key(team_id=team_id, project_id=made["project_id"])
        assert (await live.chat(key)).status_code == 200
        body = {"project_id": made["project_id"]}
        await desk.post("/project/update", body | {"max_budget": 0}, keys["boss"])
        await at_once(lambda: live.chat(key), 422)
        await desk.post("/project/update", body | {"max_budget": None}, keys["boss"])
        await at_once(lambda: live.chat(key), 200)
        await desk.post("/project/update", body | {"blocked": True}, keys["boss"])
        await at_once(lambda: live.chat(key), 401)


async def test_the_budget_of_everybody_is_copied_for_one_project(desk: Desk, live: LiveGateway, cast, unique):
    team_id, keys = cast
    budget_id = unique("budget")
    everybodys = await desk.post("/budget/new", {"budget_id": budget_id, "max_budget": 1})
    model = deployment("m", live.upstream)
    live.configure(model, litellm_settings={"max_end_user_budget_id": budget_id})
    made = await make(desk, team_id, budget_id=budget_id)
    body = {"project_id": made["project_id"], "max_budget": 2}
    changed = await desk.post("/project/update", body, keys["boss"])
    assert changed["budget_id"] != budget_id
    assert await desk.post("/budget/info", {"budgets": [budget_id]}) == [everybodys]


class TestDeleting:
    async def test_projects_without_keys_go_all_or_none(self, desk: Desk, cast):
        team_id, _ = cast
        permission = {"vector_stores": ["v"]}
        empty, used = await make(desk, team_id, object_permission=permission), await make(desk, team_id)
        await desk.live.make_key(team_id=team_id, project_id=used["project_id"])
        both = {"project_ids": [empty["project_id"], used["project_id"]]}
        answer = await desk.ask("DELETE", "/project/delete", json=both)
        assert answer.status_code == 400
        assert used["project_id"] in answer.json()["error"]["message"]
        unknown = {"project_ids": [empty["project_id"], "none"]}
        answer = await desk.ask("DELETE", "/project/delete", json=unknown)
        assert (answer.status_code, answer.json()["error"]["param"]) == (404, "project_ids")
        answer = await desk.ask("DELETE", "/project/delete", json={"project_ids": [empty["project_id"]]})
        assert answer.json() == [empty]
        await desk.get("/project/info", project_id=empty["project_id"], status=404)
        sql = 'SELECT count(*) FROM "LiteLLM_ObjectPermissionTable" WHERE object_permission_id = $1'
        assert await desk.value(sql, empty["object_permission_id"]) == 0

    @pytest.mark.parametrize(("body", "status"), [({}, 422), ({"project_ids": []}, 400)])
    async def test_ids_have_to_be_ids(self, desk: Desk, body, status):
        assert (await desk.ask("DELETE", "/project/delete", json=body)).status_code == status

    async def test_it_is_a_proxy_admins(self, desk: Desk, cast):
        team_id, keys = cast
        body = {"project_ids": [(await make(desk, team_id))["project_id"]]}
        for name, key in keys.items():
            answer = await desk.ask("DELETE", "/project/delete", key, json=body)
            assert answer.status_code == 401, name
        assert (await desk.ask("DELETE", "/project/delete", MASTER_KEY, json=body)).status_code == 200


class TestShowing:
    async def test_who_sees_a_project(self, desk: Desk, cast):
        team_id, keys = cast
        made = await make(desk, team_id)
        may = {"boss", "member", "viewer", "auditor", "organizer", "team_key"}
        for name, key in keys.items():
            status = 200 if name in may else 403
            await desk.get("/project/info", key, status, project_id=made["project_id"])
        answer = await desk.get("/project/info", project_id="none", status=404)
        assert (answer["error"]["type"], answer["error"]["param"]) == ("not_found", "project_id")

    async def test_a_list_has_the_projects_of_the_callers_teams(self, desk: Desk, cast, unique):
        team_id, keys = cast
        await desk.post("/team/new", {"team_id": (other := unique("team"))})
        prefix = unique("list")
        ours = [f"{prefix}-{index}" for index in range(3)]
        for project_id in ours:
            await make(desk, team_id, project_id=project_id, max_budget=1)
        await make(desk, other, project_id=(theirs := f"{prefix}-9"))
        for name, key in keys.items():
            listed = [row["project_id"] for row in await desk.get("/project/list", key, after=prefix[:-1])]
            found = [project_id for project_id in listed if project_id.startswith(prefix)]
            expected = [] if name in {"stranger", "no_user", "team_key"} else ours
            assert found == (expected if name != "auditor" else [*ours, theirs]), name
        answer = await desk.ask(
            "GET", "/project/list", keys["boss"], params={"after": prefix[:-1], "limit": 2}
        )
        assert [row["project_id"] for row in answer.json()] == ours[:2]
        assert answer.headers["x-gatewright-next"] == ours[1]


async def test_the_number_of_statements_does_not_grow_with_what_is_shown(desk: Desk, cast):
    team_id, _ = cast
    made = [(await make(desk, team_id, max_budget=1))["project_id"] for _ in range(8)]
    assert await statements(desk, "GET", "/project/list", params={"limit": 1}) <= 2
    assert await statements(desk, "GET", "/project/list") <= 3
    assert await statements(desk, "GET", "/project/info", params={"project_id": made[0]}) <= 3
    update = {"json": {"project_id": made[0], "max_budget": 2}}
    assert await statements(desk, "POST", "/project/update", **update) <= 11
    assert await statements(desk, "DELETE", "/project/delete", json={"project_ids": made[:1]}) <= 6
    assert await statements(desk, "DELETE", "/project/delete", json={"project_ids": made[1:]}) <= 6
