"""What guardrails did: counted with the books, and shown by the usage routes."""

import pytest

from tests.integration.manage.conftest import Desk
from tests.integration.serving import LiveGateway, deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")

NAME = "usage-words"
WORDS = [{"keyword": "aurora"}, {"keyword": "borealis", "action": "MASK"}]
TEXTS = ["hello", "hello", "aurora", "borealis"]


@pytest.fixture(autouse=True)
def configured(live: LiveGateway) -> None:
    params = {"guardrail": "keywords", "mode": ["pre_call", "post_call"], "blocked_words": WORDS}
    item = {"guardrail_name": NAME, "litellm_params": params, "guardrail_info": {"description": "Words."}}
    live.configure(deployment("m", live.upstream), guardrails=[item])


async def ask(live: LiveGateway, key: str) -> None:
    for text in TEXTS:
        await live.chat(key, messages=[{"role": "user", "content": text}], guardrails=[NAME])
    await live.rows(key)


async def test_what_guardrails_did_is_counted_and_shown(desk: Desk, live: LiveGateway, key: str) -> None:
    await desk.run("""DELETE FROM "LiteLLM_DailyGuardrailMetrics" WHERE guardrail_id = $1""", NAME)
    await ask(live, key)
    await ask(live, key)
    detail = await desk.get(f"/guardrails/usage/detail/{NAME}")
    assert (detail["requestsEvaluated"], detail["failRate"], detail["status"]) == (8, 25.0, "critical")
    assert (detail["provider"], detail["description"], detail["trend"]) == ("keywords", "Words.", "stable")
    assert detail["avgScore"] is None
    assert detail["avgLatency"] > 0
    (day,) = detail["time_series"]
    assert (day["requests"], day["passed"], day["blocked"], day["flagged"]) == (8, 4, 2, 2)
    overview = await desk.get("/guardrails/usage/overview")
    (row,) = [row for row in overview["rows"] if row["name"] == NAME]
    assert (row["id"], row["requestsEvaluated"]) == (NAME, 8)
    assert overview["totalRequests"] >= 8
    assert overview["totalBlocked"] >= 2
    assert sum(day["blocked"] for day in overview["chart"]) == overview["totalBlocked"]


async def test_the_requests_that_a_guardrail_saw(desk: Desk, live: LiveGateway, key: str) -> None:
    await ask(live, key)
    ours = {row.members["request_id"] for row in await live.rows(key)}
    for action, count in (("blocked", 1), ("flagged", 1), ("passed", 5)):
        found = await desk.get("/guardrails/usage/logs", guardrail_id=NAME, action=action, page_size=500)
        logs = [log for log in found["logs"] if log["id"] in ours]
        assert len(logs) == count, action
        assert {log["action"] for log in logs} == {action}
        assert {log["model"] for log in logs} == {"m"} or action != "blocked"
    first, second = [
        (await desk.get("/guardrails/usage/logs", guardrail_id=NAME, page=page, page_size=1))["logs"][0]
        for page in (1, 2)
    ]
    assert first["timestamp"] >= second["timestamp"]
    assert (await desk.get("/guardrails/usage/logs", guardrail_id="nobody"))["total"] == 0


@pytest.mark.parametrize(
    "path", ["/guardrails/usage/overview", f"/guardrails/usage/detail/{NAME}", "/guardrails/usage/logs"]
)
async def test_who_may_not_is_refused_and_dates_are_checked(
    desk: Desk, live: LiveGateway, key: str, path: str
) -> None:
    assert (await desk.ask("GET", path, key)).status_code == 401
    assert (await desk.ask("GET", path, params={"start_date": "yesterday"})).status_code == 400


async def test_what_is_not_there(desk: Desk) -> None:
    assert (await desk.ask("GET", "/guardrails/usage/detail/nobody")).status_code == 404
    assert (await desk.ask("GET", "/guardrails/usage/logs", params={"action": "odd"})).status_code == 400
