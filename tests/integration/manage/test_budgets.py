"""Budget rows, and the customers, tags, organizations and projects that carry them."""

from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from tests.integration.manage.conftest import Desk
from tests.integration.serving import LiveGateway

pytestmark = pytest.mark.asyncio(loop_scope="session")


def raw(answer: dict[str, object]) -> str:
    """The text of a raw refusal."""
    assert set(answer) == {"detail"}
    return answer["detail"]["error"]


class TestBudgets:
    async def test_a_row_is_made_changed_listed_and_deleted(self, desk: Desk, unique):
        budget_id = unique("budget")
        sent = {
            "budget_id": budget_id,
            "max_budget": 2,
            "soft_budget": 1,
            "budget_duration": "1d",
            "model_max_budget": {"m": {"max_budget": 1, "budget_duration": "1h", "rpm_limit": 3}},
        }
        made = await desk.post("/budget/new", sent)
        assert (made["max_budget"], made["model_max_budget"]) == (2.0, sent["model_max_budget"])
        assert datetime.now(UTC) < datetime.fromisoformat(made["budget_reset_at"])
        assert made["created_by"] == "default_user_id"
        changed = await desk.post("/budget/update", {"budget_id": budget_id, "soft_budget": None})
        assert (changed["soft_budget"], changed["max_budget"]) == (None, 2.0)
        assert changed["budget_reset_at"] == made["budget_reset_at"]
        assert await desk.post("/budget/info", {"budgets": [budget_id, "none"]}) == [changed]
        assert budget_id in {row["budget_id"] for row in await desk.get("/budget/list")}
        settings = await desk.get("/budget/settings", budget_id=budget_id)
        field = next(item for item in settings if item["field_name"] == "max_budget")
        assert (field["field_value"], field["field_type"], field["stored_in_db"]) == (2.0, "Float", True)
        assert (await desk.post("/budget/delete", {"id": budget_id}))["budget_id"] == budget_id
        assert await desk.post("/budget/info", {"budgets": [budget_id]}) == []

    @pytest.mark.parametrize(
        ("path", "body", "said"),
        [
            ("/budget/new", {"max_budget": -1, "tpm_limit": -1}, "max_budget: cannot be negative."),
            ("/budget/new", {"budget_duration": "soon"}, "budget_duration: "),
            ("/budget/new", {"max_budget": 1, "soft_budget": 1}, "soft_budget: "),
            ("/budget/new", {"budget_reset_at": "2020-01-01T00:00:00Z"}, "budget_reset_at: "),
            ("/budget/new", {"temp_budget_increase": 1}, "temp_budget_expiry: "),
            ("/budget/update", {"max_budget": 1}, "Name the budget"),
            ("/budget/update", {"budget_id": "none"}, "Budget not found"),
            ("/budget/info", {"budgets": []}, "budgets: "),
            ("/budget/delete", {"id": "none"}, "Budget not found"),
        ],
    )
    async def test_what_cannot_be_is_refused_raw(self, desk: Desk, path, body, said):
        assert said in raw(await desk.post(path, body, status=400))

    async def test_they_are_shown_in_numbered_pages(self, desk: Desk, unique):
        for _ in range(3):
            await desk.post("/budget/new", {"budget_id": unique("budget")})
        first = await desk.get("/management/v1/budgets", page_size=2)
        assert (len(first["data"]), first["meta"]["page"], first["meta"]["page_size"]) == (2, 1, 2)
        assert first["links"]["prev"] is None
        answer = await desk.ask("GET", first["links"]["next"])
        ids = [row["budget_id"] for row in (*first["data"], *answer.json()["data"])]
        assert ids == sorted(set(ids))
        last = (await desk.ask("GET", first["links"]["last"])).json()
        assert last["links"]["next"] is None
        assert last["meta"]["total_count"] == (last["meta"]["page"] - 1) * 2 + len(last["data"])
        for query in ({"page": 0}, {"page_size": 1001}, {"page": "x"}):
            await desk.get("/management/v1/budgets", status=422, **query)

    async def test_a_row_that_keys_give_to_customers_is_copied_for_one(self, desk: Desk, unique):
        budget_id, user_id = unique("budget"), unique("customer")
        plan = await desk.post("/budget/new", {"budget_id": budget_id, "max_budget": 1})
        await desk.live.make_key(end_user_budget_id=budget_id)
        await desk.post("/customer/new", {"user_id": user_id, "budget_id": budget_id})
        changed = await desk.post("/customer/update", {"user_id": user_id, "max_budget": 3})
        assert changed["budget_id"] != budget_id
        assert await desk.post("/budget/info", {"budgets": [budget_id]}) == [plan]

    async def test_an_id_is_given_once(self, desk: Desk, unique):
        body = {"budget_id": unique("budget")}
        await desk.post("/budget/new", body)
        assert "already exists" in raw(await desk.post("/budget/new", body, status=400))

    async def test_the_budget_of_an_organization_stays(self, desk: Desk):
        organization = await desk.make_organization()
        said = raw(await desk.post("/budget/delete", {"id": organization}, status=400))
        assert organization in said

    async def test_a_wrong_type_is_a_fault_and_a_wrong_role_is_wrapped(self, desk: Desk, live: LiveGateway):
        faults = await desk.post("/budget/new", {"max_budget": "many"}, status=422)
        assert faults["detail"][0]["loc"] == ["body", "max_budget"]
        answer = await desk.ask("POST", "/budget/new", await live.make_key(), json={})
        assert (answer.status_code, answer.json()["error"]["type"]) == (401, "auth_error")

    async def test_unknown_members_are_named_or_refused(self, desk: Desk):
        answer = await desk.ask("POST", "/budget/new", json={"max_bugdet": 1})
        assert answer.headers["x-gatewright-ignored-fields"] == "max_bugdet"


