"""Users and groups as a directory provisions them, through the running app."""

import asyncio
from typing import Any

import httpx
import pytest
import pytest_asyncio

from gateway.ids import hash_token
from tests.integration.manage.conftest import Desk
from tests.integration.manage.counting import statements
from tests.integration.serving import MASTER_KEY, LiveGateway, bearer

pytestmark = pytest.mark.asyncio(loop_scope="session")

_ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
_PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_USER = "urn:ietf:params:scim:schemas:core:2.0:User"


class Directory:
    """What an identity provider does: it has a key for SCIM and nothing else."""

    def __init__(self, desk: Desk, key: str) -> None:
        self.desk = desk
        self.key = key

    async def ask(self, method: str, path: str, body: object = None, **query: object) -> httpx.Response:
        return await self.desk.live.http.request(
            *(method, f"/scim/v2{path}"),
            headers={**bearer(self.key), "content-type": "application/scim+json"},
            **({"json": body} if body is not None else {}),
            **({"params": query} if query else {}),
        )

    async def get(self, path: str, **query: object) -> Any:
        answer = await self.ask("GET", path, **query)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/scim+json"
        return answer.json()

    async def make(self, path: str, **members: object) -> Any:
        answer = await self.ask("POST", path, members)
        assert answer.status_code == 201, answer.text
        assert answer.headers["location"] == answer.json()["meta"]["location"]
        return answer.json()

    async def make_user(self, user_name: str, **members: object) -> Any:
        return await self.make("/Users", schemas=[_USER], userName=user_name, **members)

    async def patch(self, path: str, *operations: dict[str, Any], status: int = 200) -> Any:
        answer = await self.ask("PATCH", path, {"schemas": [_PATCH], "Operations": operations})
        assert answer.status_code == status, answer.text
        return answer.json()

    async def refusal(self, method: str, path: str, body: object = None, **query: object) -> tuple[int, Any]:
        answer = await self.ask(method, path, body, **query)
        content = answer.json()
        assert answer.headers["content-type"] == "application/scim+json"
        assert content["schemas"] == [_ERROR]
        assert content["status"] == str(answer.status_code)
        assert content["detail"]
        return answer.status_code, content.get("scimType")


@pytest_asyncio.fixture(loop_scope="session")
async def directory(desk: Desk) -> Directory:
    return Directory(desk, await desk.live.make_key(allowed_routes=["/scim/*"]))


