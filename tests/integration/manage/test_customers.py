"""Customers through the running app: changing, blocking, deleting and listing them."""

import asyncio

import pytest

from tests.integration.manage.conftest import Desk
from tests.integration.manage.counting import statements
from tests.integration.serving import LiveGateway

pytestmark = pytest.mark.asyncio(loop_scope="session")


class TestUpdating:
    async def test_only_what_is_sent_changes_and_null_clears(self, desk: Desk, unique):
        user_id = unique("customer")
        new = {"user_id": user_id, "alias": "A", "max_budget": 1, "budget_duration": "1d", "models": ["m"]}
        made = await desk.post("/customer/new", new | {"allowed_model_region": "eu"})
        sent = {"user_id": user_id, "alias": "B", "allowed_model_region": None, "max_budget": 2}
        changed = await desk.post("/end_user/update", sent)
        assert (changed["alias"], changed["models"], changed["allowed_model_region"]) == ("B", ["m"], None)
        budget = changed["litellm_budget_table"]
        assert (budget["budget_id"], budget["max_budget"]) == (made["budget_id"], 2.0)
        assert budget["budget_reset_at"] == made["litellm_budget_table"]["budget_reset_at"]
        assert await desk.get("/customer/info", end_user_id=user_id) == changed
        same = await desk.post("/customer/update", {"user_id": user_id, "blocked": None})
        assert same == changed

    async def test_a_limit_makes_a_budget_where_there_is_none(self, desk: Desk, unique):
        user_id = unique("customer")
        await desk.post("/customer/new", {"user_id": user_id})
        changed = await desk.post("/customer/update", {"user_id": user_id, "max_budget": 0.5})
        assert changed["litellm_budget_table"]["max_budget"] == 0.5

    async def test_a_budget_that_others_follow_stays_as_it_is_for_them(self, desk: Desk, unique):
        budget_id, first, second = unique("budget"), unique("customer"), unique("customer")
        plan = {"budget_id": budget_id, "max_budget": 1, "rpm_limit": 7, "budget_duration": "1mo"}
        shared = await desk.post("/budget/new", plan)
        for user_id in (first, second):
            await desk.post("/customer/new", {"user_id": user_id, "budget_id": budget_id})
        changed = await desk.post("/customer/update", {"user_id": first, "max_budget": 9})
        own = changed["litellm_budget_table"]
        assert own["budget_id"] != budget_id
        assert (own["max_budget"], own["rpm_limit"], own["budget_duration"]) == (9.0, 7, "1mo")
        assert own["budget_reset_at"] == shared["budget_reset_at"]
        assert await desk.post("/budget/info", {"budgets": [budget_id]}) == [shared]
        left = await desk.post("/customer/update", {"user_id": second, "budget_id": None})
        assert (left["budget_id"], left["litellm_budget_table"]) == (None, None)

    async def test_a_permission_that_is_taken_away_leaves_no_row(self, desk: Desk, unique):
        user_id = unique("customer")
        new = {"user_id": user_id, "object_permission": {"vector_stores": ["v"]}}
        made = await desk.post("/customer/new", new)
        changed = await desk.post("/customer/update", {"user_id": user_id, "object_permission": None})
        assert (changed["object_permission_id"], changed["object_permission"]) == (None, None)
        sql = 'SELECT count(*) FROM "LiteLLM_ObjectPermissionTable" WHERE object_permission_id = $1'
        assert await desk.value(sql, made["object_permission_id"]) == 0

    @pytest.mark.parametrize(
        ("members", "status", "param"),
        [
            ({"max_budget": -1}, 400, "max_budget"),
            ({"budget_id": "none"}, 400, "budget_id"),
            ({"alias": "x" * 600}, 400, "alias"),
            ({"soft_budget": 9}, 400, "soft_budget"),
        ],
    )
    async def test_what_cannot_be_is_refused(self, desk: Desk, unique, members, status, param):
        user_id = unique("customer")
        made = await desk.post("/customer/new", {"user_id": user_id, "max_budget": 1})
        refused = await desk.refusal("/customer/update", {"user_id": user_id, "alias": "A"} | members)
        assert refused[::2] == (status, param)
        assert await desk.get("/customer/info", end_user_id=user_id) == made

    async def test_nobody_and_two_choices_are_refused(self, desk: Desk, unique):
        nobody = {"user_id": unique("customer")}
        assert await desk.refusal("/customer/update", nobody) == (404, "not_found", "user_id")
        await desk.post("/customer/new", nobody)
        for members in ({"default_model": "none"}, {"budget_id": "b", "max_budget": 1}, {"blocked": "?"}):
            await desk.post("/customer/update", nobody | members, status=422)


