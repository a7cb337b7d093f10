"""Users ask for models, and administrators decide, through the running app."""

import pytest

from tests.integration.manage.conftest import Desk
from tests.integration.manage.counting import statements
from tests.integration.serving import LiveGateway

pytestmark = pytest.mark.asyncio(loop_scope="session")

ASK, SEE = "/user/request_model", "/user/get_requests"
APPROVE, DISAPPROVE = "/user/approve_request", "/user/disapprove_request"


async def restricted(desk: Desk, *models: str) -> tuple[str, str]:
    """A user with a list of models, and its key."""
    user_id, key = await desk.make_user()
    await desk.post("/user/update", {"user_id": user_id, "models": list(models)})
    return user_id, key


async def test_an_approved_request_opens_the_models(desk: Desk, live: LiveGateway, at_once):
    user_id, key = await restricted(desk, "other")
    assert (await live.chat(key)).status_code == 403
    asked = await desk.post(ASK, {"models": ["m"], "justification": "For the report"}, key)
    assert (asked["user_id"], asked["models"], asked["status"]) == (user_id, ["m"], "pending")
    listed = await desk.ask("GET", SEE, params={"status": "pending", "user_id": user_id})
    assert [one["request_id"] for one in listed.json()["requests"]] == [asked["request_id"]]
    approved = await desk.post(APPROVE, {"request_id": asked["request_id"]})
    assert approved["status"] == "approved"
    await at_once(lambda: live.chat(key), 200)
    shown = await desk.get("/v2/user/info", user_id=user_id)
    assert shown["models"] == ["other", "m"]
    for path in (APPROVE, DISAPPROVE):
        body = {"request_id": asked["request_id"]}
        assert (await desk.refusal(path, body))[::2] == (409, "request_id")
    sql = 'SELECT count(*) FROM "LiteLLM_AuditLog" WHERE object_id = $1'
    assert await desk.value(sql, asked["request_id"]) == 2


async def test_a_disapproved_request_opens_nothing(desk: Desk, live: LiveGateway):
    _, key = await restricted(desk, "other")
    asked = await desk.post(ASK, {"models": ["m"], "justification": "Please"}, key)
    assert (await desk.post(DISAPPROVE, {"request_id": asked["request_id"]}))["status"] == "disapproved"
    assert (await live.chat(key)).status_code == 403
    mine = await desk.get(SEE, key)
    assert [(one["status"], one["models"]) for one in mine["requests"]] == [("disapproved", ["m"])]
    assert mine["total"] == 1


async def test_lists_keep_their_meaning(desk: Desk):
    user_id, key = await desk.make_user()
    asked = await desk.post(ASK, {"models": ["m"], "justification": "Please"}, key)
    await desk.post(APPROVE, {"request_id": asked["request_id"]})
    assert (await desk.get("/v2/user/info", user_id=user_id))["models"] == []
    nothing, key = await restricted(desk, "no-default-models")
    asked = await desk.post(ASK, {"models": ["m"], "justification": "Please"}, key)
    await desk.post(APPROVE, {"request_id": asked["request_id"]})
    assert (await desk.get("/v2/user/info", user_id=nothing))["models"] == ["m"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"models": [], "justification": "x"}, "models"),
        ({"models": [""], "justification": "x"}, "models[0]"),
        ({"models": ["m"], "justification": " "}, "justification"),
        ({"models": ["m"], "justification": "x" * 9000}, "justification"),
    ],
)
async def test_what_cannot_be_asked_is_refused(desk: Desk, body, param):
    assert (await desk.refusal(ASK, body))[::2] == (400, param)
    await desk.post(ASK, {}, status=422)


async def test_who_asks_sees_and_decides(desk: Desk):
    user_id, key = await desk.make_user()
    _, other = await desk.make_user()
    _, viewer = await desk.make_user("internal_user_viewer")
    _, proxy_viewer = await desk.make_user("proxy_admin_viewer")
    nobody = await desk.live.make_key()
    body = {"models": ["m"], "justification": "Please", "user_id": user_id}
    for caller in (other, viewer, proxy_viewer, nobody):
        await desk.post(ASK, body, caller, 403)
    asked = await desk.post(ASK, body, key)
    assert (await desk.post(ASK, body))["user_id"] == user_id
    assert (await desk.refusal(ASK, body | {"user_id": "nobody at all"}))[::2] == (404, "user_id")
    for caller in (other, nobody, viewer):
        await desk.get(SEE, caller, 403, user_id=user_id)
    await desk.get(SEE, nobody, 403)
    assert (await desk.get(SEE, other))["requests"] == []
    assert (await desk.get(SEE, proxy_viewer, user_id=user_id))["total"] == 2
    for path in (APPROVE, DISAPPROVE):
        for caller in (key, other, viewer, proxy_viewer, nobody):
            await desk.post(path, {"request_id": asked["request_id"]}, caller, 401)
        assert (await desk.refusal(path, {"request_id": "none"}))[::2] == (404, "request_id")
    answer = await desk.ask("GET", SEE, params={"status": "lost"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "status")


async def test_requests_that_wait_are_bounded(desk: Desk):
    user_id, key = await desk.make_user()
    await desk.run(
        """INSERT INTO "LiteLLM_UserNotifications" (request_id, user_id, models, justification, status)
           SELECT $1 || number, $1, '{m}', 'x', 'pending' FROM generate_series(1, 100) AS number""",
        user_id,
    )
    body = {"models": ["m"], "justification": "One more"}
    assert (await desk.refusal(ASK, body, key))[::2] == (409, "user_id")
    assert await statements(desk, "GET", SEE, params={"page_size": 100}) == 2
