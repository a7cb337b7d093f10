"""Credentials that users bring for MCP servers: encrypted, theirs alone, and what servers are asked with."""

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.counting import heard
from tests.integration.manage.conftest import Desk
from tests.integration.manage.counting import statements
from tests.integration.manage.mcp_serving import (
    CALL,
    SERVERS,
    body_of,
    call,
    emptied,
    make,
    unique,
    until_served,
)
from tests.integration.request_path.mcp import connect
from tests.integration.serving import LiveGateway, bearer, deployment, eventually
from tests.mcp_servers import McpFixture

pytestmark = pytest.mark.asyncio(loop_scope="session")

OWN = "/v1/mcp/user-credentials"
MINE, YOURS = "credential-of-mine-0123", "credential-of-yours-0123"


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture() as running:
        yield running


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def configured(live: LiveGateway) -> AsyncIterator[None]:
    live.configure(deployment("m", live.upstream), mcp_servers={})
    async with emptied(live):
        yield


async def make_byok(desk: Desk, server: McpFixture, **members: object) -> str:
    body = {**body_of(server, unique()), "credentials": None, "is_byok": True, **members}
    made = await make(desk, body)
    assert made["is_byok"]
    return made["server_id"]


def place_of(identifier: str) -> str:
    return f"{SERVERS}/{identifier}/user-credential"


async def test_variables_that_are_given_at_the_same_time_are_all_kept(desk: Desk, server: McpFixture) -> None:
    names = [f"V{number}" for number in range(8)]
    wanted = [{"name": name} for name in names]
    headers = {"x-all": "".join(f"${{{name}}}" for name in names)}
    made = await make(desk, body_of(server, unique(), env_vars=wanted, static_headers=headers))
    place, (_, key) = f"{SERVERS}/{made['server_id']}/user-env-vars", await desk.make_user()
    await asyncio.gather(*(desk.post(place, {"values": {name: "x"}}, key) for name in names))
    assert (await desk.get(place, key))["missing_count"] == 0


async def test_variables_of_users_stand_in_the_headers_of_the_operator(
    desk: Desk, server: McpFixture
) -> None:
    wanted = [{"name": "REGION", "description": "Where you are."}, {"name": "TEAM"}]
    headers = {"x-region": "in ${REGION}", "x-team": "${TEAM}/${OTHER}"}
    made = await make(desk, body_of(server, unique(), env_vars=wanted, static_headers=headers))
    identifier, name = made["server_id"], made["server_name"]
    place, every = f"{SERVERS}/{identifier}/user-env-vars", "/v1/mcp/user-env-vars/status"
    (user, mine), (_, yours) = await desk.make_user(), await desk.make_user()
    refused = await call(desk, mine, identifier)
    assert (refused.status_code, "REGION, TEAM" in refused.text) == (401, True)
    await desk.post(place, {"values": {"REGION": "the north"}}, yours)
    await desk.post(place, {"values": {"REGION": "the south"}}, mine)
    told = await desk.post(place, {"values": {"TEAM": "t1"}}, mine)
    assert (told["missing_count"], [one["is_set"] for one in told["required"]]) == (0, [True, True])
    assert (await desk.get(place, mine), await desk.get(every, mine)) == (told, [told])
    assert [one["missing_count"] for one in await desk.get(every, yours)] == [1]

    server.headers.clear()
    assert (await call(desk, mine, identifier)).status_code == 200
    for asked in server.headers:
        assert (asked["x-region"], asked["x-team"]) == ("in the south", "t1/${OTHER}")
    assert "TEAM" in (await call(desk, yours, identifier)).text
    async with connect(desk.live, mine, f"/{name}/mcp") as client:
        assert len((await client.list_tools()).tools) == 4
    sql = "SELECT string_agg(credential_b64, ',') FROM \"LiteLLM_MCPUserCredentials\""
    assert "south" not in await desk.value(sql)
    assert "south" not in str(await desk.get("/audit", object_id=f"{user}:{identifier}#env"))
    assert await desk.get(OWN, mine) == []

    for values, status in (({"OTHER": "x"}, 400), ({"TEAM": "a\nb"}, 400), ({"TEAM": 1}, 422)):
        assert (await desk.ask("POST", place, mine, json={"values": values})).status_code == status
    closed = await desk.live.make_key(user_id=user, object_permission={"mcp_servers": ["no_mcp_servers"]})
    assert (await desk.ask("GET", place, closed)).status_code == 404
    assert (await desk.ask("DELETE", place, mine)).json()["missing_count"] == 2
    assert (await call(desk, mine, identifier)).status_code == 401
    assert (await desk.ask("DELETE", f"{SERVERS}/{identifier}")).status_code == 202
    assert await desk.value(sql) is None