class TestBlocking:
    async def test_a_blocked_customer_is_refused_until_unblocked(
        self, desk: Desk, live: LiveGateway, key: str, unique, at_once
    ):
        known, unknown = unique("customer"), unique("customer")
        assert (await live.chat(key, user=known)).status_code == 200
        blocked = await desk.post("/customer/block", {"user_ids": [known, unknown]})
        assert {row["user_id"]: row["blocked"] for row in blocked["blocked_users"]} == {
            known: True,
            unknown: True,
        }
        for user_id in (known, unknown):
            await at_once(lambda user_id=user_id: live.chat(key, user=user_id), 401)
        freed = await desk.post("/end_user/unblock", {"user_ids": [known, unknown]})
        assert [row["blocked"] for row in freed["blocked_users"]] == [False, False]
        for user_id in (known, unknown):
            await at_once(lambda user_id=user_id: live.chat(key, user=user_id), 200)

    async def test_unblocking_and_deleting_name_who_is_not_there(self, desk: Desk, unique):
        known, unknown = unique("customer"), unique("customer")
        await desk.post("/customer/new", {"user_id": known, "blocked": True})
        for path in ("/customer/unblock", "/customer/delete"):
            answer = await desk.ask("POST", path, json={"user_ids": [known, unknown]})
            error = answer.json()["error"]
            assert (answer.status_code, error["type"], error["param"]) == (404, "not_found", "user_ids")
            assert unknown in error["message"]
            assert known not in error["message"]
        assert (await desk.get("/customer/info", end_user_id=known))["blocked"] is True

    @pytest.mark.parametrize("path", ["/customer/block", "/customer/unblock", "/customer/delete"])
    async def test_ids_have_to_be_ids(self, desk: Desk, path):
        for user_ids in ([], [""], ["x"] * 2001):
            assert (await desk.refusal(path, {"user_ids": user_ids}))[::2][0] == 400
        await desk.post(path, {"user_ids": "x"}, status=422)
        await desk.post(path, {}, status=422)


NAMES_OF_NO_REQUEST = ["n" * 257, " ann", "ann ", "a\tb", ""]
"""Requests are read without them: a block or a budget of such a customer would never hold."""


@pytest.mark.parametrize("name", NAMES_OF_NO_REQUEST, ids=["long", "before", "behind", "tab", "empty"])
@pytest.mark.parametrize(
    ("path", "member"), [("/customer/new", "user_id"), ("/customer/block", "user_ids"), ("/tag/new", "name")]
)
async def test_what_no_request_can_name_is_not_made(desk: Desk, name, path, member):
    answer = await desk.ask("POST", path, json={member: [name] if member == "user_ids" else name})
    assert answer.status_code == 400, answer.text
    assert f"{member}" in answer.text
    assert "must have between 1 and" in answer.text


async def test_the_longest_name_is_blocked_and_limited(desk: Desk, live: LiveGateway, key: str, unique):
    user_id, tag = (unique(name).ljust(256, "x") for name in ("customer", "tag"))
    await desk.post("/customer/block", {"user_ids": [user_id]})
    await desk.post("/tag/new", {"name": tag, "max_budget": 0})
    assert (await live.chat(key, user=user_id)).status_code == 401
    assert (await live.chat(key, tags=[tag])).status_code == 422


class TestDeleting:
    async def test_a_customer_who_comes_back_begins_anew(
        self, desk: Desk, live: LiveGateway, key: str, unique, at_once
    ):
        user_id = unique("customer")
        new = {"user_id": user_id, "max_budget": 0, "object_permission": {"vector_stores": ["v"]}}
        made = await desk.post("/customer/new", new)
        assert (await live.chat(key, user=user_id)).status_code == 422
        gone = await desk.post("/customer/delete", {"user_ids": [user_id, user_id]})
        assert gone["deleted_customers"] == 1
        assert user_id in gone["message"]
        await desk.get("/customer/info", end_user_id=user_id, status=404)
        sql = 'SELECT count(*) FROM "LiteLLM_ObjectPermissionTable" WHERE object_permission_id = $1'
        assert await desk.value(sql, made["object_permission_id"]) == 0
        await at_once(lambda: live.chat(key, user=user_id), 200)
        await live.settled()
        await live.gateway.parts.drain.flush()
        again = await desk.get("/customer/info", end_user_id=user_id)
        assert (again["budget_id"], again["spend"] > 0) == (None, True)
        report = await desk.get("/books/check")
        assert not [one for one in report["differences"] if user_id in str(one)]

    async def test_blocking_somebody_who_was_deleted_keeps_the_books(
        self, desk: Desk, live: LiveGateway, key: str, unique
    ):
        user_id = unique("customer")
        await live.chat(key, user=user_id)
        await live.rows(key)
        await desk.post("/customer/delete", {"user_ids": [user_id]})
        await desk.post("/customer/block", {"user_ids": [user_id]})
        assert (await desk.get("/customer/info", end_user_id=user_id))["spend"] == 0.0
        await desk.post("/customer/unblock", {"user_ids": [user_id]})
        await live.rows(key)
        report = await desk.get("/books/check")
        assert not [one for one in report["differences"] if user_id in str(one)]


