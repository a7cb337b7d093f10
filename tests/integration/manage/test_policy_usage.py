"""What policies did: counted with the books, and shown."""

import pytest

from tests.integration.manage.conftest import Desk
from tests.integration.serving import LiveGateway, deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORDS = [{"keyword": "aurora"}, {"keyword": "borealis", "action": "MASK"}]
NAME = "counted-policy"


async def test_what_policies_did_is_counted_and_shown(desk: Desk, live: LiveGateway, key: str) -> None:
    def guardrail(name: str) -> dict[str, object]:
        params = {"guardrail": "keywords", "mode": ["pre_call", "post_call"], "blocked_words": WORDS}
        return {"guardrail_name": name, "litellm_params": params}

    live.configure(
        deployment("m", live.upstream),
        guardrails=[guardrail("one"), guardrail("two"), guardrail("other")],
        policies={NAME: {"description": "Words.", "guardrails": {"add": ["one", "two"]}}},
    )
    for text in ("hello", "hello", "aurora", "borealis"):
        message = {"role": "user", "content": text}
        await live.chat(key, messages=[message], policies=[NAME], guardrails=["other"])
    await live.rows(key)
    overview = await desk.get("/policies/usage/overview")
    (row,) = [row for row in overview["rows"] if row["name"] == NAME]
    assert (row["requestsEvaluated"], row["failRate"], row["type"]) == (4, 25.0, "policy")
    assert overview["totalBlocked"] >= 1
    counts = await live.gateway.parts.database.fetch_row(
        'SELECT passed_count, flagged_count FROM "LiteLLM_DailyPolicyMetrics" WHERE policy_id = $1', NAME
    )
    assert counts is not None
    assert (counts["passed_count"], counts["flagged_count"]) == (2, 1)
    # The request that was refused before the call has no row of its own that names guardrails of answers.
    found = await desk.get("/guardrails/usage/logs", policy_id=NAME, page_size=500)
    ours = {item.members["request_id"] for item in await live.rows(key)}
    assert {log["guardrail"] for log in found["logs"] if log["id"] in ours} == {"one", "two"}