class TestUsers:
    async def test_a_user_goes_through_its_whole_life(
        self, desk: Desk, live: LiveGateway, directory: Directory, unique, at_once
    ):
        name, external_id = f"{unique('ada')}@example.com", unique("00u")
        made = await directory.make_user(
            name,
            externalId=external_id,
            name={"givenName": "Ada", "familyName": "Lovelace"},
            emails=[{"value": name.upper(), "type": "work", "primary": True}],
            active=True,
        )
        user_id = made["id"]
        assert made["schemas"] == [_USER]
        assert (made["userName"], made["externalId"], made["active"]) == (name, external_id, True)
        assert made["emails"] == [{"value": name, "type": "work", "primary": True}]
        assert (made["displayName"], made["groups"]) == ("Ada Lovelace", [])
        row = (await desk.get("/user/info", user_id=user_id))["user_info"]
        assert (row["user_id"], row["user_email"], row["sso_user_id"]) == (name, name, external_id)
        assert row["metadata"]["scim_metadata"]["familyName"] == "Lovelace"
        assert (await desk.get("/user/info", user_id=user_id))["keys"] == []

        keys = [await live.make_key(user_id=user_id) for _ in range(2)]
        for key in keys:
            assert (await live.chat(key)).status_code == 200
        # Okta's whole object, then Entra's text.
        for value, status in ((False, 401), (True, 200)):
            await directory.patch(f"/Users/{user_id}", {"op": "replace", "value": {"active": value}})
            for key in keys:
                await at_once(lambda key=key: live.chat(key), status)
        await directory.patch(f"/Users/{user_id}", {"op": "Replace", "path": "active", "value": "False"})
        for key in keys:
            await at_once(lambda key=key: live.chat(key), 401)
            assert (await desk.ask("GET", "/key/info", key)).status_code == 401
        # Leaving it out lets nobody in again.
        answer = await directory.ask("PUT", f"/Users/{user_id}", {"userName": name})
        assert (answer.status_code, answer.json()["active"]) == (200, False)

        answer = await directory.ask("DELETE", f"/Users/{user_id}")
        assert (answer.status_code, answer.content) == (204, b"")
        assert await directory.refusal("GET", f"/Users/{user_id}") == (404, None)
        assert await directory.refusal("DELETE", f"/Users/{user_id}") == (404, None)
        archived = 'SELECT count(*) FROM "LiteLLM_DeletedVerificationToken" WHERE token = $1'
        assert await desk.value(archived, hash_token(keys[0])) == 1
        signed = """SELECT array_agg(action ORDER BY updated_at) FROM "LiteLLM_AuditLog"
                    WHERE object_id = $1 AND changed_by_api_key = $2"""
        actions = await desk.value(signed, user_id, hash_token(directory.key))
        assert (actions[0], actions[-1], set(actions[1:-1])) == ("created", "deleted", {"updated"})

    async def test_a_user_is_written_anew(self, desk: Desk, directory: Directory, unique):
        name = unique("ada")
        made = await directory.make_user(
            name, displayName="Ada", externalId=unique("x"), emails=[{"value": f"{name}@b.c"}], active=False
        )
        await desk.post(
            "/user/update",
            {"user_id": made["id"], "max_budget": 5, "model_rpm_limit": {"m": 3}},
        )
        body = {"userName": f"{name}-2", "displayName": "B", "active": "true", "title": "Countess"}
        answer = (await directory.ask("PUT", f"/Users/{made['id']}", body)).json()
        assert (answer["id"], answer["userName"], answer["active"]) == (name, f"{name}-2", True)
        assert "externalId" not in answer
        assert "emails" not in answer or answer["emails"] == []
        row = (await desk.get("/user/info", user_id=made["id"]))["user_info"]
        assert (row["max_budget"], row["metadata"]["model_rpm_limit"]) == (5.0, {"m": 3})

    async def test_users_whom_somebody_else_made_are_found_and_taken_over(
        self, desk: Desk, directory: Directory, unique
    ):
        email, user_id = f"{unique('ada')}@example.com", unique("user")
        await desk.post("/user/new", {"user_id": user_id, "user_email": email, "metadata": {"a": 1}})
        found = await directory.get("/Users", filter=f'userName eq "{email.upper()}"')
        assert [user["id"] for user in found["Resources"]] == [user_id]
        assert (await directory.refusal("POST", "/Users", {"userName": email})) == (409, "uniqueness")
        await directory.patch(f"/Users/{user_id}", {"op": "add", "path": "externalId", "value": unique("x")})
        row = (await desk.get("/user/info", user_id=user_id))["user_info"]
        assert row["metadata"]["a"] == 1

    async def test_users_who_share_a_name_since_before_can_be_deactivated(
        self, desk: Desk, directory: Directory, unique
    ):
        email, users = f"{unique('ada')}@example.com", [unique("user"), unique("user")]
        for user_id in users:
            sql = 'INSERT INTO "LiteLLM_UserTable" (user_id, user_email) VALUES ($1, $2)'
            await desk.run(sql, user_id, email)
        for user_id in users:
            changed = await directory.patch(
                f"/Users/{user_id}", {"op": "replace", "value": {"active": False}}
            )
            assert changed["active"] is False

    async def test_names_addresses_and_external_ids_are_given_once(self, directory: Directory, unique):
        name, external_id, email = unique("ada"), unique("x"), f"{unique('a')}@b.c"
        made = await directory.make_user(name, externalId=external_id, emails=[{"value": email}])
        for body in (
            {"userName": name.upper()},
            {"userName": unique("b"), "externalId": external_id},
            {"userName": unique("b"), "emails": [{"value": email.upper()}]},
        ):
            assert await directory.refusal("POST", "/Users", body) == (409, "uniqueness"), body
        other = await directory.make_user(unique("b"))
        path = f"/Users/{other['id']}"
        assert await directory.refusal("PUT", path, {"userName": name}) == (409, "uniqueness")
        assert (await directory.ask("PUT", f"/Users/{made['id']}", {"userName": name})).status_code == 200

    async def test_a_name_that_is_no_path_gets_another_id(self, directory: Directory, unique):
        name = f"corp/{unique('ada')}"
        made = await directory.make_user(name)
        assert made["id"] != name
        assert (await directory.get(f"/Users/{made['id']}"))["userName"] == name

    async def test_a_name_may_have_any_letters(self, directory: Directory, unique):
        name = f"Ægir Ā {unique('x')}+1@example.com"
        made = await directory.make_user(name)
        assert made["id"] == name
        assert made["meta"]["location"].isascii()
        place = made["meta"]["location"].partition("/scim/v2")[2]
        assert (await directory.get(place))["userName"] == name

    async def test_users_are_filtered_and_shown_page_by_page(self, desk: Desk, directory: Directory, unique):
        family, names = unique("family"), [f"{unique('u')}@example.com" for _ in range(3)]
        for name in names:
            await directory.make_user(
                name,
                externalId=f"x-{name}",
                displayName=f"D {name}",
                name={"familyName": family},
                emails=[{"value": name}],
            )
        name = names[0]
        for text in (
            f'userName eq "{name}"',
            f'externalId eq "x-{name}"',
            f'emails.value eq "{name}"',
            f'emails[type eq "work"].value eq "{name}"',
            f'displayName eq "d {name}"',
            f'id eq "{name}"',
            f'{_USER}:userName eq "{name}" and active eq true',
        ):
            found = await directory.get("/Users", filter=text)
            assert [user["userName"] for user in found["Resources"]] == [name], text
            assert found["totalResults"] == 1
        text = f'name.familyName eq "{family}"'
        seen: list[str] = []
        for start in (1, 2, 3, 4):
            page = await directory.get("/Users", filter=text, startIndex=start, count=1)
            assert (page["totalResults"], page["startIndex"]) == (3, start)
            assert page["itemsPerPage"] == len(page["Resources"])
            seen += [user["id"] for user in page["Resources"]]
        assert seen == sorted(names)
        assert (await directory.get("/Users", filter=text, count=0))["Resources"] == []
        short = await directory.get("/Users", filter=text, attributes="userName", startIndex=-1)
        assert set(short["Resources"][0]) == {"schemas", "id", "userName"}
        # The row that carries the gateway's own spend is nobody.
        assert (await directory.get("/Users", filter='id eq "litellm-proxy-budget"'))["totalResults"] == 0

    async def test_what_cannot_be_is_refused_in_the_words_of_scim(self, directory: Directory, unique):
        path = f"/Users/{(await directory.make_user(unique('ada')))['id']}"
        operations: list[tuple[dict[str, Any], str]] = [
            ({"op": "replace", "path": "nothing", "value": 1}, "invalidPath"),
            ({"op": "remove"}, "noTarget"),
            ({"op": "replace", "path": "id", "value": "x"}, "mutability"),
            ({"op": "replace", "path": "active", "value": "maybe"}, "invalidValue"),
            ({"op": "remove", "path": "userName"}, "invalidValue"),
            ({"op": "replace", "path": "displayName", "value": "x" * 600}, "invalidValue"),
            ({"op": "jump"}, "invalidSyntax"),
        ]
        for operation, kind in operations:
            body = {"Operations": [{"op": "replace", "path": "displayName", "value": "B"}, operation]}
            assert await directory.refusal("PATCH", path, body) == (400, kind), operation
        assert "displayName" not in await directory.get(path)
        for body, kind in (
            *(({"userName": wrong}, "invalidValue") for wrong in (None, 5, "", " ", "x" * 513)),
            ([], "invalidSyntax"),
        ):
            assert await directory.refusal("POST", "/Users", body) == (400, kind)
        assert await directory.refusal("PATCH", path, {}) == (400, "invalidSyntax")
        assert await directory.refusal("GET", "/Users", filter="userName gt 5") == (400, "invalidFilter")
        assert await directory.refusal("GET", "/Users", filter='title eq "x"') == (400, "invalidFilter")
        assert await directory.refusal("GET", "/Users", startIndex="x") == (400, "invalidValue")
        assert await directory.refusal("PATCH", "/Users/nobody", {"Operations": []}) == (404, None)