class TestListing:
    async def test_pages_follow_each_other_without_gaps(self, desk: Desk, unique):
        prefix = unique("listed")
        names = [f"{prefix}-{index}" for index in range(5)]
        for name in names:
            await desk.post("/customer/new", {"user_id": name, "max_budget": 1})
        seen: list[str] = []
        query: dict[str, object] = {"after": prefix, "limit": 2}
        while True:
            answer = await desk.ask("GET", "/customer/list", params=query)
            seen += [row["user_id"] for row in answer.json()]
            assert all(row["litellm_budget_table"]["max_budget"] == 1 for row in answer.json()[:1])
            if seen[-1] not in names[:4] or "x-gatewright-next" not in answer.headers:
                break
            query["after"] = answer.headers["x-gatewright-next"]
        assert [name for name in seen if name.startswith(prefix)] == names

    async def test_a_key_of_any_letters_goes_into_the_header(self, desk: Desk, unique):
        name = unique("listed") + " é/☃"
        for user_id in (name, name + "!"):
            await desk.post("/customer/new", {"user_id": user_id})
        answer = await desk.ask("GET", "/end_user/list", params={"after": name[:-1], "limit": 1})
        assert answer.json()[0]["user_id"] == name
        answer.headers["x-gatewright-next"].encode("ascii")

    @pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 10_001}, {"limit": "all"}, {"after": "\0"}])
    async def test_a_page_that_cannot_be_is_a_fault(self, desk: Desk, query):
        answer = await desk.ask("GET", "/customer/list", params=query)
        assert answer.status_code in {400, 422}


async def test_the_number_of_statements_does_not_grow_with_what_is_shown(desk: Desk, unique):
    names = [unique("counted") for _ in range(12)]
    for name in names:
        await desk.post("/customer/new", {"user_id": name, "max_budget": 1})
    one = {"json": {"user_ids": names[:1]}}
    many = {"json": {"user_ids": names}}
    assert await statements(desk, "GET", "/customer/list", params={"limit": 1}) <= 3
    assert await statements(desk, "GET", "/customer/list") <= 3
    for path, most in (("/customer/block", 5), ("/customer/unblock", 5)):
        assert await statements(desk, "POST", path, **one) <= most
        assert await statements(desk, "POST", path, **many) <= most
    update = {"json": {"user_id": names[0], "max_budget": 2}}
    assert await statements(desk, "POST", "/customer/update", **update) <= 9
    assert await statements(desk, "POST", "/customer/delete", **many) <= 5


@pytest.mark.parametrize(
    ("method", "path", "sent", "viewer"),
    [
        ("POST", "/customer/update", {"json": {"user_id": "x"}}, 401),
        ("POST", "/customer/delete", {"json": {"user_ids": ["x"]}}, 401),
        ("POST", "/customer/block", {"json": {"user_ids": ["x"]}}, 401),
        ("POST", "/end_user/unblock", {"json": {"user_ids": ["x"]}}, 401),
        ("GET", "/customer/list", {"params": {"limit": 1}}, 200),
        ("GET", "/end_user/list", {"params": {"limit": 1}}, 200),
    ],
)
async def test_these_routes_are_the_administrators(desk: Desk, method, path, sent, viewer):
    organizer, organizer_key = await desk.make_user()
    await desk.make_organization(organizer)
    people = {"proxy_admin_viewer": viewer, "internal_user_viewer": 401, "internal_user": 401}
    callers = {(await desk.make_user(role))[1]: status for role, status in people.items()}
    callers |= {organizer_key: 401, await desk.live.make_key(): 401, "sk-nobody": 401}
    for key, status in callers.items():
        answer = await desk.ask(method, path, key, **sent)
        assert answer.status_code == status, answer.text


async def test_a_customer_is_blocked_for_all_who_block_at_the_same_time(desk: Desk, unique):
    names = [unique("together") for _ in range(6)]
    asked = (desk.post("/customer/block", {"user_ids": names[turn:] + names[:turn]}) for turn in range(6))
    answers = await asyncio.gather(*asked)
    assert all(row["blocked"] for answer in answers for row in answer["blocked_users"])
