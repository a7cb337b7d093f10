"""Pipelines on every endpoint family, before and after the call: what each outcome of a step comes to."""

import pytest

from gateway.guardrails.policies.book import PolicyBook, build_book
from gateway.settings.guardrails import GuardrailMode
from gateway.settings.policies import AttachmentEntry, Pipeline, PolicyEntry, Step, StepAction
from tests.integration.request_path.guarded import (
    ANSWERS,
    CALLS,
    DURING,
    POST,
    PRE,
    WORD,
    Call,
    Probe,
    ask,
    install,
    refusal_of,
)
from tests.integration.serving import LiveGateway

pytestmark = pytest.mark.asyncio(loop_scope="session")

MESSAGE = "Ask something else."


def line(mode: GuardrailMode, *steps: Step) -> PolicyBook:
    policy = PolicyEntry(name="line", pipeline=Pipeline(mode=mode, steps=steps))
    return build_book([policy], [AttachmentEntry(policy="line", is_global=True)])


def serve(live: LiveGateway, probe: Probe, mode: GuardrailMode, *steps: Step) -> None:
    """The guardrail's own mode is another one: a pipeline says itself when it runs."""
    install(live, probe, DURING, book=line(mode, *steps), is_default=False)


@pytest.mark.parametrize("call", CALLS, ids=str)
@pytest.mark.parametrize("outcome", ["pass", "mask", "block", "raise", "hang", "garbage", "impossible"])
async def test_a_step_before_the_call(live: LiveGateway, key: str, call: Call, outcome: str) -> None:
    probe = Probe(outcome)
    serve(live, probe, PRE, Step(guardrail="probe"))
    answer = await ask(live, key, call)
    assert WORD in probe.text
    if outcome in {"pass", "mask"}:
        assert answer.status_code == 200
        sent = live.upstream.requests[0].body
        assert (WORD.encode() in sent, b"[MASKED]" in sent) == (outcome == "pass", outcome == "mask")
    else:
        assert answer.status_code == (400 if outcome == "block" else 503)
        assert live.upstream.requests == []


@pytest.mark.parametrize("call", ANSWERS, ids=str)
@pytest.mark.parametrize("outcome", ["pass", "mask", "block", "raise"])
async def test_a_step_after_the_call(live: LiveGateway, key: str, call: Call, outcome: str) -> None:
    probe = Probe(outcome)
    serve(live, probe, POST, Step(guardrail="probe"))
    answer = await ask(live, key, call)
    assert WORD in probe.text
    if outcome in {"pass", "mask"}:
        assert (WORD in answer.text, "[MASKED]" in answer.text) == (outcome == "pass", outcome == "mask")
    else:
        assert WORD not in answer.text
        assert refusal_of(answer)["guardrail"] == "probe"


@pytest.mark.parametrize(
    ("mode", "call"), [*((PRE, call) for call in CALLS), *((POST, call) for call in ANSWERS)], ids=str
)
async def test_a_message_in_the_place_of_an_answer(
    live: LiveGateway, key: str, call: Call, mode: GuardrailMode
) -> None:
    step = Step(guardrail="probe", on_fail=StepAction.MODIFY_RESPONSE, message=MESSAGE)
    serve(live, Probe("block"), mode, step)
    answer = await ask(live, key, call)
    if call not in ANSWERS:
        assert (answer.status_code, answer.json()["error"]["message"]) == (400, MESSAGE)
        return
    assert answer.status_code == 200
    assert WORD not in answer.text
    assert "Ask" in answer.text
    assert len(live.upstream.requests) == (0 if mode is PRE else 1)


@pytest.mark.parametrize(
    ("outcome", "on_error", "status"),
    [
        ("raise", None, 503),
        ("raise", StepAction.ALLOW, 200),
        ("raise", StepAction.MODIFY_RESPONSE, 200),
        ("block", StepAction.ALLOW, 400),
    ],
)
async def test_an_error_is_not_a_finding(
    live: LiveGateway, key: str, outcome: str, on_error: StepAction | None, status: int
) -> None:
    serve(live, Probe(outcome), PRE, Step(guardrail="probe", on_error=on_error, message=MESSAGE))
    answer = await ask(live, key)
    assert answer.status_code == status
    assert (MESSAGE in answer.text) is (on_error is StepAction.MODIFY_RESPONSE)


async def test_a_lenient_guardrail_does_not_hide_its_error_from_a_pipeline(
    live: LiveGateway, key: str
) -> None:
    for on_error, status in ((None, 200), (StepAction.BLOCK, 503)):
        book = line(PRE, Step(guardrail="probe", on_error=on_error))
        install(live, Probe("raise"), DURING, book=book, is_default=False, is_lenient=True)
        assert (await ask(live, key)).status_code == status


async def test_a_pass_can_be_what_blocks(live: LiveGateway, key: str) -> None:
    serve(live, Probe(), PRE, Step(guardrail="probe", on_pass=StepAction.BLOCK))
    answer = await ask(live, key)
    assert (answer.status_code, answer.json()["error"]["guardrail"]) == (400, "probe")
