"""The texts of a request: all that a model reads is found, and everything else stays as it came."""

from typing import Any

import pytest

from gateway.domain import Endpoint
from gateway.errors import MalformedBody
from gateway.sdk import read_member, rewrite_texts
from gateway.testing import make_context


def list_texts(body: Any, endpoint: Endpoint = Endpoint.CHAT) -> dict[str, str]:
    found: dict[str, str] = {}

    def note(text: str, path: str) -> str:
        found[path] = text
        return text

    context = make_context(body, endpoint=endpoint)
    before = dict(context.body.members)
    assert rewrite_texts(context, note) == []
    assert context.body.members == before
    return found


def test_contents_parts_tool_calls_and_predictions_are_texts() -> None:
    body = {
        "messages": [
            {"role": "system", "content": "a"},
            {"role": "user", "name": "ann", "content": [{"type": "text", "text": "b", "extra": "c"}]},
            {"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "1", "content": "d"},
        ],
        "prediction": {"type": "content", "content": "e"},
    }

    assert list_texts(body) == {
        "messages[0].content": "a",
        "messages[1].content[0].text": "b",
        "messages[1].content[0].extra": "c",
        "messages[2].tool_calls[0].function.arguments": "{}",
        "messages[3].content": "d",
        "prediction.content": "e",
    }


def test_media_are_not_texts() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    audio = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}

    assert list_texts({"messages": [{"role": "user", "content": [image, audio]}]}) == {}


@pytest.mark.parametrize(
    ("body", "endpoint", "texts"),
    [
        ({"prompt": "a", "suffix": "b"}, Endpoint.COMPLETIONS, {"prompt": "a", "suffix": "b"}),
        ({"prompt": ["a", "b"]}, Endpoint.COMPLETIONS, {"prompt[0]": "a", "prompt[1]": "b"}),
        ({"input": "a"}, Endpoint.EMBEDDINGS, {"input": "a"}),
        ({"input": [1, 2]}, Endpoint.EMBEDDINGS, {}),
        ({"input": [1, "a"]}, Endpoint.EMBEDDINGS, {"input[1]": "a"}),
        ({"input": [[1], [2]]}, Endpoint.EMBEDDINGS, {}),
        ({"messages": None}, Endpoint.CHAT, {}),
    ],
)
def test_prompts_and_inputs_are_texts_and_tokens_are_not(
    body: Any, endpoint: Endpoint, texts: dict[str, str]
) -> None:
    assert list_texts(body, endpoint) == texts


def test_a_rewrite_changes_the_text_and_nothing_around_it() -> None:
    messages = b'[{"role":"user","content":"old","x":{"y":[1,null]}}]'
    context = make_context(b'{"model":"m","n":1.50,"messages":' + messages + b',"input":"keep"}')
    before = dict(context.body.members)

    changed = rewrite_texts(context, lambda text, path: text.replace("old", "new"))

    assert changed == ["messages"]
    assert bytes(context.body.members["messages"]) == (
        b'[{"role":"user","content":"new","x":{"y":[1,null]}}]'
    )
    assert {name: raw for name, raw in context.body.members.items() if name != "messages"} == {
        name: raw for name, raw in before.items() if name != "messages"
    }


def test_a_rewrite_leaves_the_value_that_others_have_read() -> None:
    context = make_context()
    seen = context.body.read("messages")

    rewrite_texts(context, lambda text, path: "changed")

    assert seen == [{"role": "user", "content": "hello"}]
    assert context.body.read("messages") == [{"role": "user", "content": "changed"}]


@pytest.mark.parametrize("messages", [b'["\xff"]', b"1e99999"])
def test_a_member_that_cannot_be_read_is_the_clients_mistake(messages: bytes) -> None:
    context = make_context(b'{"messages":' + messages + b"}")

    with pytest.raises(MalformedBody) as caught:
        read_member(context, "messages")
    assert caught.value.param == "messages"
