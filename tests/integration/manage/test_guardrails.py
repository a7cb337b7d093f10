"""The list of guardrails, and trying one out."""

import pytest

from tests.integration.manage.conftest import Desk
from tests.integration.serving import LiveGateway, deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")

SECRET = "AKIAIOSFODNN7EXAMPLE"
CONFIGURED = [
    {
        "guardrail_name": "words",
        "litellm_params": {
            "guardrail": "keywords",
            "mode": ["pre_call", "post_call"],
            "blocked_words": [{"keyword": "aurora"}, {"keyword": "borealis", "action": "MASK"}],
        },
        "guardrail_info": {"owner": "security"},
    },
    {"guardrail_name": "secrets", "litellm_params": {"guardrail": "secret_detection", "mode": "pre_call"}},
]


@pytest.fixture(autouse=True)
def configured(live: LiveGateway) -> None:
    live.configure(deployment("m", live.upstream), guardrails=CONFIGURED)


@pytest.mark.parametrize("path", ["/guardrails/list", "/v2/guardrails/list"])
async def test_the_list_shows_what_is_set_up(desk: Desk, path: str) -> None:
    words, secrets = (await desk.get(path))["guardrails"]
    assert words["guardrail_name"] == "words"
    assert words["litellm_params"]["mode"] == ["post_call", "pre_call"]
    assert words["litellm_params"]["blocked_words"][0]["keyword"] == "aurora"
    assert words["guardrail_info"] == {"owner": "security"}
    assert secrets["litellm_params"] == {
        "guardrail": "secret_detection",
        "mode": ["pre_call"],
        "default_on": False,
    }


async def test_who_may_not_configure_sees_names_only(desk: Desk, live: LiveGateway) -> None:
    shown = await desk.get("/guardrails/list", key=await live.make_key())
    assert "aurora" not in str(shown)
    assert [item["guardrail_name"] for item in shown["guardrails"]] == ["words", "secrets"]


@pytest.mark.parametrize("path", ["/guardrails/apply_guardrail", "/apply_guardrail"])
async def test_a_guardrail_is_tried_out(desk: Desk, path: str) -> None:
    sent = {"guardrail_name": "secrets", "text": f"key {SECRET}"}
    assert await desk.post(path, sent) == {"response_text": "key [REDACTED:aws_access_key_id]"}
    sent = {"guardrail_name": "words", "text": "Borealis", "input_type": "response"}
    assert await desk.post(path, sent) == {"response_text": "[KEYWORD_REDACTED]"}


async def test_a_trial_that_blocks_or_cannot_be_made_says_so(desk: Desk, live: LiveGateway) -> None:
    path = "/guardrails/apply_guardrail"
    assert (await desk.refusal(path, {"guardrail_name": "words", "text": "aurora"}))[:2] == (
        400,
        "guardrail_blocked",
    )
    assert await desk.refusal(path, {"guardrail_name": "x", "text": "a"}) == (
        404,
        "not_found_error",
        "guardrail_name",
    )
    assert (await desk.ask("POST", path, json={"guardrail_name": "words"})).status_code == 422
    key = await live.make_key()
    assert (
        await desk.ask("POST", path, key, json={"guardrail_name": "words", "text": "a"})
    ).status_code == 401
