import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.catalog.estimate import (
    Estimate,
    estimate_charge,
    estimate_output_tokens,
    estimate_prompt_tokens,
)
from gateway.domain import Deployment, Endpoint, ModelGroup, Price, PriceTier
from gateway.errors import MalformedBody
from gateway.hooks.body import RequestBody

_PRICE = Price(tiers=(PriceTier(input=1_000_000, output=3_000_000),), per_request=7_000_000)


def body_of(**members: object) -> RequestBody:
    return RequestBody.parse(json.dumps(members).encode())


def deployment(price: Price | None = None, **members: object) -> Deployment:
    return msgspec.structs.replace(
        Deployment(id="d", group="m", provider="mock", model="m", urls={}, price=price), **members
    )


def chat_tokens(*messages: object, **members: object) -> int:
    return estimate_prompt_tokens(Endpoint.CHAT, body_of(messages=list(messages), **members))


def test_text_counts_a_token_per_three_bytes_and_eight_per_message() -> None:
    message = {"role": "user", "content": "x" * 300}
    size = len(json.dumps([message]))

    assert chat_tokens(message) == size // 3 + 8
    assert 108 <= chat_tokens(message) <= 125


def test_letters_of_other_scripts_count_by_their_bytes() -> None:
    assert chat_tokens({"role": "user", "content": "語" * 100}) >= 100


def test_tools_and_schemas_count_as_text() -> None:
    tools = [{"type": "function", "function": {"name": "f", "description": "x" * 3000}}]

    assert chat_tokens({"role": "user", "content": "x"}, tools=tools) > 1000


@pytest.mark.parametrize("url", ["https://a.example/i.png", "data:image/png;base64," + "A" * 3_000_000])
def test_an_image_counts_the_same_whatever_its_size(url: str) -> None:
    parts = [{"type": "text", "text": "what?"}, {"type": "image_url", "image_url": {"url": url}}]

    assert 1105 <= chat_tokens({"role": "user", "content": parts}) <= 1150


def test_audio_counts_by_its_length() -> None:
    """Ten seconds at 32 kbit/s are 40 KB, and 100 tokens at ten a second."""
    audio = {"type": "input_audio", "input_audio": {"data": "A" * 53_333, "format": "mp3"}}

    assert 100 <= chat_tokens({"role": "user", "content": [audio]}) <= 140


def test_a_file_does_not_count_as_text() -> None:
    file = {"type": "file", "file": {"file_data": "data:application/pdf;base64," + "A" * 120_000}}

    assert 10_000 <= chat_tokens({"role": "user", "content": [file]}) <= 10_100


@pytest.mark.parametrize(
    "messages",
    ['"text"', "5", "{}", "[1, 2]", "null", '[{"content": [1]}]', '[{"content": [{"image_url": 1}]}]'],
)
def test_messages_of_another_shape_are_counted_and_left_to_others(messages: str) -> None:
    body = RequestBody.parse(f'{{"messages": {messages}}}'.encode())

    assert estimate_prompt_tokens(Endpoint.CHAT, body) >= 0


@pytest.mark.parametrize(
    ("value", "tokens"),
    [
        ("x" * 298, 100),
        ([1, 2, 3], 3),
        ([[1, 2], [3]], 3),
        ([], 0),
        (["x" * 300, "x" * 300], 202),
    ],
)
def test_an_input_is_text_or_tokens(value: object, tokens: int) -> None:
    assert estimate_prompt_tokens(Endpoint.EMBEDDINGS, body_of(input=value)) == tokens


def test_a_body_without_a_prompt_counts_nothing() -> None:
    assert estimate_prompt_tokens(Endpoint.COMPLETIONS, body_of(model="m")) == 0


@pytest.mark.parametrize(
    ("members", "tokens"),
    [
        ({}, 1000),
        ({"max_tokens": 50}, 50),
        ({"max_tokens": 0}, 0),
        ({"max_tokens": None}, 1000),
        ({"max_completion_tokens": 20, "max_tokens": 50}, 20),
        ({"max_tokens": 50.0}, 50),
        ({"max_tokens": 1e308}, 4096),
        ({"max_tokens": 10**30}, 4096),
        ({"max_tokens": 50, "n": 3}, 150),
        ({"max_tokens": 50, "n": 10**9}, 50 * 128),
        ({"max_tokens": 50, "n": 2, "best_of": 5}, 250),
        ({"max_tokens": 50, "n": 0}, 50),
    ],
)
def test_an_answer_is_limited_by_the_caller_and_the_model(members: dict[str, object], tokens: int) -> None:
    limited = deployment(max_output_tokens=4096)

    assert estimate_output_tokens(Endpoint.CHAT, body_of(**members), limited, 1000) == tokens


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens", "n", "best_of"])
@pytest.mark.parametrize("value", ["50", True, -1, 1.5, [], {}, "1e308"])
def test_a_limit_that_is_no_number_of_tokens_is_refused(name: str, value: object) -> None:
    with pytest.raises(MalformedBody) as caught:
        estimate_output_tokens(Endpoint.CHAT, body_of(**{name: value}), deployment(), 1000)

    assert caught.value.param == name


