"""The normal form of a request: it stays what the body says, as long as nobody else changes the body."""

import msgspec

from gateway.guardrails.content import RequestText
from gateway.hooks import RequestBody
from gateway.sdk import Edit


def body_of(text: str) -> RequestBody:
    return RequestBody({"prompt": msgspec.Raw(msgspec.json.encode(text))})


def test_a_request_need_not_be_read_again_after_its_own_edits() -> None:
    body = body_of("a secret")
    text = RequestText(body)
    text.edit([Edit(0, 2, 8, "[GONE]")])
    assert text.is_of(body)
    assert text.content() == RequestText(body).content()
    assert text.content().members == {"prompt": "a [GONE]"}


def test_guardrails_see_no_members_that_speak_to_the_gateway() -> None:
    body = RequestBody.parse(b'{"model": "m", "metadata": {"a": 1}, "messages": [{"role": "user"}]}')
    assert RequestText(body).content().members == {"messages": [{"role": "user"}]}


def test_a_request_that_somebody_else_changed_is_read_again() -> None:
    body = body_of("a secret")
    text = RequestText(body)
    body.write("prompt", "another secret")
    assert not text.is_of(body)
    assert not text.is_of(body_of("a secret"))
