"""Callbacks of teams through the running app."""

import pytest
import pytest_asyncio

from tests.integration.manage.conftest import Desk
from tests.integration.manage.counting import statements

pytestmark = pytest.mark.asyncio(loop_scope="session")

_STORED = 'SELECT metadata::text FROM "LiteLLM_TeamTable" WHERE team_id = $1'
_BODY = {
    "callback_name": "langfuse",
    "callback_type": "success",
    "callback_vars": {"langfuse_public_key": "pk-1", "langfuse_secret_key": "very-secret-1"},
}


@pytest_asyncio.fixture(loop_scope="session")
async def cast(desk: Desk, unique):
    people = {name: await desk.make_user() for name in ("org_admin", "team_admin", "member", "stranger")}
    people["proxy_viewer"] = await desk.make_user("proxy_admin_viewer")
    ids = {name: user_id for name, (user_id, _) in people.items()}
    organization, team_id = await desk.make_organization(ids["org_admin"]), unique("team")
    members = [{"user_id": ids["team_admin"], "role": "admin"}, {"user_id": ids["member"]}]
    body = {"team_id": team_id, "organization_id": organization, "members_with_roles": members}
    await desk.post("/team/new", {**body, "metadata": {"mine": 1}})
    keys = {name: key for name, (_, key) in people.items()} | {"nobody": await desk.live.make_key()}
    return team_id, keys


async def test_callbacks_are_added_shown_and_taken(desk: Desk, cast):
    team_id, keys = cast
    path = f"/team/{team_id}/callback"
    added = await desk.post(path, _BODY)
    assert added["status"] == "success"
    assert added["data"] == {
        "team_id": team_id,
        "success_callbacks": ["langfuse"],
        "failure_callbacks": [],
        "callback_vars": {"langfuse_public_key": "*****", "langfuse_secret_key": "*****"},
    }
    assert (await desk.get(path, keys["team_admin"]))["data"] == added["data"]
    assert (await desk.refusal(path, _BODY))[::2] == (400, "callback_name")
    more = await desk.post(path, {"callback_name": "otel", "callback_vars": {}}, keys["team_admin"])
    assert (more["data"]["success_callbacks"], more["data"]["failure_callbacks"]) == (
        ["langfuse", "otel"],
        ["otel"],
    )
    gone = await desk.ask("DELETE", f"{path}/langfuse", keys["org_admin"])
    assert gone.json()["data"]["success_callbacks"] == ["otel"]
    assert (await desk.ask("DELETE", f"{path}/langfuse")).status_code == 404
    last = await desk.ask("DELETE", f"{path}/otel")
    assert last.json()["data"] == {
        "team_id": team_id,
        "success_callbacks": [],
        "failure_callbacks": [],
        "callback_vars": {},
    }


async def test_secrets_stay_where_they_are(desk: Desk, cast):
    team_id, keys = cast
    await desk.post(f"/team/{team_id}/callback", _BODY)
    stored = await desk.value(_STORED, team_id)
    assert "very-secret-1" not in stored
    shown = await desk.ask("GET", "/team/info", keys["member"], params={"team_id": team_id})
    assert shown.json()["team_info"]["metadata"]["callback_settings"]["callback_vars"] == {
        "langfuse_public_key": "*****",
        "langfuse_secret_key": "*****",
    }
    listed = await desk.ask("GET", "/v2/team/list", params={"team_id": team_id})
    secret = f"({_STORED})::jsonb #>> '{{callback_settings,callback_vars,langfuse_secret_key}}'"
    sealed = await desk.value(f"SELECT {secret}", team_id)
    assert sealed not in listed.text + shown.text
    # What was read is sent back by those who may write metadata: nothing changes, nothing is refused.
    body = {"team_id": team_id, "metadata": shown.json()["team_info"]["metadata"] | {"mine": 2}}
    await desk.post("/team/update", body, keys["team_admin"])
    assert await desk.value(_STORED, team_id) == stored.replace('"mine": 1', '"mine": 2')
    await desk.post(f"/team/{team_id}/disable_logging", {})


async def test_logging_is_disabled(desk: Desk, cast):
    team_id, _ = cast
    await desk.post(f"/team/{team_id}/callback", _BODY)
    said = await desk.post(f"/team/{team_id}/disable_logging", {})
    assert (said["status"], said["data"]["success_callbacks"]) == ("success", [])
    assert (await desk.get(f"/team/{team_id}/callback"))["data"]["callback_vars"] == {}


async def test_what_cannot_be_is_refused(desk: Desk, cast):
    team_id, _ = cast
    path = f"/team/{team_id}/callback"
    assert (await desk.refusal(path, {"callback_name": " ", "callback_vars": {}}))[::2] == (
        400,
        "callback_name",
    )
    many = {"callback_name": "x", "callback_vars": {str(number): "x" for number in range(51)}}
    assert (await desk.refusal(path, many))[::2] == (400, "callback_vars")
    long = {"callback_name": "x", "callback_vars": {"y": "z" * 9000}}
    assert (await desk.refusal(path, long))[::2] == (400, "callback_vars.y")
    for body in ({}, _BODY | {"callback_type": "sometimes"}, _BODY | {"callback_vars": {"a": 1}}):
        await desk.post(path, body, status=422)
    for method, route in (("GET", "callback"), ("POST", "callback"), ("DELETE", "callback/x")):
        answer = await desk.ask(method, f"/team/none/{route}", json=_BODY)
        assert answer.status_code == 404
    await desk.post("/team/none/disable_logging", {}, status=404)


async def test_who_does_it(desk: Desk, cast):
    team_id, keys = cast
    path = f"/team/{team_id}/callback"
    for caller in ("member", "stranger", "proxy_viewer", "nobody"):
        await desk.post(path, _BODY, keys[caller], 403)
        assert (await desk.ask("DELETE", f"{path}/x", keys[caller])).status_code == 403
        if caller != "proxy_viewer":
            await desk.get(path, keys[caller], 403)
    await desk.get(path, keys["proxy_viewer"])
    for key in keys.values():
        await desk.post(f"/team/{team_id}/disable_logging", {}, key, 401)
    assert await statements(desk, "GET", path) == 1
