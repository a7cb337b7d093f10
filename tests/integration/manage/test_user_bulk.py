"""Users who are made and deleted together, through the running app."""

import pytest

from tests.integration.manage.conftest import Desk
from tests.integration.serving import LiveGateway

pytestmark = pytest.mark.asyncio(loop_scope="session")

MAKE, DELETE = "/management/v1/users/bulk", "/management/v1/users/bulk_delete"


async def test_each_user_is_made_by_itself(desk: Desk, live: LiveGateway, unique):
    first, taken = unique("user"), unique("taken")
    await desk.post("/user/new", {"user_id": taken, "auto_create_key": False})
    users = [{"user_id": first, "max_budget": 3}, {"user_id": taken}, {"max_budget": -1}]
    said = await desk.post(MAKE, {"users": users})
    assert [one["success"] for one in said["data"]] == [True, False, False]
    assert said["meta"] == {"total_requested": 3, "successful": 1, "failed": 2}
    assert (await live.chat(said["data"][0]["user"]["key"])).status_code == 200
    assert "already exists" in said["data"][1]["error"]
    gone = await desk.post(DELETE, {"user_ids": [first, "nobody at all", taken]})
    assert [(one["user_id"], one["success"]) for one in gone["data"]] == [
        (first, True),
        ("nobody at all", False),
        (taken, True),
    ]
    await desk.get("/v2/user/info", user_id=first, status=404)
    assert [one["success"] for one in (await desk.post(DELETE, {"user_ids": [first]}))["data"]] == [False]


async def test_what_cannot_be_is_refused(desk: Desk):
    for users in ([], [{"user_id": str(number)} for number in range(501)]):
        assert (await desk.refusal(MAKE, {"users": users}))[::2] == (400, "users")
    await desk.post(MAKE, {"users": [{"max_budget": "much"}]}, status=422)
    assert (await desk.refusal(DELETE, {"user_ids": []}))[::2] == (400, "user_ids")


async def test_who_does_it(desk: Desk, unique):
    organizer, organizer_key = await desk.make_user()
    _, other = await desk.make_user()
    _, viewer = await desk.make_user("internal_user_viewer")
    organization, user_id = await desk.make_organization(organizer), unique("user")
    body = {"users": [{"user_id": user_id, "organizations": [organization]}, {"user_id": unique("none")}]}
    for caller in (other, viewer, await desk.live.make_key()):
        await desk.post(MAKE, body, caller, 401)
    said = await desk.post(MAKE, body, organizer_key)
    assert [one["success"] for one in said["data"]] == [True, False]
    for caller, status in ((other, 401), (viewer, 403), (await desk.live.make_key(), 401)):
        await desk.post(DELETE, {"user_ids": [user_id]}, caller, status)
        await desk.post(DELETE, {"user_ids": ["nobody at all"]}, caller, status)
    assert (await desk.post(DELETE, {"user_ids": [user_id]}, organizer_key))["data"][0]["success"]
