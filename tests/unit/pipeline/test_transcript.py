from typing import Any

import msgspec
import pytest

from gateway.domain import Endpoint, Principal
from gateway.hooks import RequestBody, RequestContext, RequestHead
from gateway.pipeline.transcript import Transcript
from gateway.spend.builder import NO_DETAILS

CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "find", "arguments": ""}}


def build(*chunks: bytes, is_stream: bool = True, **members: object) -> Any:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], **members}
    context = RequestContext(
        head=RequestHead("POST", "/v1/chat/completions", {}),
        principal=Principal(token_hash="hash"),
        endpoint=Endpoint.CHAT,
        body=RequestBody.parse(msgspec.json.encode(body)),
        model="m",
        is_stream=is_stream,
        call_id="call",
        charge_id="charge",
        started_nanos=0,
        started_monotonic=0,
    )
    transcript = Transcript(context)
    for chunk in chunks:
        transcript.add(chunk)
    return transcript.add_to(NO_DETAILS)


def event(delta: object, **members: object) -> bytes:
    chunk = {"id": "chatcmpl-1", "choices": [{"index": 0, "delta": delta, **members}], "usage": None}
    return b"data: " + msgspec.json.encode(chunk) + b"\n\n"


def response(details: Any) -> Any:
    return msgspec.json.decode(details.response)


def test_of_a_stream_of_a_response_its_last_event_has_all():
    whole = {"id": "resp_1", "output": [{"type": "message"}]}
    details = build(
        b'data: {"type": "response.created", "response": {"id": "resp_1", "output": []}}\n\n',
        b'event: response.completed\ndata: {"type": "response.completed", "response": '
        + msgspec.json.encode(whole)
        + b"}\n\n",
    )
    assert response(details) == whole


def test_the_text_of_a_stream_is_joined():
    details = build(
        event({"role": "assistant", "content": ""}),
        event({"content": "Hel"}) + event({"content": "lo"}),
        event({}, finish_reason="stop"),
        b'data: {"choices": [], "usage": {"total_tokens": 3}}\n\n',
        b"data: [DONE]\n\n",
    )
    assert response(details) == {
        "id": "chatcmpl-1",
        "usage": {"total_tokens": 3},
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello"},
                "finish_reason": "stop",
            }
        ],
    }


def test_the_arguments_of_tool_calls_are_joined_by_index():
    second = {"index": 1, "id": "call_2", "function": {"name": "other", "arguments": "{}"}}
    details = build(
        event({"tool_calls": [CALL]}),
        event({"tool_calls": [{"index": 0, "function": {"arguments": '{"a":'}}]}),
        event({"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}, second]}),
    )
    [first, other] = response(details)["choices"][0]["message"]["tool_calls"]
    assert (first["id"], first["function"]) == ("call_1", {"name": "find", "arguments": '{"a":1}'})
    assert other == second


@pytest.mark.parametrize(
    "junk", [b"data: {\n\n", b": comment\n\n", b"data: 3\n\n", b'data: {"choices": [1]}\n\n']
)
def test_what_cannot_be_read_is_passed_over(junk: bytes):
    assert response(build(event({"content": "a"}), junk, event({"content": "b"})))["choices"][0][
        "message"
    ] == {"content": "ab"}


def test_an_answer_that_is_too_long_is_only_measured():
    details = build(b"x" * 700_000, b"x" * 700_000, is_stream=False)
    assert response(details) == {"truncated_bytes": 1_400_000}


def test_members_that_carry_credentials_are_not_kept():
    details = build(b"{}", is_stream=False, extra_headers={"authorization": "x"}, api_key="x")
    assert set(msgspec.json.decode(details.proxy_server_request)) == {"model", "messages"}