async def test_values_for_everybody_are_the_operators_secrets(desk: Desk, server: McpFixture) -> None:
    def variables(**values: str | None) -> list[dict[str, Any]]:
        everybody = [{"name": name, "scope": "global", "value": value} for name, value in values.items()]
        return [*everybody, {"name": "TEAM", "scope": "user", "value": "a hint"}]

    headers = {"x-tenant": "${TENANT}/${TEAM}", "x-plain": "${PLAIN}"}
    sent = {"env_vars": variables(TENANT="acme-0123456789", PLAIN="p"), "static_headers": headers}
    body = body_of(server, unique(), **sent)
    answer = await desk.ask("POST", SERVERS, json={**body, "env_vars": variables(TENANT=None)})
    assert (answer.status_code, "'TENANT' is everybody's" in answer.text) == (400, True)
    made = await make(desk, body)
    identifier, place = made["server_id"], f"{SERVERS}/{made['server_id']}/user-env-vars"
    masked = {"name": "TENANT", "description": None, "scope": "global", "value": "*****"}
    assert made["env_vars"][0] == masked
    _, key = await desk.make_user()
    told = await desk.post(place, {"values": {"TEAM": "t1"}}, key)
    assert ([one["name"] for one in told["required"]], told["missing_count"]) == (["TEAM"], 0)
    answer = await desk.ask("POST", place, key, json={"values": {"TENANT": "mine"}})
    assert answer.status_code == 400

    async def seen() -> set[tuple[str, str]]:
        server.headers.clear()
        assert (await call(desk, key, identifier)).status_code == 200
        return {(one["x-tenant"], one["x-plain"]) for one in server.headers}

    assert await seen() == {("acme-0123456789/t1", "p")}
    change = {"server_id": identifier, "env_vars": variables(TENANT="*****", PLAIN="q")}
    assert (await desk.ask("PUT", SERVERS, json=change)).status_code == 202
    added = desk.live.gateway.parts.added
    await eventually(lambda: added.current.mcp.servers[0].settings["env"]["PLAIN"] == "q")
    assert await seen() == {("acme-0123456789/t1", "q")}
    sql = 'SELECT t::text FROM "LiteLLM_MCPServerTable" t WHERE server_id = $1'
    stored = await desk.value(sql, identifier)
    everywhere = [stored, await desk.get("/audit", object_id=identifier), await desk.get(SERVERS)]
    assert "acme-0123456789" not in str(everywhere)
    assert "a hint" not in str(everywhere)
    change = {"server_id": identifier, "env_vars": [], "static_headers": {}}
    assert (await desk.ask("PUT", SERVERS, json=change)).json()["env"] == {}


async def test_values_for_everybody_stand_in_the_configuration(desk: Desk, server: McpFixture) -> None:
    variables = [{"name": "TENANT", "value": "acme-0123456789"}]
    conf = {"url": server.url, "env_vars": variables, "static_headers": {"x-tenant": "${TENANT}"}}
    desk.live.configure(deployment("m", desk.live.upstream), mcp_servers={"conf": conf})
    server.headers.clear()
    assert (await call(desk, await desk.live.make_key(), "conf")).status_code == 200
    assert {one["x-tenant"] for one in server.headers} == {"acme-0123456789"}
    assert "acme-0123456789" not in str(await desk.get(SERVERS))


async def test_a_server_is_asked_with_what_each_user_has_stored(desk: Desk, server: McpFixture) -> None:
    identifier = await make_byok(desk, server)
    (user, mine), (_, yours) = await desk.make_user(), await desk.make_user()
    for key in (mine, await desk.live.make_key()):
        refused = await call(desk, key, identifier)
        assert (refused.status_code, refused.json()["error"]["type"]) == (401, "mcp_credential_missing")
    for key, credential in ((mine, MINE), (yours, YOURS)):
        stored = await desk.post(place_of(identifier), {"credential": credential}, key)
        assert stored == {"server_id": identifier, "has_credential": True}
    for key, credential in ((mine, MINE), (yours, YOURS), (mine, MINE)):
        server.headers.clear()
        assert (await call(desk, key, identifier)).status_code == 200
        assert {asked["authorization"] for asked in server.headers} == {f"Bearer {credential}"}
        assert (await desk.get(SERVERS, key))[0]["has_user_credential"]
    sql = "SELECT string_agg(credential_b64, ',') FROM \"LiteLLM_MCPUserCredentials\" WHERE server_id = $1"
    text = await desk.value(sql, identifier)
    assert MINE not in text
    assert [one["server_id"] for one in await desk.get(OWN, mine)] == [identifier]
    users = [one["user_id"] for one in await desk.get(f"{place_of(identifier)}s")]
    assert len(users) == 2
    assert MINE not in str(await desk.get("/audit", object_id=f"{user}:{identifier}"))

    assert (await desk.ask("DELETE", place_of(identifier), mine)).json()["has_credential"] is False
    assert (await desk.ask("DELETE", place_of(identifier), mine)).status_code == 404
    assert (await call(desk, mine, identifier)).status_code == 401
    other = {"user_id": users[0] if users[0] != user else users[1]}
    assert (await desk.ask("DELETE", place_of(identifier), mine, params=other)).status_code == 403
    assert (await desk.ask("DELETE", place_of(identifier), params=other)).status_code == 200
    assert await desk.get(OWN, yours) == []