@pytest.mark.parametrize("raw", [b"[" * 100_000, b"01", b"nul"])
def test_a_limit_that_is_no_json_is_refused(raw: bytes) -> None:
    body = RequestBody({"max_tokens": msgspec.Raw(raw)})

    with pytest.raises(MalformedBody):
        estimate_output_tokens(Endpoint.CHAT, body, deployment(), 1000)


def test_a_response_is_limited_by_its_own_member_only() -> None:
    """Where a server takes no notice of a member, its limit is none."""
    endpoint, limited = Endpoint.RESPONSES, deployment(max_output_tokens=4096)
    assert estimate_output_tokens(endpoint, body_of(max_output_tokens=50), limited, 1000) == 50
    assert estimate_output_tokens(endpoint, body_of(max_tokens=50), limited, 1000) == 1000
    assert estimate_output_tokens(Endpoint.CHAT, body_of(max_output_tokens=50), limited, 1000) == 1000
    set_up = deployment(response_defaults={"max_output_tokens": msgspec.Raw(b"77")})
    assert estimate_output_tokens(endpoint, body_of(), set_up, 1000) == 77


def test_an_image_in_the_items_of_a_response_counts_as_one() -> None:
    image = {"type": "input_image", "image_url": "data:image/png;base64," + "A" * 900_000}
    body = body_of(input=[{"role": "user", "content": [image]}], instructions="x" * 300)
    assert 1_200 < estimate_prompt_tokens(Endpoint.RESPONSES, body) < 1_400


def test_the_operators_limit_holds_where_the_caller_names_none() -> None:
    limited = deployment(defaults={"max_tokens": msgspec.Raw(b"77")})

    assert estimate_output_tokens(Endpoint.CHAT, body_of(), limited, 1000) == 77
    assert estimate_output_tokens(Endpoint.CHAT, body_of(max_tokens=5), limited, 1000) == 5


def test_a_model_whose_limit_nobody_knows_holds_a_bounded_answer() -> None:
    assert estimate_output_tokens(Endpoint.CHAT, body_of(max_tokens=10**12), deployment(), 1000) == 131_072
    assert (
        estimate_output_tokens(
            Endpoint.CHAT, body_of(max_tokens=10**12), deployment(max_input_tokens=9), 1000
        )
        == 9
    )


def test_the_dearest_deployment_decides() -> None:
    dear = Price(tiers=(PriceTier(input=2_000_000, output=30_000_000),))
    group = ModelGroup("m", (deployment(_PRICE), deployment(dear), deployment(None)))
    body = body_of(messages=[], max_tokens=100)

    assert estimate_charge(Endpoint.CHAT, body, group, 1024) == Estimate(3000, 0, 100)


def test_an_embedding_has_no_answer_to_hold_for() -> None:
    group = ModelGroup("m", (deployment(_PRICE),))

    body = body_of(input=[1, 2, 3], max_tokens=50)
    assert estimate_charge(Endpoint.EMBEDDINGS, body, group, 1024) == Estimate(3 + 7, 3, 0, 3 + 7)


@pytest.mark.parametrize(
    ("prompt", "answers"),
    [("a", 1), (["a", "b", "c"], 3), ([1, 2, 3], 1), ([[1], [2]], 2), ([], 1)],
)
def test_every_prompt_of_a_completion_gets_an_answer(prompt: object, answers: int) -> None:
    group = ModelGroup("m", (deployment(_PRICE),))
    body = body_of(prompt=prompt, max_tokens=1000)

    assert estimate_charge(Endpoint.COMPLETIONS, body, group, 1024).tokens // 1000 == answers


def test_an_answer_without_a_bound_takes_what_is_expected() -> None:
    group = ModelGroup("m", (deployment(_PRICE),))
    body = body_of(messages=[])

    assert estimate_charge(Endpoint.CHAT, body, group, 1024).tokens == 1024
    assert estimate_charge(Endpoint.CHAT, body, group, 5).tokens == 5


def test_a_prompt_longer_than_the_model_reads_holds_no_more_than_it_reads() -> None:
    group = ModelGroup("m", (deployment(_PRICE, max_input_tokens=10),))
    body = body_of(messages=[{"content": "x" * 3000}], max_tokens=0)

    assert estimate_charge(Endpoint.CHAT, body, group, 1024).tokens == 10


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(-1e308, 1e308)
    | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["role", "content", "type", "image_url", "input_audio", "file", "text"]), inner
    ),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["messages", "prompt", "input", "tools", "max_tokens", "n"]), _json))
def test_any_json_is_estimated_or_refused(members: dict[str, object]) -> None:
    group = ModelGroup("m", (deployment(_PRICE),))
    for endpoint in Endpoint:
        try:
            estimate = estimate_charge(endpoint, body_of(**members), group, 1024)
        except MalformedBody:
            continue
        assert estimate.nanos >= 7
        assert estimate.tokens >= 0
