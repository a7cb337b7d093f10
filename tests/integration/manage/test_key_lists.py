"""Lists of keys through the running app: who sees which, in which order, and at what cost."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.db.cursors import Cursor
from gateway.identity.keys.cursors import conditions_behind
from gateway.identity.keys.list_store import Conditions, KeyLists, KeyPage, page_sql
from gateway.ids import hash_token
from tests.integration.manage.conftest import Desk, count_read
from tests.integration.serving import LiveGateway

pytestmark = pytest.mark.asyncio(loop_scope="session")


AGE = 'UPDATE "LiteLLM_VerificationToken" SET created_at = created_at - $2::interval WHERE token = $1'
PERMIT = 'UPDATE "LiteLLM_TeamTable" SET team_member_permissions = $2 WHERE team_id = $1'


async def page_of(desk: Desk, **query: object) -> Any:
    """The first hundred keys; `desk.get` has a use of its own for `status`."""
    return (await desk.ask("GET", "/key/list", params={"size": 100, **query})).json()


async def listed(desk: Desk, **query: object) -> set[str]:
    """The hashes of the first hundred keys."""
    return set((await page_of(desk, **query))["keys"])


class TestFilters:
    async def test_each_filter_leaves_what_it_names(self, desk: Desk, live: LiveGateway, unique):
        team, user, alias = unique("team"), unique("user"), unique("Alias")
        await desk.post("/team/new", {"team_id": team})
        ours = hash_token(await live.make_key(team_id=team, user_id=user, key_alias=alias))
        await live.make_key()
        for query in (
            {"team_id": team},
            {"user_id": user},
            {"key_alias": alias},
            {"key_hash": ours},
            {"search": alias[2:].upper()},
            {"search": ours[:20]},
            {"key_alias": alias[1:-1], "substring_matching": True},
            {"team_id": team, "status": "active", "expires": "never"},
        ):
            assert await listed(desk, **query) == {ours}, query
        for query in ({"key_alias": alias[1:-1]}, {"team_id": team, "status": "expired"}):
            assert await listed(desk, **query) == set(), query

    async def test_parts_are_found_in_the_newest_keys_and_whole_names_in_all(
        self, desk: Desk, live: LiveGateway, unique
    ):
        stem, team = unique("alias"), unique("team")
        await desk.post("/team/new", {"team_id": team})
        names = [f"{stem}-{number}" for number in range(3)]
        hashes = [hash_token(await live.make_key(key_alias=name, team_id=team)) for name in names]
        for age, token in enumerate(reversed(hashes)):
            await desk.run(AGE, token, timedelta(days=age))
        lists = KeyLists(live.gateway.parts.database, most_counted=2)

        async def find(text: str, looked_at: int) -> tuple[list[str], int]:
            conditions = Conditions(looked_at)
            conditions.add_equal("team_id", team)
            conditions.add_part(("key_alias", "user_id"), text)
            page = KeyPage(page=1, size=10)
            rows = await lists.list_page(conditions, page)
            return [row["token"] for row in rows], await lists.count(conditions, page)

        assert await find(stem.upper(), 2) == ([hashes[2], hashes[1]], 2)
        assert await find(names[0], 2) == ([hashes[0]], 1)
        assert await find(stem, 3) == ([hashes[2], hashes[1], hashes[0]], 2)

    async def test_a_secret_is_found_by_itself(self, desk: Desk, live: LiveGateway):
        key = await live.make_key()
        assert await listed(desk, search=key) == await listed(desk, key_hash=key) == {hash_token(key)}

    async def test_status_tells_four_kinds_apart(self, desk: Desk, live: LiveGateway, unique):
        user = unique("user")
        kinds = {
            name: await live.make_key(user_id=user) for name in ("active", "expired", "revoked", "deleted")
        }
        past = """UPDATE "LiteLLM_VerificationToken" SET expires = '2020-01-01' WHERE token = $1"""
        await desk.run(past, hash_token(kinds["expired"]))
        await desk.post("/key/block", {"key": kinds["revoked"]})
        await desk.post("/key/delete", {"keys": [kinds["deleted"]]})
        for status, key in kinds.items():
            page = await page_of(desk, user_id=user, status=status, return_full_object=True)
            assert [(row["token"], row["status"]) for row in page["keys"]] == [(hash_token(key), status)]
        before = await desk.get("/key/list", user_id=user, expires="2021-01-01T00:00:00Z")
        assert before["keys"] == [hash_token(kinds["expired"])]

    async def test_an_organization_has_the_keys_of_its_teams(self, desk: Desk, live: LiveGateway, unique):
        organization, team = await desk.make_organization(), unique("team")
        await desk.post("/team/new", {"team_id": team, "organization_id": organization})
        own = await live.make_key(organization_id=organization)
        of_team = await live.make_key(team_id=team)
        found = await listed(desk, organization_id=organization)
        assert found == {hash_token(own), hash_token(of_team)}

    async def test_login_sessions_are_no_keys_of_the_list(self, desk: Desk, live: LiveGateway, unique):
        user = unique("user")
        await live.make_key(user_id=user, team_id="litellm-dashboard")
        assert await listed(desk, user_id=user) == set()


class TestPages:
    async def test_pages_are_sorted_and_cut_in_the_database(self, desk: Desk, live: LiveGateway, unique):
        user = unique("user")
        tokens = [hash_token(await live.make_key(user_id=user, max_budget=n)) for n in (3, 1, 2)]
        query = {"user_id": user, "sort_by": "max_budget", "sort_order": "asc", "size": 2}
        first, second = [await desk.get("/key/list", **query, page=page) for page in (1, 2)]
        assert (first["total_count"], first["total_pages"], first["current_page"]) == (3, 2, 1)
        assert first["keys"] + second["keys"] == [tokens[1], tokens[2], tokens[0]]
        newest = await desk.get("/key/list", user_id=user, sort_by="max_budget")
        assert newest["keys"][0] == tokens[0]

    async def test_whole_objects_come_with_their_users(self, desk: Desk, live: LiveGateway, unique):
        user, _ = await desk.make_user(max_budget=1)
        page = await desk.get("/key/list", user_id=user, expand="user")
        (row,) = page["keys"]
        assert (row["user"]["user_id"], row["max_budget"], row["status"]) == (user, 1, "active")
        assert "key" not in row

    @pytest.mark.parametrize("order", ["desc", "asc"])
    async def test_a_cursor_leads_through_every_key_once(self, desk: Desk, live: LiveGateway, unique, order):
        user = unique("user")
        tokens = [hash_token(await live.make_key(user_id=user)) for _ in range(5)]
        for age, token in enumerate(reversed(tokens[2:])):
            await desk.run(AGE, token, timedelta(days=age))
        untimed = 'UPDATE "LiteLLM_VerificationToken" SET created_at = NULL WHERE token = ANY ($1)'
        await desk.run(untimed, tokens[:2])
        oldest_first = [*sorted(tokens[:2]), *tokens[2:]]

        seen, cursor = [], ""
        while True:
            page = await desk.get("/key/list", user_id=user, size=2, sort_order=order, cursor=cursor)
            assert page["total_count"] == 5
            seen += page["keys"]
            cursor = page["next_cursor"]
            if cursor is None:
                break

        assert seen == (oldest_first if order == "asc" else oldest_first[::-1])

    async def test_deleted_keys_have_a_cursor_too(self, desk: Desk, live: LiveGateway, unique):
        user = unique("user")
        keys = [await live.make_key(user_id=user) for _ in range(3)]
        await desk.post("/key/delete", {"keys": keys})
        asked = {"user_id": user, "size": 2, "status": "deleted"}
        first = await page_of(desk, **asked)
        second = await page_of(desk, **asked, cursor=first["next_cursor"])
        assert len(first["keys"]) == 2
        assert {*first["keys"], *second["keys"]} == {hash_token(key) for key in keys}
        assert second["next_cursor"] is None

    async def test_a_page_behind_a_cursor_is_a_range_of_an_index(self, live: LiveGateway):
        """Plans of small tables say nothing: sequential scans are made as dear as they are in large ones."""
        page, scans = KeyPage(page=1, size=10, after=Cursor(datetime(2026, 1, 1, tzinfo=UTC), "t")), []
        for condition, values in conditions_behind(page.after, "token", is_ascending=False):
            behind = Conditions().within(condition, values)
            async with live.gateway.parts.database.acquire() as connection:
                await connection.execute("SET enable_seqscan = off; SET enable_sort = off")
                plan = await connection.fetch(
                    f"EXPLAIN (COSTS OFF) {page_sql(behind, page)}", *behind.arguments, 10, 0
                )
                await connection.execute("RESET enable_seqscan; RESET enable_sort")
            scans.append("\n".join(line[0] for line in plan))
        for plan in scans:
            assert "created_at_token_idx" in plan
            assert "Index Cond" in plan
            assert "Seq Scan" not in plan

    @pytest.mark.parametrize(
        "query",
        [
            {"cursor": "x"},
            {"cursor": "WyJ4Il0="},
            {"cursor": "W251bGwsIlx1MDAwMCJd"},
            {"cursor": "W251bGwsInQiXQ==", "sort_by": "spend"},
        ],
    )
    async def test_a_cursor_of_something_else_is_refused(self, desk: Desk, query):
        answer = await desk.ask("GET", "/key/list", params=query)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "cursor")

    @pytest.mark.parametrize(
        "query",
        [
            *({"status": "x"}, {"sort_by": "metadata"}, {"sort_order": "x"}, {"expand": "x"}),
            *({"expires": "x"}, {"expires": "0001-01-01T00:00:00+14:00"}),
        ],
    )
    async def test_unknown_choices_are_refused_by_name(self, desk: Desk, query):
        answer = await page_of(desk, **query)
        assert answer["error"]["param"] == next(iter(query))
        assert answer["error"]["type"] == "bad_request_error"

    @pytest.mark.parametrize("query", [{"size": 0}, {"size": 101}, {"page": 0}, {"page": "x"}])
    async def test_pages_that_cannot_be_are_422(self, desk: Desk, query):
        answer = await desk.get("/key/list", status=422, **query)
        assert answer["detail"][0]["loc"] == ["query", next(iter(query))]

    async def test_a_list_costs_two_statements_and_its_users_one_more(
        self, desk: Desk, live: LiveGateway, unique
    ):
        user = unique("user")
        for _ in range(5):
            await live.make_key(user_id=user)
        await desk.get("/key/list")
        for query, statements in (({}, 2), ({"expand": "user"}, 3)):
            assert await count_read(desk, "/key/list", user_id=user, **query) == statements


class TestRights:
    async def test_users_see_their_own_keys_only(self, desk: Desk, live: LiveGateway):
        user, key = await desk.make_user()
        other, _ = await desk.make_user()
        page = await desk.get("/key/list", key)
        assert page["keys"] == [hash_token(key)]
        refused = await desk.get("/key/list", key, 403, user_id=other)
        assert (refused["error"]["type"], refused["error"]["param"]) == ("bad_request_error", "user_id")
        assert (await desk.get("/key/list", key, user_id=user))["total_count"] == 1

    async def test_a_key_without_a_user_sees_itself(self, desk: Desk, live: LiveGateway):
        key = await live.make_key()
        assert (await desk.get("/key/list", key))["keys"] == [hash_token(key)]

    async def test_keys_of_a_team_are_its_administrators(self, desk: Desk, live: LiveGateway, unique):
        boss, boss_key = await desk.make_user()
        member, member_key = await desk.make_user()
        _, foreign_key = await desk.make_user()
        team = unique("team")
        members = [{"user_id": boss, "role": "admin"}, {"user_id": member, "role": "user"}]
        await desk.post("/team/new", {"team_id": team, "members_with_roles": members})
        of_boss = hash_token(await live.make_key(team_id=team, user_id=boss))
        of_member = hash_token(await live.make_key(team_id=team, user_id=member))
        seen = await desk.get("/key/list", boss_key, team_id=team)
        assert set(seen["keys"]) == {of_boss, of_member}
        assert of_member in (await desk.get("/key/list", boss_key, include_team_keys=True))["keys"]
        assert (await desk.get("/key/list", member_key, team_id=team))["keys"] == [of_member]
        await desk.get("/key/list", foreign_key, 403, team_id=team)
        await desk.get("/key/list", foreign_key, 403, team_id="no such team")
        await desk.run(PERMIT, team, ["/key/list"])
        assert (await desk.get("/key/list", member_key, team_id=team))["total_count"] == 2

    async def test_an_organizations_administrator_sees_its_keys(self, desk: Desk, live: LiveGateway):
        admin, admin_key = await desk.make_user()
        organization = await desk.make_organization(admin)
        token = hash_token(await live.make_key(organization_id=organization))
        assert (await desk.get("/key/list", admin_key, organization_id=organization))["keys"] == [token]
        _, other_key = await desk.make_user()
        await desk.get("/key/list", other_key, 403, organization_id=organization)

    async def test_keys_that_somebody_made_for_others_are_asked_for(self, desk: Desk, live: LiveGateway):
        user, key = await desk.make_user()
        token = hash_token(await live.make_key())
        sql = 'UPDATE "LiteLLM_VerificationToken" SET created_by = $2 WHERE token = $1'
        await desk.run(sql, token, user)
        assert token not in (await desk.get("/key/list", key))["keys"]
        assert token in (await desk.get("/key/list", key, include_created_by_keys=True))["keys"]

    async def test_a_viewer_sees_everything(self, desk: Desk, live: LiveGateway, unique):
        _, key = await desk.make_user("proxy_admin_viewer")
        user = unique("user")
        token = hash_token(await live.make_key(user_id=user))
        assert (await desk.get("/key/list", key, user_id=user))["keys"] == [token]


class TestAliases:
    async def test_aliases_are_searched_and_paged(self, desk: Desk, live: LiveGateway, unique):
        stem = unique("stem")
        for name in ("b", "a", "c"):
            await live.make_key(key_alias=f"{stem}-{name}")
        page = await desk.get("/key/aliases", search=stem, size=2)
        assert page == {
            "aliases": [f"{stem}-a", f"{stem}-b"],
            "total_count": 3,
            "current_page": 1,
            "total_pages": 2,
            "size": 2,
        }

    async def test_others_aliases_are_not_told(self, desk: Desk, live: LiveGateway, unique):
        _, key = await desk.make_user(key_alias=unique("own"))
        alias = unique("foreign")
        await live.make_key(key_alias=alias)
        assert (await desk.get("/key/aliases", key, search=alias))["aliases"] == []
        assert (await desk.get("/key/aliases", key, search="own"))["total_count"] == 1

    async def test_a_key_without_a_user_has_no_list_of_aliases(self, desk: Desk, live: LiveGateway):
        await desk.get("/key/aliases", await live.make_key(), 401)


class TestShowingSeveral:
    async def test_rows_come_by_key_hash_or_alias(self, desk: Desk, live: LiveGateway, unique):
        alias = unique("alias")
        first, second = await live.make_key(max_budget=1), await live.make_key(key_alias=alias)
        sent = [first, hash_token(second), "sk-unknown-0123456789"]
        shown = await desk.post("/v2/key/info", {"keys": sent})
        assert shown["key"] == sent
        assert {row["token"] for row in shown["info"]} == {hash_token(first), hash_token(second)}
        shown = await desk.post("/v2/key/info", {"key_aliases": [alias]})
        assert [row["key_alias"] for row in shown["info"]] == [alias]

    async def test_keys_of_others_are_left_out(self, desk: Desk, live: LiveGateway, unique):
        user, key = await desk.make_user()
        team = unique("team")
        await desk.post(
            "/team/new", {"team_id": team, "members_with_roles": [{"user_id": user, "role": "user"}]}
        )
        of_team, foreign = await live.make_key(team_id=team), await live.make_key()
        shown = await desk.post("/v2/key/info", {"keys": [key, of_team, foreign]}, key)
        assert {row["token"] for row in shown["info"]} == {hash_token(key), hash_token(of_team)}

    @pytest.mark.parametrize("body", [{}, {"keys": []}, {"keys": ["x"] * 501}])
    async def test_nothing_and_too_much_are_422(self, desk: Desk, body):
        await desk.post("/v2/key/info", body, status=422)


async def test_a_key_says_that_it_is_healthy(desk: Desk, live: LiveGateway):
    answer = await desk.post("/key/health", None, await live.make_key())
    assert answer["key"] == "healthy"
    assert answer["logging_callbacks"]["status"] == "healthy"
    await desk.post("/key/health", None, "sk-unknown-0123456789", 401)
