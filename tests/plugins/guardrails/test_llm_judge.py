"""How the judge puts its question, and what it cannot be set up with."""

import json

import pytest
from gateway_guardrails.llm_as_a_judge import Criterion, Judge, JudgeParams

from gateway.sdk import Direction, Question
from gateway.testing import inspect_texts


async def test_the_judge_of_an_answer_is_shown_the_request_that_it_saw() -> None:
    asked: list[Question] = []

    async def answer(question: Question) -> str:
        asked.append(question)
        return json.dumps({"id": question.instructions.rsplit(" ", 1)[1], "scores": {"overall": 69}})

    judge, notes = Judge(JudgeParams(judge_model="m", prompt="Be kind.")), dict[str, object]()
    for direction in (Direction.REQUEST, Direction.RESPONSE):
        verdict = await inspect_texts(judge, f"the {direction}", direction=direction, ask=answer, notes=notes)
        assert (verdict.score, verdict.categories) == (0.31, ("overall",))
    shown = [json.loads(question.text) for question in asked]
    assert [list(one) for one in shown] == [["request"], ["request", "response"]]
    assert shown[1]["request"][0]["text"] == "the request"
    assert asked[0].schema == asked[1].schema
    assert asked[0].instructions != asked[1].instructions


async def test_nothing_is_asked_about_nothing() -> None:
    # It would raise, as there is nobody to ask.
    assert (await inspect_texts(Judge(JudgeParams(judge_model="m", prompt="x")), "")).refusal is None


def test_it_must_know_what_to_judge_by() -> None:
    with pytest.raises(ValueError, match="criteria"):
        Judge(JudgeParams(judge_model="m"))
    with pytest.raises(ValueError, match="same name"):
        Judge(JudgeParams(judge_model="m", criteria=(Criterion("a"), Criterion("a"))))
