"""One change for many keys of a team, through the running app."""

import pytest

from gateway.ids import hash_token
from tests.integration.manage.conftest import Desk

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATH = "/team/key/bulk_update"


async def limit_of(desk: Desk, key: str) -> object:
    sql = 'SELECT rpm_limit FROM "LiteLLM_VerificationToken" WHERE token = $1'
    return await desk.value(sql, hash_token(key))


async def test_the_keys_of_a_team_are_changed_together(desk: Desk, unique):
    team_id = unique("team")
    await desk.post("/team/new", {"team_id": team_id})
    first, second = [await desk.live.make_key(team_id=team_id) for _ in range(2)]
    foreign = await desk.live.make_key()
    named = {"team_id": team_id, "key_ids": [first, hash_token(second), foreign]}
    said = await desk.post(PATH, {**named, "update_fields": {"rpm_limit": 7}})
    assert said["total_requested"] == 3
    assert [one["key"] for one in said["successful_updates"]] == [first, hash_token(second)]
    assert [(one["key"], one["failed_reason"]) for one in said["failed_updates"]] == [
        (foreign, "The team has no such key.")
    ]
    assert [await limit_of(desk, key) for key in (first, second, foreign)] == [7, 7, None]
    everything = {"team_id": team_id, "all_keys_in_team": True, "update_fields": {"rpm_limit": None}}
    assert len((await desk.post(PATH, everything))["successful_updates"]) == 2
    assert await limit_of(desk, first) is None


async def test_what_cannot_be_is_refused(desk: Desk, unique):
    team_id = unique("team")
    await desk.post("/team/new", {"team_id": team_id})
    key = await desk.live.make_key(team_id=team_id)
    body = {"team_id": team_id, "key_ids": [key], "update_fields": {"rpm_limit": 1}}
    for change, param in (
        ({"update_fields": {}}, "update_fields"),
        ({"update_fields": {"key_alias": "x"}}, "update_fields.key_alias"),
        ({"update_fields": {"team_id": "x"}}, "update_fields.team_id"),
        ({"update_fields": {"spend": 0}}, "update_fields.spend"),
        ({"key_ids": []}, "key_ids"),
        ({"all_keys_in_team": True}, "key_ids"),
        ({"key_ids": [str(number) for number in range(501)]}, "key_ids"),
    ):
        assert (await desk.refusal(PATH, body | change))[::2] == (400, param)
    await desk.post(PATH, body | {"update_fields": {"rpm_limit": "many"}}, status=422)
    assert (await desk.refusal(PATH, body | {"team_id": "none"}))[::2] == (404, "team_id")
    said = await desk.post(PATH, body | {"update_fields": {"rpm_limit": -1}})
    assert "rpm_limit" in said["failed_updates"][0]["failed_reason"]


async def test_who_changes_them(desk: Desk, unique):
    team_admin, admin_key = await desk.make_user()
    member, member_key = await desk.make_user()
    _, viewer_key = await desk.make_user("internal_user_viewer")
    team_id = unique("team")
    members = [{"user_id": team_admin, "role": "admin"}, {"user_id": member}]
    await desk.post("/team/new", {"team_id": team_id, "members_with_roles": members})
    key = await desk.live.make_key(team_id=team_id, user_id=member)
    body = {"team_id": team_id, "key_ids": [key], "update_fields": {"rpm_limit": 3}}
    await desk.post(PATH, body, member_key, 403)
    await desk.post(PATH, body, viewer_key, 401)
    await desk.post(PATH, body, await desk.live.make_key(), 401)
    assert len((await desk.post(PATH, body, admin_key))["successful_updates"]) == 1
    raised = body | {"update_fields": {"permissions": {"x": True}}}
    refused = (await desk.post(PATH, raised, admin_key))["failed_updates"]
    assert "permissions" in refused[0]["failed_reason"]
