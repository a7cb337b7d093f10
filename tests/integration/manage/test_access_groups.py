"""Unified access groups through the running app: both sides of every link, and what they open."""

import pytest

from gateway.ids import hash_token
from tests.integration.manage.conftest import Desk
from tests.integration.manage.counting import statements
from tests.integration.serving import MASTER_KEY, LiveGateway, deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")

BOTH = pytest.mark.parametrize("path", ["/v1/access_group", "/v1/unified_access_group"])


async def make(desk: Desk, name: str, path: str = "/v1/access_group", **members: object) -> dict:
    return await desk.post(path, {"access_group_name": name, **members}, status=201)


async def put(desk: Desk, group_id: str, body: dict, key: str = MASTER_KEY, status: int = 200) -> dict:
    answer = await desk.ask("PUT", f"/v1/access_group/{group_id}", key, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def drop(desk: Desk, group_id: str, key: str = MASTER_KEY, status: int = 204) -> None:
    answer = await desk.ask("DELETE", f"/v1/access_group/{group_id}", key)
    assert answer.status_code == status, answer.text


async def groups_of(desk: Desk, table: str, column: str, value: str) -> list[str]:
    return await desk.value(f'SELECT access_group_ids FROM "{table}" WHERE {column} = $1', value)


async def groups_of_key(desk: Desk, key: str) -> list[str]:
    return await groups_of(desk, "LiteLLM_VerificationToken", "token", hash_token(key))


async def groups_of_team(desk: Desk, team_id: str) -> list[str]:
    return await groups_of(desk, "LiteLLM_TeamTable", "team_id", team_id)


@BOTH
async def test_a_group_is_made_shown_changed_and_deleted(desk: Desk, unique, path):
    name = unique("group")
    key = await desk.live.make_key(key_alias=unique("alias"))
    team = (await desk.post("/team/new", {"team_alias": "T"}))["team_id"]
    lists = {"access_model_names": ["m", "m"], "assigned_key_ids": [key], "assigned_team_ids": [team]}
    made = await make(desk, name, path, description="D", **lists)
    group_id = made["access_group_id"]
    assert (made["access_group_name"], made["description"]) == (name, "D")
    assert (made["access_model_names"], made["assigned_key_ids"]) == (["m"], [hash_token(key)])
    assert made["assigned_teams"] == [{"id": team, "name": "T"}]
    assert (made["access_mcp_servers"], made["access_agents"]) == ([], [])
    assert await groups_of_key(desk, key) == [group_id]
    assert await groups_of_team(desk, team) == [group_id]
    assert await desk.get(f"{path}/{group_id}") == made
    changed = await put(desk, group_id, {"description": None, "assigned_team_ids": []})
    assert (changed["description"], changed["assigned_team_ids"]) == (None, [])
    assert changed["access_model_names"] == ["m"]
    assert await groups_of_team(desk, team) == []
    assert await groups_of_key(desk, key) == [group_id]
    answer = await desk.ask("DELETE", f"{path}/{group_id}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert await groups_of_key(desk, key) == []
    await desk.get(f"{path}/{group_id}", status=404)


async def test_it_opens_its_models_at_once_and_closes_them(desk: Desk, live: LiveGateway, unique, at_once):
    live.configure(deployment("m", live.upstream), deployment("other", live.upstream))
    key = await live.make_key(models=["m"])
    team = (await desk.post("/team/new", {"models": ["m"]}))["team_id"]
    team_key = await live.make_key(team_id=team)
    for one in (key, team_key):
        assert (await live.chat(one, "other")).status_code == 403
    lists = {"assigned_key_ids": [hash_token(key)], "assigned_team_ids": [team]}
    group = (await make(desk, unique("group"), access_model_names=["other"], **lists))["access_group_id"]
    for one in (key, team_key):
        await at_once(lambda one=one: live.chat(one, "other"), 200)
    await put(desk, group, {"access_model_names": []})
    for one in (key, team_key):
        await at_once(lambda one=one: live.chat(one, "other"), 403)
    await put(desk, group, {"access_model_names": ["other"]})
    await at_once(lambda: live.chat(key, "other"), 200)
    await drop(desk, group)
    for one in (key, team_key):
        await at_once(lambda one=one: live.chat(one, "other"), 403)


async def test_a_name_is_given_once(desk: Desk, unique):
    name, other = unique("group"), unique("group")
    first, second = await make(desk, name), await make(desk, other)
    again = await desk.post("/v1/access_group", {"access_group_name": name}, status=409)
    assert name in again["detail"]["error"]
    await put(desk, second["access_group_id"], {"access_group_name": name}, status=409)
    same = await put(desk, first["access_group_id"], {"access_group_name": name})
    assert same["access_group_name"] == name


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"assigned_team_ids": ["none"]}, "assigned_team_ids[0]: "),
        ({"assigned_key_ids": ["sk-none"]}, "assigned_key_ids[0]: "),
        ({"access_mcp_server_ids": ["none"]}, "access_mcp_server_ids[0]: "),
        ({"access_agent_ids": ["none"]}, "access_agent_ids[0]: "),
        ({"access_model_names": [""]}, "access_model_names[0]: "),
        ({"access_group_name": " "}, "name: "),
    ],
)
async def test_what_cannot_be_is_refused_whole(desk: Desk, unique, members, said):
    name = unique("group")
    refused = await desk.post("/v1/access_group", {"access_group_name": name} | members, status=400)
    assert said in refused["detail"]["error"]
    made = await make(desk, name)
    refused = await put(desk, made["access_group_id"], {"description": "D"} | members, status=400)
    assert said in refused["detail"]["error"]
    assert await desk.get(f"/v1/access_group/{made['access_group_id']}") == made