async def test_what_several_servers_list_is_each_users_own(desk: Desk, server: McpFixture) -> None:
    identifier = await make_byok(desk, server, auth_type="api_key")
    (_, mine), (_, yours) = await desk.make_user(), await desk.make_user()
    await desk.post(place_of(identifier), {"credential": MINE}, mine)
    listed = await desk.live.http.get("/mcp-rest/tools/list", headers=bearer(mine))
    assert len(listed.json()["tools"]) == 4
    assert server.headers[-1]["x-api-key"] == MINE
    missing = (await desk.live.http.get("/mcp-rest/tools/list", headers=bearer(yours))).json()
    assert (missing["tools"], missing["error"]) == ([], "server_error")


async def test_what_cannot_be_stored_is_refused(desk: Desk, server: McpFixture) -> None:
    identifier, plain = await make_byok(desk, server), await make(desk, body_of(server, unique()))
    _, key = await desk.make_user()
    closed = await desk.live.make_key(object_permission={"mcp_servers": ["elsewhere"]}, user_id="somebody")
    for asker, place, credential, status in (
        (key, identifier, "", 400),
        (key, identifier, "two\r\nlines", 400),
        (key, identifier, "x" * 9_000, 400),
        (key, plain["server_id"], MINE, 400),
        (key, "nobody", MINE, 404),
        (closed, identifier, MINE, 404),
        (await desk.live.make_key(), identifier, MINE, 400),
    ):
        answer = await desk.ask("POST", place_of(place), asker, json={"credential": credential})
        assert answer.status_code == status, (credential[:20], answer.text)
    unsaved = await desk.post(place_of(identifier), {"credential": MINE, "save": False}, key)
    assert unsaved["has_credential"] is False
    sent = {**body_of(server, unique()), "is_byok": True}
    assert (await desk.ask("POST", SERVERS, json=sent)).status_code == 400
    assert (await desk.ask("GET", f"{place_of(identifier)}s", key)).status_code == 401


async def test_credentials_of_other_writers_are_read_and_go_with_the_server(
    desk: Desk, server: McpFixture
) -> None:
    identifier = await make_byok(desk, server)
    user, key = await desk.make_user()
    await desk.run(
        """INSERT INTO "LiteLLM_MCPUserCredentials" (id, user_id, server_id, credential_b64, updated_at)
           VALUES ($1, $1, $2, $3, now())""",
        user,
        identifier,
        base64.b64encode(MINE.encode()).decode(),
    )
    server.headers.clear()
    assert (await call(desk, key, identifier)).status_code == 200
    assert server.headers[-1]["authorization"] == f"Bearer {MINE}"
    assert (await desk.ask("DELETE", f"{SERVERS}/{identifier}")).status_code == 202
    await until_served(desk, identifier, is_there=False)
    await make_byok(desk, server, server_id=identifier)
    assert (await call(desk, key, identifier)).status_code == 401


async def test_the_statements_are_counted_and_calls_need_none(desk: Desk, server: McpFixture) -> None:
    identifier = await make_byok(desk, server)
    _, key = await desk.make_user("proxy_admin")
    sent = {"json": {"credential": MINE}, "key": key}
    await heard(desk.live)
    await desk.post(place_of(identifier), {"credential": "first"}, key)
    found = {
        "POST": await statements(desk, "POST", place_of(identifier), **sent),
        "OWN": await statements(desk, "GET", OWN, key=key),
        "LIST": await statements(desk, "GET", f"{place_of(identifier)}s", key=key),
    }
    assert found == {"POST": 4, "OWN": 3, "LIST": 1}
    asked = {"json": {"server_id": identifier, **CALL}, "key": key}
    await desk.ask("POST", "/mcp-rest/tools/call", **asked)
    assert await statements(desk, "POST", "/mcp-rest/tools/call", **asked) == 0
    assert await statements(desk, "DELETE", place_of(identifier), key=key) == 3
