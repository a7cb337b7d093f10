"""What the record of a request says under the EU AI Act and the GDPR."""

import json
from typing import Any

import pytest

from gateway.spend.reporting.compliance import check_gdpr, read_evidence
from tests.integration.counting import counting
from tests.integration.manage.conftest import Desk
from tests.integration.serving import LiveGateway, deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORDS = [{"keyword": "aurora", "action": "MASK"}]
PARAMS = {"guardrail": "keywords", "mode": "pre_call", "blocked_words": WORDS}
AI_ACT, GDPR = "/compliance/eu-ai-act", "/compliance/gdpr"


@pytest.fixture(autouse=True)
def configured(live: LiveGateway) -> None:
    live.configure(
        deployment("m", live.upstream), guardrails=[{"guardrail_name": "words", "litellm_params": PARAMS}]
    )


async def request_of(desk: Desk, key: str, **members: object) -> str:
    await desk.live.chat(key, messages=[{"role": "user", "content": "aurora"}], **members)
    return (await desk.live.row(key)).members["request_id"]


@pytest.mark.parametrize(("path", "regulation"), [(AI_ACT, "EU AI Act"), (GDPR, "GDPR")])
async def test_a_request_that_was_screened_complies(
    desk: Desk, live: LiveGateway, path: str, regulation: str
) -> None:
    _, key = await desk.make_user()
    request_id = await request_of(desk, key, guardrails=["words"])
    said = await desk.post(path, {"request_id": request_id}, key)
    assert (said["regulation"], said["compliant"]) == (regulation, True), said
    assert said["checks"][0]["detail"] == "By words."
    assert all(set(check) == {"check_name", "article", "passed", "detail"} for check in said["checks"])


@pytest.mark.parametrize("path", [AI_ACT, GDPR])
async def test_what_nobody_inspected_does_not_comply_whatever_is_claimed(desk: Desk, path: str) -> None:
    _, key = await desk.make_user()
    request_id = await request_of(desk, key)
    claimed = {"guardrail_information": [{"guardrail_mode": "pre_call", "guardrail_action": "pass"}]}
    answer = await desk.ask("POST", path, key, json={"request_id": request_id, **claimed})
    said = answer.json()
    assert said["compliant"] is False
    assert [check["passed"] for check in said["checks"]] == [False] * 3


async def test_what_is_said_of_a_request_is_held_against_its_record(desk: Desk, live: LiveGateway) -> None:
    user_id, key = await desk.make_user()
    request_id = await request_of(desk, key, guardrails=["words"])
    started = (await live.row(key)).members["startTime"]
    true = {
        "user_id": user_id,
        "model": "m",
        "timestamp": started.isoformat(),
        "guardrail_information": [{"guardrail_name": "words", "guardrail_status": "success"}],
    }
    false = {
        "user_id": "somebody",
        "model": "another",
        "timestamp": "2020-01-01T00:00:00Z",
        "guardrail_information": [{"guardrail_name": "another"}],
    }

    agreed = await desk.ask("POST", GDPR, key, json={"request_id": request_id, **true})
    assert agreed.json()["compliant"] is True, agreed.text
    assert "x-gatewright-ignored-fields" not in agreed.headers
    for name, value in false.items():
        said = await desk.post(AI_ACT, {"request_id": request_id, name: value}, key)
        assert said["compliant"] is False
        assert said["checks"][2]["detail"] == f"The record says something else of: {name}."
    await desk.post(GDPR, {"request_id": request_id, "timestamp": "yesterday"}, key, status=422)


async def test_others_requests_are_unknown(desk: Desk, live: LiveGateway) -> None:
    _, key = await desk.make_user()
    _, other = await desk.make_user()
    request_id = await request_of(desk, key)
    for path in (AI_ACT, GDPR):
        for who, asked in ((other, request_id), (other, "nothing"), (key, "nothing")):
            assert (await desk.refusal(path, {"request_id": asked}, who))[0] == 404
        await desk.post(path, {"request_id": request_id})
    async with counting(live) as counter:
        await desk.post(GDPR, {"request_id": request_id})
    assert len([sql for sql in counter.statements if "LiteLLM_SpendLogs" in sql]) == 1


@pytest.mark.parametrize(
    ("action", "categories", "is_protected"),
    [("pass", ["email"], False), ("mask", ["email"], True), ("block", ["email"], True), ("pass", [], True)],
)
async def test_what_was_found_and_let_through_is_told(
    action: str,
    categories: list[str],
    is_protected: bool,  # noqa: FBT001  pytest passes it by name
) -> None:
    run: dict[str, Any] = {"guardrail_name": "g", "guardrail_mode": "pre_call"}
    run |= {"guardrail_action": action, "categories": categories}
    metadata = json.dumps({"guardrail_information": [run]})
    row = {"user": "u", "model": "m", "startTime": "t", "metadata": metadata}
    assert check_gdpr(read_evidence(row))["compliant"] is is_protected


async def test_a_guardrail_that_failed_proves_nothing() -> None:
    for told in (
        [{"guardrail_mode": "pre_call", "guardrail_action": "failed"}],
        ["garbage"],
        "garbage",
        None,
    ):
        evidence = read_evidence({"metadata": json.dumps({"guardrail_information": told})})
        assert check_gdpr(evidence)["compliant"] is False