class TestCustomers:
    async def test_a_customer_brings_a_budget_along_or_names_one(self, desk: Desk, unique):
        first, second = unique("customer"), unique("customer")
        sent = {
            "user_id": first,
            "alias": "C",
            "max_budget": 1,
            "budget_duration": "1d",
            "allowed_model_region": "eu",
            "default_model": "m",
            "models": ["m"],
            "object_permission": {"vector_stores": ["v"]},
        }
        made = await desk.post("/customer/new", sent)
        assert made["litellm_budget_table"]["max_budget"] == 1.0
        assert (made["allowed_model_region"], made["default_model"]) == ("eu", "m")
        assert made["object_permission"]["vector_stores"] == ["v"]
        assert await desk.get("/end_user/info", end_user_id=first) == made
        named = await desk.post("/end_user/new", {"user_id": second, "budget_id": made["budget_id"]})
        assert named["litellm_budget_table"] == made["litellm_budget_table"]

    async def test_refusals_are_the_contracts(self, desk: Desk, unique):
        user_id = unique("customer")
        await desk.post("/customer/new", {"user_id": user_id})
        refused = await desk.refusal("/customer/new", {"user_id": user_id})
        assert refused == (400, "bad_request", "user_id")
        new = {"user_id": unique("customer")}
        assert (await desk.refusal("/customer/new", new | {"budget_id": "none"}))[::2] == (400, "budget_id")
        both = new | {"budget_id": "b", "max_budget": 1}
        faults = await desk.post("/customer/new", both, status=422)
        assert faults["detail"][0]["loc"] == ["body", "budget_id"]
        faults = await desk.post("/customer/new", new | {"default_model": "none"}, status=422)
        assert faults["detail"][0]["loc"] == ["body", "default_model"]
        await desk.post("/customer/new", new | {"allowed_model_region": "moon"}, status=422)
        await desk.post("/customer/new", {}, status=422)
        assert (await desk.refusal("/customer/new", {"user_id": "x" * 600}))[::2] == (400, "user_id")
        answer = await desk.get("/customer/info", end_user_id="none", status=404)
        assert (answer["error"]["type"], answer["error"]["param"]) == ("not_found", "end_user_id")

    async def test_a_spend_is_the_opening_balance(self, desk: Desk, unique):
        user_id = unique("customer")
        await desk.post("/customer/new", {"user_id": user_id, "spend": 0.25})
        sql = """SELECT nanos FROM gatewright.opening_balance
                 WHERE entity_type = 'end_user' AND entity_id = $1"""
        assert await desk.value(sql, user_id) == 250_000_000


