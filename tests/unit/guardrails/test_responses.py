"""What guardrails see of the Responses API, and what becomes of what they change."""

import json
from typing import Any

import pytest

from gateway.errors import UpstreamGarbled
from gateway.guardrails.content import AnswerText, RequestText
from gateway.guardrails.policies.pipeline import answer_instead
from gateway.guardrails.responses import GuardedResponses
from gateway.hooks import RequestBody
from gateway.sdk import Edit, PieceKind
from gateway.wire.sse import EventSplitter, event_payload

MESSAGE = {
    "type": "message",
    "id": "msg_1",
    "status": "completed",
    "role": "assistant",
    "content": [
        {"type": "output_text", "text": "Hello", "annotations": [], "logprobs": [{"token": "Hello"}]}
    ],
}
REASONING = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Thinking"}]}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "go", "arguments": '{"to":"x"}'}
CUSTOM = {"type": "custom_tool_call", "id": "ct_1", "call_id": "c2", "name": "run", "input": "ls"}


def response(*output: object, **members: object) -> dict[str, Any]:
    return {
        "id": "resp_1",
        "status": "completed",
        "instructions": "Be brief.",
        "output": list(output),
        **members,
    }


def text_of(answer: dict[str, Any]) -> AnswerText:
    return AnswerText(json.dumps(answer).encode())


def kinds_of(text: AnswerText | RequestText) -> dict[str, PieceKind]:
    return {piece.text: piece.kind for piece in text.content().pieces if piece.kind is not PieceKind.NAME}


def test_what_each_item_of_an_answer_is() -> None:
    shown = kinds_of(text_of(response(REASONING, MESSAGE, CALL, CUSTOM)))
    assert shown == {
        "Thinking": PieceKind.REASONING,
        "Hello": PieceKind.TEXT,
        '{"to":"x"}': PieceKind.TOOL_CALL,
        "ls": PieceKind.TOOL_CALL,
        "Be brief.": PieceKind.TEXT,
    }


def test_what_each_item_of_a_request_is() -> None:
    members = {
        "instructions": "Be brief.",
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
            CALL,
            {"type": "function_call_output", "call_id": "c1", "output": "went"},
        ],
        "tools": [{"type": "function", "name": "go", "description": "Goes."}],
    }
    text = RequestText(RequestBody.parse(json.dumps(members).encode()))
    assert kinds_of(text) == {
        "Be brief.": PieceKind.TEXT,
        "Hi": PieceKind.TEXT,
        '{"to":"x"}': PieceKind.TOOL_CALL,
        "went": PieceKind.TOOL_RESULT,
        "Goes.": PieceKind.DEFINITION,
    }
    roles = {piece.text: piece.role for piece in text.content().pieces}
    assert (roles["Be brief."], roles["Hi"]) == ("system", "user")
    assert [tool.name for tool in text.content().tools] == ["go"]


def test_what_an_answer_calls() -> None:
    tools = (
        text_of(response(MESSAGE, CALL, CUSTOM, tools=[{"type": "function", "name": "go"}])).content().tools
    )
    assert [(tool.name, tool.arguments, tool.call_id) for tool in tools] == [
        ("go", '{"to":"x"}', "c1"),
        ("run", "ls", "c2"),
    ]


def test_an_edited_text_loses_its_probabilities() -> None:
    text = text_of(response(MESSAGE))
    place = next(place for place, piece in enumerate(text.content().pieces) if piece.text == "Hello")
    text.edit([Edit(place, 0, 5, "***")])
    (message,) = json.loads(text.body)["output"]
    assert message["content"] == [{"type": "output_text", "text": "***", "annotations": []}]


def test_a_message_stands_for_the_calls_that_are_taken_out() -> None:
    text = text_of(response(REASONING, CALL, MESSAGE, CUSTOM))
    assert text.drop([0, 1], "Not allowed.")
    reasoning, said, message = json.loads(text.body)["output"]
    assert (reasoning, message) == (REASONING, MESSAGE)
    assert (said["type"], said["role"], said["content"][0]["text"]) == (
        "message",
        "assistant",
        "Not allowed.",
    )
    assert text.content().tools == ()


def test_a_policys_answer_takes_the_place_of_the_text() -> None:
    text = text_of(response(MESSAGE))
    answer_instead(text, "No.")
    answer = json.loads(text.body)
    assert answer["output"][0]["content"][0]["text"] == "No."
    assert answer["status"] == "completed"


def events(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(event_payload(event) or b"null") for event in EventSplitter().feed(data)]


def event(**members: object) -> bytes:
    return b"data: " + json.dumps(members).encode() + b"\n\n"


async def keep(body: bytes) -> bytes:
    return body


async def test_nothing_but_the_inspected_response_is_told() -> None:
    """What a delta says and the whole response does not, nobody has inspected."""
    guard = GuardedResponses(keep)
    delta = event(
        type="response.output_text.delta", item_id="msg_1", output_index=0, content_index=0, delta="Evil"
    )
    assert await guard.feed(delta) == b""
    whole = response(REASONING, MESSAGE, CALL, CUSTOM)
    told = await guard.finish(event(type="response.completed", response=whole))
    assert b"Evil" not in told
    assert events(told)[-1]["response"] == whole
    assert [one["sequence_number"] for one in events(told)] == list(range(len(events(told))))
    grown = {one["type"]: one["delta"] for one in events(told) if one["type"].endswith(".delta")}
    assert grown == {
        "response.reasoning_summary_text.delta": "Thinking",
        "response.output_text.delta": "Hello",
        "response.function_call_arguments.delta": '{"to":"x"}',
        "response.custom_tool_call_input.delta": "ls",
    }
    assert [one["item"] for one in events(told) if one["type"].endswith("item.done")] == whole["output"]


@pytest.mark.parametrize("status", ["incomplete", "failed"])
async def test_a_response_that_did_not_get_done_ends_as_it_did(status: str) -> None:
    told = await GuardedResponses(keep).finish(
        event(type=f"response.{status}", response=response(status=status))
    )
    assert events(told)[-1]["type"] == f"response.{status}"


@pytest.mark.parametrize(
    "data", [b"", b": comment\n\n", event(type="response.created", response={}), b"data: x\n\n"]
)
async def test_a_stream_without_its_whole_response_is_not_told(data: bytes) -> None:
    with pytest.raises(UpstreamGarbled):
        await GuardedResponses(keep).finish(data)