class TestGroups:
    async def test_a_group_goes_through_its_whole_life(
        self, desk: Desk, live: LiveGateway, directory: Directory, unique, at_once
    ):
        users = [(await directory.make_user(unique("u")))["id"] for _ in range(4)]
        title, external_id = unique("Engines"), unique("g")
        made = await directory.make(
            "/Groups", displayName=title, externalId=external_id, members=[{"value": users[0]}]
        )
        path = f"/Groups/{made['id']}"

        async def members() -> list[str]:
            return [member["value"] for member in (await directory.get(path))["members"]]

        assert (made["displayName"], made["externalId"]) == (title, external_id)
        assert await members() == users[:1]
        team = (await desk.get("/team/info", team_id=made["id"]))["team_info"]
        assert (team["team_alias"], [one["role"] for one in team["members_with_roles"]]) == (title, ["user"])
        groups = (await directory.get(f"/Users/{users[0]}"))["groups"]
        assert [(group["value"], group["display"]) for group in groups] == [(made["id"], title)]

        added = [{"value": users[0]}, {"value": users[1]}, {"value": users[2]}]
        await directory.patch(path, {"op": "Add", "path": "members", "value": added})
        assert await members() == users[:3]
        key = await live.make_key(team_id=made["id"], user_id=users[1])
        assert (await live.chat(key)).status_code == 200
        await directory.patch(path, {"op": "remove", "path": f'members[value eq "{users[1]}"]'})
        # Who leaves the group leaves the keys in its team.
        await at_once(lambda: live.chat(key), 401)
        await directory.patch(path, {"op": "Remove", "path": "members", "value": [{"value": users[2]}]})
        assert await members() == users[:1]
        body = {"displayName": f"{title} 2", "members": [{"value": users[2]}, {"value": users[3]}]}
        assert (await directory.ask("PUT", path, body)).status_code == 200
        assert await members() == users[2:]
        # Without members they stay; with an empty list they leave.
        assert (await directory.ask("PUT", path, {"displayName": title})).status_code == 200
        assert await members() == users[2:]
        await directory.patch(
            path, {"op": "replace", "value": {"id": made["id"], "displayName": "N" + title}}
        )
        assert (await directory.get(path))["displayName"] == "N" + title
        await directory.patch(path, {"op": "replace", "path": "members", "value": []})
        assert await members() == []
        assert (await directory.ask("DELETE", path)).status_code == 204
        assert await directory.refusal("GET", path) == (404, None)
        assert await desk.unbalanced(made["id"], *users) == []

    async def test_groups_are_filtered(self, directory: Directory, unique):
        user = (await directory.make_user(unique("u")))["id"]
        title, external_id = unique("T"), unique("g")
        made = await directory.make(
            "/Groups", displayName=title, externalId=external_id, members=[{"value": user}]
        )
        for text in (
            f'displayName eq "{title.lower()}"',
            f'externalId eq "{external_id}"',
            f'id eq "{made["id"]}" and members eq "{user}"',
            f'members.value eq "{user}"',
            f'members[value eq "{user}"]',
        ):
            found = await directory.get("/Groups", filter=text, excludedAttributes="members")
            assert [group["id"] for group in found["Resources"]] == [made["id"]], text
            assert "members" not in found["Resources"][0]
        assert (await directory.get("/Groups", filter='displayName eq "nothing"'))["totalResults"] == 0

    async def test_a_group_may_have_more_members_than_one_change(
        self, desk: Desk, directory: Directory, unique
    ):
        users = sorted(f"{unique('many')}-{index}" for index in range(501))
        await desk.run('INSERT INTO "LiteLLM_UserTable" (user_id) SELECT unnest($1::text[])', users)
        members = [{"value": user_id} for user_id in users]
        made = await directory.make("/Groups", displayName=unique("T"), members=members)
        assert sorted(member["value"] for member in made["members"]) == users
        left = await directory.patch(f"/Groups/{made['id']}", {"op": "remove", "path": "members"})
        assert left["members"] == []

    async def test_teams_that_somebody_else_made_are_groups(self, desk: Desk, directory: Directory, unique):
        team_id = unique("team")
        await desk.post("/team/new", {"team_id": team_id, "metadata": {"a": 1}, "max_budget": 5})
        found = await directory.get("/Groups", filter=f'displayName eq "{team_id.upper()}"')
        assert [(group["id"], group["displayName"]) for group in found["Resources"]] == [(team_id, team_id)]
        path, external_id = f"/Groups/{team_id}", unique("g")
        await directory.patch(path, {"op": "add", "path": "externalId", "value": external_id})
        team = (await desk.get("/team/info", team_id=team_id))["team_info"]
        assert (team["metadata"]["a"], team["max_budget"]) == (1, 5.0)
        assert (await directory.get(path))["externalId"] == external_id
        await directory.patch(path, {"op": "remove", "path": "externalId"})
        assert "externalId" not in await directory.get(path)

    async def test_what_cannot_be_is_refused(self, directory: Directory, unique):
        title, external_id = unique("T"), unique("g")
        made = await directory.make("/Groups", displayName=title, externalId=external_id)
        body = {"displayName": title.upper()}
        assert await directory.refusal("POST", "/Groups", body) == (409, "uniqueness")
        body = {"displayName": unique("T"), "externalId": external_id}
        assert await directory.refusal("POST", "/Groups", body) == (409, "uniqueness")
        for nobody in ("nobody-at-all", "litellm-proxy-budget"):
            body = {"displayName": unique("T"), "members": [{"value": nobody}]}
            assert await directory.refusal("POST", "/Groups", body) == (400, "invalidValue")
        found = await directory.get("/Groups", filter=f'displayName eq "{body["displayName"]}"')
        assert found["totalResults"] == 0
        assert await directory.refusal("PUT", "/Groups/nothing", {"displayName": "x"}) == (404, None)
        assert await directory.refusal("DELETE", "/Groups/nothing") == (404, None)
        again = await directory.ask("PUT", f"/Groups/{made['id']}", {"displayName": title})
        assert again.status_code == 200


