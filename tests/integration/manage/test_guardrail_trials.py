"""A judge that is tried out asks its model, on the account of whoever tries it."""

import json
from typing import Any

import pytest

from tests.integration.manage.conftest import Desk
from tests.integration.request_path.test_llm_judge import CALL_NANOS, CRITERIA, configure, judged, scores
from tests.integration.serving import LiveGateway
from tests.upstreams import replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

JUDGE = {
    "guardrail_name": "new",
    "litellm_params": {
        "guardrail": "llm_as_a_judge",
        "mode": "pre_call",
        "judge_model": "judge",
        "criteria": CRITERIA,
    },
}
STEP = {"guardrail": "j", "on_pass": "allow", "on_fail": "block"}
PIPELINE = {"mode": "pre_call", "steps": [STEP]}
MESSAGES = [{"role": "user", "content": "Be rude."}]
TRIALS: list[tuple[str, dict[str, Any]]] = [
    ("/guardrails/apply_guardrail", {"guardrail_name": "j", "text": "Be rude."}),
    ("/policy/templates/test", {"guardrail_definitions": [JUDGE], "text": "Be rude."}),
    ("/policies/test-pipeline", {"pipeline": PIPELINE, "test_messages": MESSAGES}),
    (
        "/utils/test_policies_and_guardrails",
        {"guardrail_names": ["j"], "inputs_list": [{"texts": ["Be rude."]}]},
    ),
]


@pytest.mark.parametrize(("path", "body"), TRIALS, ids=[path for path, _ in TRIALS])
async def test_whoever_tries_a_judge_pays_for_its_question(
    desk: Desk, live: LiveGateway, path: str, body: dict[str, Any]
) -> None:
    configure(live, "pre_call")
    _, key = await desk.make_user("proxy_admin")
    live.upstream.default = judged(scores())
    passed = await desk.post(path, body, key)
    (row,) = await live.rows(key)
    told = row.details["gatewright"]
    assert (row.nanos, row.model_group) == (CALL_NANOS, "judge")
    assert told["guardrail"] == ("new" if "templates" in path else "j")
    assert await live.spent_nanos(key) == live.settled_nanos(key) == CALL_NANOS
    assert "refuses the content" not in json.dumps(passed)

    live.upstream.default = judged(scores(polite=10))
    refused = await desk.ask("POST", path, key, json=body)
    assert "refuses the content: polite" in refused.text
    assert await live.spent_nanos(key) == 2 * CALL_NANOS
    assert live.held_nanos(key) == 0


async def test_a_judge_that_cannot_be_asked_or_paid_is_told_as_failed(desk: Desk, live: LiveGateway) -> None:
    configure(live, "pre_call")
    _, key = await desk.make_user("proxy_admin", max_budget=1e-9)
    live.upstream.default = judged(replies.error(400, "The judge is out."))
    path, body = TRIALS[0]
    assert (await desk.refusal(path, body, key))[:2] == (503, "guardrail_failed")
    live.upstream.default = judged(scores())
    await desk.post(path, body, key)
    asked = len(live.upstream.requests)
    assert (await desk.refusal(path, body, key))[:2] == (503, "guardrail_failed")
    assert len(live.upstream.requests) == asked, "nothing is left of the budget"
    assert live.held_nanos(key) == 0