class TestTags:
    async def test_a_tag_is_made_and_shown(self, desk: Desk, unique):
        name = unique("tag")
        made = await desk.post(
            "/tag/new", {"name": name, "description": "D", "models": ["id"], "max_budget": 1}
        )
        assert (made["tag"]["name"], made["tag"]["spend"]) == (name, 0.0)
        assert made["tag"]["litellm_budget_table"]["max_budget"] == 1.0
        assert await desk.post("/tag/info", {"names": [name, "none"]}) == {name: made["tag"]}
        assert "already exists" in raw(await desk.post("/tag/new", {"name": name}, status=400))

    @pytest.mark.parametrize(
        ("path", "body", "status"),
        [
            ("/tag/new", {"name": " "}, 400),
            ("/tag/new", {"name": "x" * 600}, 400),
            ("/tag/new", {"name": "t", "max_budget": -1}, 400),
            ("/tag/new", {"name": "t", "budget_id": "none"}, 400),
            ("/tag/new", {"name": "t", "budget_id": "b", "rpm_limit": 1}, 400),
            ("/tag/info", {"names": []}, 400),
            ("/tag/info", {"names": ["x"] * 2_001}, 400),
            ("/tag/info", {"names": ["none"]}, 404),
        ],
    )
    async def test_what_cannot_be_is_refused_raw(self, desk: Desk, path, body, status):
        assert raw(await desk.post(path, body, status=status))

    async def test_a_name_that_is_no_text_is_a_fault(self, desk: Desk):
        await desk.post("/tag/new", {"name": 7}, status=422)
        await desk.post("/tag/info", {"names": [7]}, status=422)


class TestOrganizations:
    async def test_an_organization_always_has_a_budget(self, desk: Desk, unique):
        organization_id = unique("org")
        sent = {
            "organization_id": organization_id,
            "organization_alias": "O",
            "models": ["m"],
            "max_budget": 3,
            "model_rpm_limit": {"m": 5},
            "metadata": {"a": 1},
            "object_permission": {"agents": ["x"]},
        }
        made = await desk.post("/organization/new", sent)
        assert made["litellm_budget_table"]["max_budget"] == 3.0
        assert made["metadata"] == {"a": 1, "model_rpm_limit": {"m": 5}}
        assert made["object_permission"]["agents"] == ["x"]
        assert "already exists" in raw(await desk.post("/organization/new", sent, status=400))
        bare = await desk.post("/organization/new", {"organization_alias": "Bare"})
        assert bare["litellm_budget_table"]["max_budget"] is None
        await desk.post("/organization/new", {}, status=422)
        body = {"organization_alias": "B", "budget_id": "none"}
        assert "Budget not found" in raw(await desk.post("/organization/new", body, status=400))