class TestAtOnce:
    async def test_a_name_is_taken_once(self, directory: Directory, unique):
        body = {"userName": unique("ada"), "externalId": unique("x")}
        answers = await asyncio.gather(*(directory.ask("POST", "/Users", body) for _ in range(4)))
        assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]

    async def test_members_come_and_go(self, directory: Directory, unique):
        users = [(await directory.make_user(unique("u")))["id"] for _ in range(4)]
        made = await directory.make("/Groups", displayName=unique("T"), members=[{"value": users[0]}])
        path = f"/Groups/{made['id']}"
        changes = [
            *({"op": "add", "path": "members", "value": [{"value": one}]} for one in (*users[1:], users[1])),
            {"op": "remove", "path": f'members[value eq "{users[0]}"]'},
        ]
        await asyncio.gather(*(directory.patch(path, change) for change in changes))
        members = (await directory.get(path))["members"]
        assert sorted(member["value"] for member in members) == sorted(users[1:])


class TestAccess:
    async def test_only_proxy_admins_and_keys_for_scim_provision(
        self, desk: Desk, directory: Directory, unique
    ):
        user = await directory.make_user(unique("u"))
        group = await directory.make("/Groups", displayName=unique("T"))
        one = ("GET", "PUT", "PATCH", "DELETE")
        asked = [
            *(("GET", f"/{kind}", None) for kind in ("Users", "Groups", "Schemas", "ResourceTypes")),
            *(("GET", f"/{path}", None) for path in ("", "ServiceProviderConfig")),
            ("POST", "/Users", {"userName": unique("v")}),
            ("POST", "/Groups", {"displayName": unique("T")}),
            *((method, f"/Users/{user['id']}", {"userName": "x"}) for method in one),
            *((method, f"/Groups/{group['id']}", {"displayName": "x"}) for method in one),
        ]
        organizer, organizers_key = await desk.make_user("org_admin")
        await desk.make_organization(organizer)
        refused = {
            "user": (await desk.make_user())[1],
            "organizer": organizers_key,
            "no user": await desk.live.make_key(),
            "other routes": await desk.live.make_key(allowed_routes=["management_routes"]),
        }
        for who, key in refused.items():
            stranger = Directory(desk, key)
            for method, path, body in asked:
                assert await stranger.refusal(method, path, body) == (403, None), (who, method, path)
        viewer = Directory(desk, (await desk.make_user("proxy_admin_viewer"))[1])
        for method, path, body in asked:
            answer = await viewer.ask(method, path, body)
            assert answer.status_code == (200 if method == "GET" else 403), (method, path)
        assert await Directory(desk, "sk-nothing").refusal("GET", "/Users") == (401, None)
        for key in (MASTER_KEY, (await desk.make_user("proxy_admin"))[1]):
            admin = Directory(desk, key)
            assert (await admin.ask("GET", "/Users")).status_code == 200
        assert (await directory.get(f"/Users/{user['id']}"))["userName"] == user["userName"]

    async def test_a_key_for_scim_opens_nothing_else_and_nobody_makes_one(
        self, desk: Desk, directory: Directory
    ):
        assert (await desk.ask("GET", "/user/info", directory.key)).status_code == 403
        assert (await desk.live.chat(directory.key)).status_code == 403
        _, key = await desk.make_user()
        refusal = await desk.refusal("/key/generate", {"allowed_routes": ["/scim/*"]}, key)
        assert refusal[::2] == (403, "allowed_routes")

    async def test_the_maker_of_a_group_is_no_member_of_it(self, desk: Desk, unique):
        admin_id, key = await desk.make_user("proxy_admin")
        made = await Directory(desk, key).make("/Groups", displayName=unique("T"))
        assert made["members"] == []
        sql = 'SELECT changed_by FROM "LiteLLM_AuditLog" WHERE object_id = $1'
        assert await desk.value(sql, made["id"]) == admin_id


