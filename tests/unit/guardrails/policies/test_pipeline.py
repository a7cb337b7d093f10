"""A message takes the place of an answer's texts, or is a refusal where it cannot."""

import msgspec
import pytest

from gateway.errors import GuardrailBlocked
from gateway.guardrails.content import AnswerText
from gateway.guardrails.policies.pipeline import answer_instead


def answer(**message: object) -> AnswerText:
    return AnswerText(msgspec.json.encode({"id": "x", "choices": [{"index": 0, "message": message}]}))


def test_all_texts_go_and_the_message_stands_once() -> None:
    text = answer(role="assistant", content="one", reasoning_content="two", refusal="three")
    answer_instead(text, "Instead.")
    said = msgspec.json.decode(text.body)["choices"][0]["message"]
    assert said["content"] == "Instead."
    assert {said["reasoning_content"], said["refusal"]} == {""}


@pytest.mark.parametrize(
    "message",
    [
        {"content": "a", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]},
        {"content": None},
    ],
)
def test_what_cannot_say_it_is_refused(message: dict[str, object]) -> None:
    with pytest.raises(GuardrailBlocked, match="Instead"):
        answer_instead(answer(**message), "Instead.")