class TestProjects:
    @pytest_asyncio.fixture(loop_scope="session")
    async def cast(self, desk: Desk, unique):
        people = {name: await desk.make_user() for name in ("boss", "member", "stranger")}
        people["viewer"] = await desk.make_user("internal_user_viewer")
        team_id = unique("team")
        members = [
            {"user_id": people["boss"][0], "role": "admin"},
            {"user_id": people["member"][0], "role": "user"},
            {"user_id": people["viewer"][0], "role": "admin"},
        ]
        body = {"team_id": team_id, "members_with_roles": members, "max_budget": 2, "models": ["m"]}
        await desk.post("/team/new", body)
        keys = {name: key for name, (_, key) in people.items()} | {"no_user": await desk.live.make_key()}
        return team_id, keys

    async def test_a_project_keeps_within_its_team(self, desk: Desk, cast, unique):
        team_id, keys = cast
        project_id = unique("project")
        sent = {
            "team_id": team_id,
            "project_id": project_id,
            "project_alias": "P",
            "models": ["m"],
            "max_budget": 1,
            "model_rpm_limit": {"m": 5},
        }
        made = await desk.post("/project/new", sent, keys["boss"])
        assert made["litellm_budget_table"]["max_budget"] == 1.0
        assert (made["team_id"], made["blocked"], made["model_rpm_limit"]) == (team_id, False, {"m": 5})
        again = await desk.refusal("/project/new", sent)
        assert again == (400, "bad_request", "project_id")
        beyond = {"team_id": team_id, "max_budget": 3, "models": ["n"]}
        answer = await desk.ask("POST", "/project/new", keys["boss"], json=beyond)
        assert answer.status_code == 400
        for path in ("max_budget: ", "models: "):
            assert path in answer.json()["error"]["message"]
        assert await desk.refusal("/project/new", {"team_id": "none"}) == (404, "not_found", "team_id")

    @pytest.mark.parametrize(
        ("member", "value", "boss"),
        [
            ("max_budget", 1, 200),
            ("blocked", True, 200),
            ("metadata", {"mine": 1}, 200),
            ("metadata", {"tags": ["t"]}, 403),
            ("tags", ["t"], 403),
            ("guardrails", ["g"], 403),
            ("policies", ["p"], 403),
            ("budget_id", "b", 403),
            ("temp_budget_increase", 1, 403),
            ("object_permission", {"agents": ["x"]}, 403),
        ],
    )
    async def test_who_makes_projects_of_what(self, desk: Desk, cast, member, value, boss):
        team_id, keys = cast
        body = {"team_id": team_id, member: value}
        await desk.post("/project/new", body, keys["boss"], boss)
        for caller in ("member", "stranger", "viewer", "no_user"):
            await desk.post("/project/new", body, keys[caller], 403)


@pytest.mark.parametrize(
    ("method", "path", "sent", "organizer", "viewer"),
    [
        ("POST", "/budget/new", {"json": {}}, 401, 401),
        ("POST", "/budget/update", {"json": {"budget_id": "x"}}, 401, 401),
        ("POST", "/budget/info", {"json": {"budgets": ["x"]}}, 401, 200),
        ("POST", "/budget/delete", {"json": {"id": "x"}}, 401, 401),
        ("GET", "/budget/list", {}, 400, 200),
        ("GET", "/budget/settings", {"params": {"budget_id": "x"}}, 400, 400),
        ("GET", "/management/v1/budgets", {}, 400, 200),
        ("POST", "/customer/new", {"json": {"user_id": "x"}}, 401, 401),
        ("POST", "/end_user/new", {"json": {"user_id": "x"}}, 401, 401),
        ("GET", "/customer/info", {"params": {"end_user_id": "x"}}, 401, 404),
        ("GET", "/end_user/info", {"params": {"end_user_id": "x"}}, 401, 404),
        ("POST", "/tag/new", {"json": {"name": "x"}}, 401, 401),
        ("POST", "/tag/info", {"json": {"names": ["x"]}}, 401, 404),
        ("POST", "/organization/new", {"json": {"organization_alias": "x"}}, 401, 401),
    ],
)
async def test_these_routes_are_the_administrators(desk: Desk, method, path, sent, organizer, viewer):
    organizer_id, organizer_key = await desk.make_user()
    await desk.make_organization(organizer_id)
    callers = {
        organizer_key: organizer,
        (await desk.make_user("internal_user_viewer"))[1]: 401,
        (await desk.make_user("proxy_admin_viewer"))[1]: viewer,
        await desk.live.make_key(): 401,
    }
    for key, status in callers.items():
        answer = await desk.ask(method, path, key, **sent)
        assert answer.status_code == status, answer.text


