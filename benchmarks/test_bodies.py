"""Bodies on their way through: split, read, rebuilt for the provider; answers and streams read along."""

from collections.abc import Callable

import msgspec
import pytest

from gateway.domain import Deployment, Endpoint
from gateway.hooks.body import RequestBody
from gateway.pipeline.intake import fill_context
from gateway.testing import make_context
from gateway.upstream.answer import read_answer
from gateway.upstream.relay import StreamRelay

Compare = Callable[..., None]
KILOBYTES = (1, 10, 300)
EVENTS = 100
DEPLOYMENT = Deployment(
    id="d",
    group="gpt-4o",
    provider="openai",
    model="gpt-4o",
    urls={Endpoint.CHAT: "https://api.example/v1/chat/completions"},
)
USAGE = {"prompt_tokens": 12, "completion_tokens": 9, "total_tokens": 21}


def body_of(kilobytes: int) -> bytes:
    text = 'She said "hello", and it was so.\n' * (kilobytes * 1000 // 36)
    return msgspec.json.encode(
        {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], "temperature": 0.2}
    )


def answer_of(kilobytes: int) -> bytes:
    message = {"role": "assistant", "content": "It was so.\n" * (kilobytes * 1000 // 12)}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    answer = {"id": "chatcmpl-1", "object": "chat.completion", "model": "gpt-4o-2024-11-20"}
    return msgspec.json.encode({**answer, "choices": choices, "usage": USAGE})


def chunks() -> list[bytes]:
    choice = {"index": 0, "delta": {"content": " word"}, "finish_reason": None}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "gpt-4o-2024-11-20"}
    event = msgspec.json.encode({**head, "choices": [choice], "usage": None})
    return [b"data: " + event + b"\n\n"] * EVENTS


@pytest.mark.parametrize("kilobytes", KILOBYTES)
def test_split_a_body(compare: Compare, kilobytes: int) -> None:
    data = body_of(kilobytes)

    compare(lambda: RequestBody.parse(data))


@pytest.mark.parametrize("kilobytes", KILOBYTES)
def test_read_what_the_gateway_acts_on(compare: Compare, kilobytes: int) -> None:
    data, context = body_of(kilobytes), make_context()

    compare(lambda: fill_context(context, data, ""))


@pytest.mark.parametrize("kilobytes", KILOBYTES)
def test_split_and_rebuild_a_body(compare: Compare, kilobytes: int) -> None:
    """What invariant 7 of the architecture costs: the provider gets one value per name, and none of ours."""
    data, encode = body_of(kilobytes), msgspec.json.Encoder().encode

    compare(lambda: encode(RequestBody.parse(data).members))


@pytest.mark.parametrize("kilobytes", KILOBYTES)
def test_read_an_answer(compare: Compare, kilobytes: int) -> None:
    data = answer_of(kilobytes)

    compare(lambda: read_answer(data, "gpt-4o"))


def test_relay_an_event_of_a_stream(compare: Compare) -> None:
    events = chunks()

    def relay_all() -> None:
        relay = StreamRelay("gpt-4o", wants_usage=False)
        for event in events:
            relay.feed(event)

    compare(relay_all, calls=EVENTS)
