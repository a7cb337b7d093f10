"""Tags through the running app: changing, deleting and listing them."""

import pytest

from tests.integration.manage.conftest import Desk
from tests.integration.manage.counting import statements
from tests.integration.serving import LiveGateway

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def listed(desk: Desk, prefix: str, key: str | None = None, **query: object) -> dict[str, dict]:
    """The tags that begin with this, by name."""
    asked = {"after": prefix[:-1], "limit": 50, **query}
    rows = await (desk.get("/tag/list", **asked) if key is None else desk.get("/tag/list", key, **asked))
    return {row["name"]: row for row in rows if row["name"].startswith(prefix)}


class TestUpdating:
    async def test_only_what_is_sent_changes_and_null_clears(self, desk: Desk, unique):
        name = unique("tag")
        new = {"name": name, "description": "D", "models": ["d1"], "max_budget": 1, "rpm_limit": 5}
        made = (await desk.post("/tag/new", new))["tag"]
        sent = {"name": name, "description": None, "max_budget": None, "model_info": {"d1": "m"}}
        answer = await desk.post("/tag/update", sent)
        tag = answer["tag"]
        assert name in answer["message"]
        assert (tag["description"], tag["models"], tag["model_info"]) == (None, ["d1"], {"d1": "m"})
        budget = tag["litellm_budget_table"]
        assert (budget["budget_id"], budget["max_budget"], budget["rpm_limit"]) == (
            made["budget_id"],
            None,
            5,
        )
        assert await desk.post("/tag/info", {"names": [name]}) == {name: tag}

    async def test_a_changed_budget_counts_at_once_and_a_deleted_tag_is_free(
        self, desk: Desk, live: LiveGateway, key: str, unique, at_once
    ):
        name = unique("tag")
        await desk.post("/tag/new", {"name": name})

        async def chat():
            return await live.chat(key, metadata={"tags": [name]})

        assert (await chat()).status_code == 200
        await desk.post("/tag/update", {"name": name, "max_budget": 0})
        await at_once(chat, 422)
        assert name in (await desk.post("/tag/delete", {"name": name}))["message"]
        await at_once(chat, 200)
        await desk.post("/tag/new", {"name": name, "max_budget": 1})
        await at_once(chat, 200)
        await live.rows(key)
        report = await desk.get("/books/check")
        assert not [one for one in report["differences"] if name in str(one)]

    @pytest.mark.parametrize(
        ("path", "body", "status", "said"),
        [
            ("/tag/update", {"name": "none"}, 404, "Tag none not found"),
            ("/tag/delete", {"name": "none"}, 404, "Tag none not found"),
            ("/tag/info", {"names": ["none"]}, 404, "No tags found"),
        ],
    )
    async def test_what_is_not_there_is_refused_raw(self, desk: Desk, path, body, status, said):
        assert await desk.post(path, body, status=status) == {"detail": {"error": said}}

    async def test_what_cannot_be_is_refused_whole(self, desk: Desk, unique):
        name = unique("tag")
        made = (await desk.post("/tag/new", {"name": name}))["tag"]
        for members in ({"max_budget": -1}, {"budget_id": "none"}, {"models": [""]}):
            answer = await desk.post("/tag/update", {"name": name, "description": "D"} | members, status=400)
            assert next(iter(members)) in answer["detail"]["error"]
        await desk.post("/tag/update", {"name": name, "models": "m"}, status=422)
        assert await desk.post("/tag/info", {"names": [name]}) == {name: made}


class TestListing:
    async def test_made_and_seen_tags_are_listed_by_name(
        self, desk: Desk, live: LiveGateway, key: str, unique
    ):
        prefix = unique("list")
        made, seen = f"{prefix}-b", f"{prefix}-a"
        await desk.post("/tag/new", {"name": made, "max_budget": 1})
        await live.chat(key, metadata={"tags": [seen, made]})
        await live.rows(key)
        tags = await listed(desk, prefix)
        assert list(tags) == [seen, made]
        assert tags[made]["litellm_budget_table"]["max_budget"] == 1.0
        assert tags[made]["spend"] > 0
        assert (tags[seen]["models"], tags[seen]["litellm_budget_table"]) == (None, None)
        assert tags[seen]["created_at"] <= tags[seen]["updated_at"]
        first = await listed(desk, prefix, limit=1)
        assert list(first) == [seen]
        days = {"start_date": "2001-01-01", "end_date": "2001-12-31"}
        assert list(await listed(desk, prefix, **days)) == [made]
        days = {"start_date": "2001-01-01", "end_date": "2999-12-31"}
        assert list(await listed(desk, prefix, **days)) == [seen, made]

    async def test_others_see_the_tags_of_their_own_requests(self, desk: Desk, live: LiveGateway, unique):
        prefix = unique("own")
        made, foreign = f"{prefix}-a", f"{prefix}-b"
        _, mine = await desk.make_user()
        _, theirs = await desk.make_user()
        await desk.post("/tag/new", {"name": made, "max_budget": 1, "description": "D"})
        await live.chat(mine, metadata={"tags": [made]})
        await live.chat(theirs, metadata={"tags": [made, foreign]})
        await live.rows(mine)
        tags = await listed(desk, prefix, mine)
        assert list(tags) == [made]
        assert (tags[made]["description"], tags[made]["spend"]) == ("D", None)
        assert (tags[made]["budget_id"], tags[made]["litellm_budget_table"]) == (None, None)
        assert list(await listed(desk, prefix, theirs)) == [made, foreign]
        days = {"start_date": "2001-01-01", "end_date": "2001-12-31"}
        assert await listed(desk, prefix, theirs, **days) == {}

    @pytest.mark.parametrize(
        "query",
        [{"start_date": "2026-01-01"}, {"start_date": "2026-1-1", "end_date": "x"}],
    )
    async def test_days_that_are_none_are_refused_raw(self, desk: Desk, query):
        assert "start_date: " in (await desk.get("/tag/list", status=400, **query))["detail"]["error"]


async def test_the_number_of_statements_does_not_grow_with_what_is_shown(desk: Desk, unique):
    for _ in range(5):
        await desk.post("/tag/new", {"name": unique("counted"), "max_budget": 1})
    assert await statements(desk, "GET", "/tag/list") <= 3
    assert await statements(desk, "GET", "/budget/list") <= 1
    name = unique("counted")
    await desk.post("/tag/new", {"name": name, "max_budget": 1})
    assert await statements(desk, "POST", "/tag/info", json={"names": [name]}) <= 2
    assert await statements(desk, "POST", "/tag/update", json={"name": name, "max_budget": 2}) <= 9
    assert await statements(desk, "POST", "/tag/delete", json={"name": name}) <= 4


@pytest.mark.parametrize(
    ("method", "path", "sent", "user", "viewer"),
    [
        ("POST", "/tag/update", {"json": {"name": "x"}}, 401, 401),
        ("POST", "/tag/delete", {"json": {"name": "x"}}, 401, 401),
        ("GET", "/tag/list", {"params": {"limit": 1}}, 200, 200),
    ],
)
async def test_who_may(desk: Desk, method, path, sent, user, viewer):
    callers = {
        (await desk.make_user())[1]: user,
        (await desk.make_user("proxy_admin_viewer"))[1]: viewer,
        await desk.live.make_key(): 401,
    }
    for key, status in callers.items():
        answer = await desk.ask(method, path, key, **sent)
        assert answer.status_code == status, answer.text
