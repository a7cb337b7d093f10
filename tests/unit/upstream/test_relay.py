import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UpstreamGarbled
from gateway.upstream.relay import StreamRelay
from gateway.wire.sse import EventSplitter, event_payload


def event(
    text: str, *, model: str = "up-1", usage: object = None, end: str = "\n\n", **members: object
) -> bytes:
    chunk = {
        "id": "c1",
        "model": model,
        "choices": [{"index": 0, "delta": {"content": text}}],
        "usage": usage,
    }
    return f"data: {json.dumps(chunk | members, separators=(',', ':'))}{end}".encode()


DONE = b"data: [DONE]\n\n"
USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
LAST = event("", choices=[], usage=USAGE)


def feed_all(relay: StreamRelay, data: bytes, cuts: list[int]) -> bytes:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [relay.feed(data[left:right]) for left, right in pairwise(edges)]
    return b"".join(pieces) + relay.finish()


def payloads(data: bytes) -> list[bytes | None]:
    return [event_payload(item) for item in EventSplitter().feed(data)]


def test_every_chunk_shows_the_name_that_the_client_asked_for():
    relay = StreamRelay("mine", wants_usage=True)

    out = relay.feed(event("a") + event("b")) + relay.feed(event("c")) + relay.feed(LAST + DONE)

    shown = [json.loads(item) for item in payloads(out) if item != b"[DONE]"]
    assert {item["model"] for item in shown} == {"mine"}
    assert [item["choices"][0]["delta"]["content"] for item in shown[:3]] == ["a", "b", "c"]


def test_without_a_name_to_show_not_a_byte_changes():
    relay = StreamRelay(None, wants_usage=True)
    data = (
        b": hello\n\n" + event("a", end="\r\n\r\n") + event("b") + b"event: x\ndata: {oops\n\n" + LAST + DONE
    )

    assert feed_all(relay, data, []) == data


def test_text_that_looks_like_the_member_is_left_alone():
    relay = StreamRelay("mine", wants_usage=True)
    text = 'say "model":"up-1" and "usage":{} and "error"'

    relay.feed(event("first"))
    out = relay.feed(event(text))

    assert json.loads(payloads(out)[0])["choices"][0]["delta"]["content"] == text


def test_a_nested_member_of_the_same_name_is_left_alone():
    relay = StreamRelay("mine", wants_usage=True)

    relay.feed(event("first"))
    out = json.loads(payloads(relay.feed(event("x", provider={"model": "up-1"})))[0])

    assert (out["model"], out["provider"]) == ("mine", {"model": "up-1"})


def test_the_usage_chunk_is_withheld_unless_it_was_asked_for():
    quiet, asked = StreamRelay("mine", wants_usage=False), StreamRelay("mine", wants_usage=True)
    data = event("a") + LAST + DONE

    assert b"prompt_tokens" not in quiet.feed(data)
    assert b"prompt_tokens" in asked.feed(data)
    assert quiet.usage == asked.usage
    assert quiet.usage is not None
    assert quiet.usage.total_tokens == 7
    assert quiet.is_done


def test_usage_in_a_chunk_with_text_is_read_and_passed_on():
    relay = StreamRelay("mine", wants_usage=False)

    out = relay.feed(event("a") + event("b", usage=USAGE))

    assert len(payloads(out)) == 2
    assert relay.usage is not None


def test_the_last_usage_counts():
    relay = StreamRelay("mine", wants_usage=False)

    relay.feed(event("a", usage={"prompt_tokens": 3, "completion_tokens": 1}) + LAST)

    assert relay.usage is not None
    assert relay.usage.completion_tokens == 4


def test_an_error_within_the_stream_is_noticed():
    relay = StreamRelay("mine", wants_usage=False)

    relay.feed(event("a"))
    relay.feed(b'data: {"error":{"message":"overloaded","code":503}}\n\n')

    assert relay.error == b'{"message":"overloaded","code":503}'


@given(st.lists(st.integers(0, 900), max_size=12), st.sampled_from(["\n\n", "\r\n\r\n", "\r\r", "\n\r\n"]))
def test_where_chunks_are_cut_changes_nothing(cuts, end):
    data = b": ping\n\n" + b"".join(event(word, end=end) for word in ["a", "b\u00e9", "c", "d"]) + LAST + DONE
    whole, torn = StreamRelay("mine", wants_usage=True), StreamRelay("mine", wants_usage=True)

    assert feed_all(torn, data, cuts) == feed_all(whole, data, [])
    assert torn.usage == whole.usage
    assert torn.is_done


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_any_bytes_pass_through_without_a_name_to_show(chunks):
    relay = StreamRelay(None, wants_usage=True)
    out = b"".join(relay.feed(chunk) for chunk in chunks)

    assert b"".join(chunks).startswith(out)


def test_an_event_without_its_blank_line_is_completed_and_a_torn_one_dropped():
    whole, torn = StreamRelay("mine", wants_usage=True), StreamRelay("mine", wants_usage=True)

    whole.feed(event("a") + b"data: [DONE]\n")
    torn.feed(event("a") + event("b")[:40])

    assert whole.finish() == DONE
    assert whole.is_done
    assert torn.finish() == b""


def test_an_endless_event_is_refused():
    splitter = EventSplitter(max_event_bytes=1000)

    for _ in range(10):
        assert splitter.feed(b"x" * 100) == []

    with pytest.raises(UpstreamGarbled):
        splitter.feed(b"x")


def test_data_over_several_lines_is_one_payload_and_is_renamed_as_one():
    relay = StreamRelay("mine", wants_usage=True)

    out = relay.feed(b'event: delta\nid: 7\ndata: {"model":\ndata: "up-1"}\n\n')

    assert out == b'event: delta\nid: 7\ndata: {"model":"mine"}\n\n'


def test_what_was_streamed_is_estimated_from_events_and_their_length():
    short, long = StreamRelay("mine", wants_usage=False), StreamRelay("mine", wants_usage=False)

    short.feed(b"".join(event("a") for _ in range(20)))
    long.feed(event("a") + event("word " * 400))

    assert short.estimated_completion_tokens == 20
    assert 400 <= long.estimated_completion_tokens <= 600
    assert StreamRelay("mine", wants_usage=False).estimated_completion_tokens == 0
