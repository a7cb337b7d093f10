"""Names of tools, whatever else stands in requests and answers."""

import json
from typing import Any

import pytest

from gateway.hooks import RequestBody
from gateway.pipeline.tool_names import list_called, list_offered, list_streamed


def body_of(**members: Any) -> RequestBody:
    return RequestBody.parse(json.dumps(members).encode())


def answer_of(*names: Any, place: str = "message") -> bytes:
    calls = [{"id": "c", "function": {"name": name, "arguments": "{}"}} for name in names]
    return json.dumps({"choices": [{place: {"tool_calls": calls}}]}).encode()


def test_what_is_offered() -> None:
    tools = [{"function": {"name": "a"}}, {"name": "b"}, {"function": {"name": "a"}}, {"function": 3}, 5]
    assert list_offered(body_of(tools=tools, functions=[{"name": "c"}])) == ("a", "b", "c")
    assert list_offered(body_of(messages=[])) == ()
    assert list_offered(body_of(tools="x", functions={"name": "c"})) == ()


def test_custom_tools_have_names_too() -> None:
    tool = {"type": "custom", "custom": {"name": "a"}}
    assert list_offered(body_of(tools=[tool])) == ("a",)
    assert list_called(json.dumps({"choices": [{"message": {"tool_calls": [tool]}}]}).encode()) == ("a",)


def test_the_last_event_of_a_response_names_its_tools() -> None:
    whole = {"output": [{"type": "function_call", "name": "a"}, {"type": "function_call", "name": "b"}]}
    event = {"type": "response.completed", "response": whole}
    assert list_streamed(b"event: x\ndata: " + json.dumps(event).encode() + b"\n\n") == ("a", "b")


@pytest.mark.parametrize(
    ("answer", "names"),
    [
        (answer_of("a", "b", "a"), ("a", "b")),
        (answer_of(None, 3, "", "x" * 300), ("x" * 256,)),
        (b'{"choices": [{"message": {"function_call": {"name": "f"}}}]}', ("f",)),
        (b'{"choices": [{"message": {"content": "no \\"tool_calls\\" here"}}]}', ()),
        (b'{"tool_calls" broken', ()),
        (b'["tool_calls"]', ()),
        (b'{"choices": "tool_calls", "tool_calls": 1}', ()),
        (b"{}", ()),
        (
            b'{"output": [{"type": "function_call", "name": "r"}, {"type": "message", "name": "no"}, 3]}',
            ("r",),
        ),
    ],
)
def test_what_is_called(answer: bytes, names: tuple[str, ...]) -> None:
    assert list_called(answer) == names


def test_what_a_stream_calls() -> None:
    events = [
        answer_of("a", place="delta"),
        answer_of(None, place="delta"),
        b"{",
        answer_of("b", place="delta"),
    ]
    stream = b"".join(b"data: " + event + b"\n\n" for event in events) + b"data: [DONE]\n\n"
    assert list_streamed(stream) == ("a", "b")
    assert list_streamed(b": keep-alive\n\n") == ()