async def test_what_is_no_group_is_refused(desk: Desk, unique):
    await desk.post("/v1/access_group", {}, status=422)
    await desk.post("/v1/access_group", {"access_group_name": "x", "access_model_names": "m"}, status=422)
    made = await make(desk, unique("group"))
    await put(desk, made["access_group_id"], {"access_group_name": None}, status=400)
    await put(desk, "none", {}, status=404)
    await drop(desk, "none", status=404)
    assert "none" in (await desk.get("/v1/access_group/none", status=404))["detail"]["error"]


async def test_servers_and_agents_are_shown_by_name(desk: Desk, unique):
    server, agent = unique("server"), unique("agent")
    await desk.run(
        """INSERT INTO "LiteLLM_MCPServerTable" (server_id, server_name, updated_at)
           VALUES ($1, 'S', now())""",
        server,
    )
    await desk.run(
        """INSERT INTO "LiteLLM_AgentsTable"
           (agent_id, agent_name, agent_card_params, created_by, updated_by, updated_at)
           VALUES ($1, $1, '{}', 'x', 'x', now())""",
        agent,
    )
    made = await make(desk, unique("group"), access_mcp_server_ids=[server], access_agent_ids=[agent])
    assert made["access_mcp_servers"] == [{"id": server, "name": "S"}]
    assert made["access_agents"] == [{"id": agent, "name": agent}]


async def test_lists_go_page_by_page(desk: Desk, unique):
    made = sorted([(await make(desk, unique("group")))["access_group_id"] for _ in range(3)])
    rows = await desk.get("/v1/access_group", limit=10_000)
    listed = [row["access_group_id"] for row in rows]
    assert set(made) <= set(listed)
    assert listed == sorted(listed)
    answer = await desk.ask("GET", "/v1/unified_access_group", params={"after": made[0], "limit": 1})
    assert answer.headers["x-gatewright-next"] == answer.json()[0]["access_group_id"]


async def test_who_may(desk: Desk, unique):
    made = await make(desk, unique("group"))
    path = f"/v1/access_group/{made['access_group_id']}"
    organizer, organizer_key = await desk.make_user()
    await desk.make_organization(organizer)
    callers = {
        organizer_key: 401,
        (await desk.make_user("internal_user_viewer"))[1]: 401,
        (await desk.make_user("proxy_admin_viewer"))[1]: 200,
        await desk.live.make_key(): 401,
    }
    for key, reading in callers.items():
        await desk.get("/v1/access_group", key, reading)
        await desk.get(path, key, reading)
        await desk.post("/v1/access_group", {"access_group_name": "x"}, key, 401)
        await put(desk, made["access_group_id"], {"description": "x"}, key, 401)
        await drop(desk, made["access_group_id"], key, 401)


async def test_the_number_of_statements_does_not_grow_with_what_is_shown(desk: Desk, unique):
    keys = [await desk.live.make_key() for _ in range(8)]
    body = {"access_group_name": unique("group"), "assigned_key_ids": keys}
    assert await statements(desk, "POST", "/v1/access_group", json=body) <= 10
    made = await make(desk, unique("group"), assigned_key_ids=keys)
    path = f"/v1/access_group/{made['access_group_id']}"
    assert await statements(desk, "GET", "/v1/access_group") <= 2
    assert await statements(desk, "GET", path) <= 2
    assert await statements(desk, "PUT", path, json={"assigned_key_ids": keys[:1]}) <= 12
    assert await statements(desk, "DELETE", path) <= 9
