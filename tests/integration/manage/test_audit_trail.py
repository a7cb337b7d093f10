"""Every change leaves a row that says who made it, and what was before and after."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from gateway.ids import hash_token
from tests.integration.manage.conftest import Desk
from tests.integration.serving import MASTER_KEY, bearer

pytestmark = pytest.mark.asyncio(loop_scope="session")

_LATEST = """
SELECT json_build_object('by', changed_by, 'key', changed_by_api_key, 'action', action, 'table', table_name,
    'before', before_value, 'after', updated_values) FROM "LiteLLM_AuditLog"
WHERE object_id = $1 ORDER BY id DESC LIMIT 1
"""


async def latest(desk: Desk, object_id: str) -> dict[str, Any]:
    """The newest entry about an object."""
    found = await desk.value(_LATEST, object_id)
    assert found is not None, object_id
    return json.loads(found)


async def test_a_new_key_is_noted_with_who_made_it_and_without_its_secret(desk: Desk) -> None:
    user_id, maker = await desk.make_user()

    made = await desk.post("/key/generate", {"metadata": {"note": "x", "hf_token": "hush"}}, key=maker)

    entry = await latest(desk, made["token"])
    assert (entry["by"], entry["key"]) == (user_id, hash_token(maker))
    assert (entry["action"], entry["table"]) == ("created", "LiteLLM_VerificationToken")
    assert entry["before"] is None
    assert entry["after"]["metadata"] == {"note": "x", "hf_token": "*****"}
    assert entry["after"]["token"] == "*****"
    assert made["key"] not in json.dumps(entry)


async def test_a_changed_key_is_noted_before_and_after(desk: Desk) -> None:
    token = hash_token(await desk.live.make_key(max_budget=5))

    await desk.post("/key/update", {"key": token, "max_budget": 7})

    entry = await latest(desk, token)
    assert entry["action"] == "updated"
    assert (entry["before"]["max_budget"], entry["after"]["max_budget"]) == (5, 7)


@pytest.mark.parametrize(("route", "action"), [("block", "blocked"), ("unblock", "unblocked")])
async def test_blocking_is_an_action_of_its_own(desk: Desk, route: str, action: str) -> None:
    token = hash_token(await desk.live.make_key())

    await desk.post(f"/key/{route}", {"key": token})

    entry = await latest(desk, token)
    assert (entry["action"], entry["after"]["blocked"]) == (action, route == "block")


async def test_a_deleted_key_is_noted_with_what_it_was(desk: Desk) -> None:
    token = hash_token(await desk.live.make_key(max_budget=5))

    await desk.post("/key/delete", {"keys": [token]})

    entry = await latest(desk, token)
    assert (entry["action"], entry["before"]["max_budget"], entry["after"]) == ("deleted", 5, None)


async def test_whom_the_caller_names_is_kept_apart_from_the_key_that_was_used(desk: Desk) -> None:
    headers = {**bearer(MASTER_KEY), "litellm-changed-by": "ada\tof the desk"}

    made = await desk.live.http.post("/key/generate", json={}, headers=headers)

    entry = await latest(desk, made.json()["token"])
    assert (entry["by"], entry["key"]) == ("adaof the desk", hash_token(MASTER_KEY))


async def test_every_resource_notes_what_is_made(desk: Desk, unique: Callable[[str], str]) -> None:
    name = unique("thing")

    team = await desk.post("/team/new", {"team_id": name, "members_with_roles": [{"user_id": f"{name}-ada"}]})
    await desk.post("/user/new", {"user_id": name, "auto_create_key": False})
    await desk.post("/budget/new", {"budget_id": name})
    await desk.post("/customer/new", {"user_id": name})
    await desk.post("/tag/new", {"name": name})
    await desk.post("/organization/new", {"organization_id": name, "organization_alias": name})
    await desk.post("/project/new", {"project_id": name, "team_id": team["team_id"]})

    tables = await desk.value(
        'SELECT array_agg(table_name ORDER BY table_name) FROM "LiteLLM_AuditLog" WHERE object_id = $1', name
    )
    assert tables == [
        "LiteLLM_BudgetTable",
        "LiteLLM_EndUserTable",
        "LiteLLM_OrganizationTable",
        "LiteLLM_ProjectTable",
        "LiteLLM_TagTable",
        "LiteLLM_TeamTable",
        "LiteLLM_UserTable",
    ]
    assert (await latest(desk, f"{name}-ada"))["action"] == "created"


async def test_every_resource_notes_what_is_changed(desk: Desk, unique: Callable[[str], str]) -> None:
    name = unique("thing")
    await desk.post("/team/new", {"team_id": name})
    await desk.post("/user/new", {"user_id": f"{name}-u", "auto_create_key": False})
    await desk.post("/budget/new", {"budget_id": f"{name}-b"})

    await desk.post("/team/update", {"team_id": name, "team_alias": "later"})
    await desk.post("/user/update", {"user_id": f"{name}-u", "user_alias": "later"})
    await desk.post("/budget/update", {"budget_id": f"{name}-b", "max_budget": 3})

    assert (await latest(desk, name))["after"]["team_alias"] == "later"
    assert (await latest(desk, f"{name}-u"))["after"]["user_alias"] == "later"
    assert (await latest(desk, f"{name}-b"))["after"]["max_budget"] == 3

    await desk.post("/team/member_add", {"team_id": name, "member": {"user_id": f"{name}-u"}})
    await desk.post("/budget/delete", {"id": f"{name}-b"})

    after = (await latest(desk, name))["after"]
    assert f"{name}-u" in [member["user_id"] for member in after["members_with_roles"]]
    assert (await latest(desk, f"{name}-b"))["action"] == "deleted"

    await desk.post("/team/block", {"team_id": name})

    assert (await latest(desk, name))["action"] == "blocked"


async def test_a_refused_change_leaves_no_entry(desk: Desk, unique: Callable[[str], str]) -> None:
    name = unique("taken")
    await desk.post("/budget/new", {"budget_id": name})

    await desk.post("/budget/new", {"budget_id": name}, status=400)

    assert await desk.value('SELECT count(*) FROM "LiteLLM_AuditLog" WHERE object_id = $1', name) == 1


async def test_the_trail_can_be_switched_off(desk: Desk, unique: Callable[[str], str]) -> None:
    name = unique("unseen")
    desk.live.configure(litellm_settings={"store_audit_logs": False})

    await desk.post("/budget/new", {"budget_id": name})

    assert await desk.value('SELECT count(*) FROM "LiteLLM_AuditLog" WHERE object_id = $1', name) == 0


async def test_rows_that_a_resource_links_are_noted_too(desk: Desk, unique: Callable[[str], str]) -> None:
    name = unique("linked")
    team = await desk.post("/team/new", {"team_id": name, "team_member_budget": 5})
    budget_id = team["metadata"]["team_member_budget_id"]
    assert (await latest(desk, budget_id))["after"]["max_budget"] == 5

    await desk.post("/team/update", {"team_id": name, "team_member_budget": 9})
    await desk.post("/team/update", {"team_id": name, "object_permission": {"mcp_servers": ["a"]}})
    member = {"user_id": f"{name}-ada", "role": "user"}
    await desk.post("/team/member_add", {"team_id": name, "member": member, "max_budget_in_team": 2})

    entry = await latest(desk, budget_id)
    assert (entry["before"]["max_budget"], entry["after"]["max_budget"]) == (5, 9)
    permission = await desk.value(
        'SELECT object_permission_id FROM "LiteLLM_TeamTable" WHERE team_id = $1', name
    )
    assert (await latest(desk, permission))["after"]["mcp_servers"] == ["a"]
    assert (await latest(desk, f"{name}-ada:{name}"))["after"]["max_budget"] == 2