async def test_a_directory_learns_what_there_is(directory: Directory):
    config = await directory.get("/ServiceProviderConfig")
    assert (config["patch"], config["bulk"]["supported"]) == ({"supported": True}, False)
    assert [kind["id"] for kind in (await directory.get("/ResourceTypes"))["Resources"]] == ["User", "Group"]
    assert (await directory.get("/ResourceTypes/User"))["endpoint"] == "/Users"
    listed = await directory.get("/Schemas")
    assert listed["totalResults"] == 2
    schema = await directory.get(f"/Schemas/{_USER}")
    assert schema in listed["Resources"]
    assert {"userName", "emails", "active"} <= {attribute["name"] for attribute in schema["attributes"]}
    assert await directory.refusal("GET", "/Schemas/nothing") == (404, None)
    assert await directory.refusal("GET", "/ResourceTypes/nothing") == (404, None)


async def test_more_takes_no_more_statements(desk: Desk, directory: Directory, unique):
    counts: dict[str, list[int]] = {}
    for size in (1, 7):
        family = unique("family")
        users = [
            (await directory.make_user(unique("u"), name={"familyName": family}))["id"] for _ in range(size)
        ]
        members = [{"value": user_id} for user_id in users]
        external_id = unique("g")
        group = await directory.make(
            "/Groups", displayName=unique("T"), externalId=external_id, members=members
        )
        path = f"/scim/v2/Groups/{group['id']}"
        asked: list[tuple[str, str, dict[str, Any]]] = [
            ("GET", "/scim/v2/Users", {"params": {"filter": f'name.familyName eq "{family}"'}}),
            ("GET", "/scim/v2/Groups", {"params": {"filter": f'externalId eq "{external_id}"'}}),
            ("GET", path, {}),
            ("PUT", path, {"json": {"displayName": group["displayName"], "members": []}}),
            ("PATCH", path, {"json": {"Operations": [{"op": "add", "path": "members", "value": members}]}}),
            ("DELETE", path, {}),
        ]
        for method, place, sent in asked:
            name = f"{method} {place}".replace(group["id"], "one")
            counts.setdefault(name, []).append(await statements(desk, method, place, **sent))
    assert max(counts["GET /scim/v2/Users"] + counts["GET /scim/v2/Groups"]) <= 3
    assert [one for one in counts.items() if len(set(one[1])) > 1] == []