class TestRequestPath:
    async def test_a_changed_budget_row_counts_at_once(self, desk: Desk, live: LiveGateway, unique, at_once):
        budget_id = unique("budget")
        await desk.post("/budget/new", {"budget_id": budget_id, "max_budget": 0})
        key = await live.make_key(budget_id=budget_id)
        assert (await live.chat(key)).status_code == 422
        await desk.post("/budget/update", {"budget_id": budget_id, "max_budget": 1})
        await at_once(lambda: live.chat(key), 200)
        ends = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        await desk.post("/budget/update", {"budget_id": budget_id, "max_budget": 0})
        await at_once(lambda: live.chat(key), 422)
        increase = {"budget_id": budget_id, "temp_budget_increase": 1, "temp_budget_expiry": ends}
        await desk.post("/budget/update", increase)
        await at_once(lambda: live.chat(key), 200)
        await desk.post("/budget/update", increase | dict.fromkeys(list(increase)[1:]))
        await at_once(lambda: live.chat(key), 422)
        await desk.post("/budget/delete", {"id": budget_id})
        await at_once(lambda: live.chat(key), 200)

    async def test_a_customer_who_was_free_is_limited_at_once(
        self, desk: Desk, live: LiveGateway, key: str, unique, at_once
    ):
        body = {"budget_id": unique("budget"), "max_budget": 0}
        await desk.post("/budget/new", body)
        other = unique("customer")
        assert (await live.chat(key, user=other)).status_code == 200
        # The drain makes a row of a customer who has spent something, and would make it again.
        await live.settled()
        await live.gateway.parts.drain.flush()
        await desk.run('DELETE FROM "LiteLLM_EndUserTable" WHERE user_id = $1', other)
        await desk.post("/customer/new", {"user_id": other, "budget_id": body["budget_id"]})
        await at_once(lambda: live.chat(key, user=other), 422)
        await desk.post("/budget/update", {"budget_id": body["budget_id"], "max_budget": 1})
        await at_once(lambda: live.chat(key, user=other), 200)

    async def test_a_customer_who_is_made_blocked_is_refused(
        self, desk: Desk, live: LiveGateway, key: str, unique
    ):
        user_id = unique("customer")
        await desk.post("/customer/new", {"user_id": user_id, "blocked": True})
        assert (await live.chat(key, user=user_id)).status_code in {401, 403}

    async def test_a_tag_that_was_free_is_limited_at_once(
        self, desk: Desk, live: LiveGateway, key: str, unique, at_once
    ):
        name = unique("tag")
        assert (await live.chat(key, metadata={"tags": [name]})).status_code == 200
        await desk.post("/tag/new", {"name": name, "max_budget": 0})
        await at_once(lambda: live.chat(key, metadata={"tags": [name]}), 422)

    async def test_organizations_and_projects_limit_at_once(
        self, desk: Desk, live: LiveGateway, unique, at_once
    ):
        organization_id, team_id = unique("org"), unique("team")
        organization = {"organization_id": organization_id, "organization_alias": "O", "max_budget": 0}
        await desk.post("/organization/new", organization)
        await desk.post("/team/new", {"team_id": team_id})
        key = await live.make_key(team_id=team_id)
        assert (await live.chat(key)).status_code == 200
        await desk.post("/team/update", {"team_id": team_id, "organization_id": organization_id})
        await at_once(lambda: live.chat(key), 422)
        await desk.post("/team/update", {"team_id": team_id, "organization_id": None})
        await at_once(lambda: live.chat(key), 200)
        project = await desk.post("/project/new", {"team_id": team_id, "max_budget": 0})
        await desk.post("/key/update", {"key": key, "project_id": project["project_id"]})
        await at_once(lambda: live.chat(key), 422)
