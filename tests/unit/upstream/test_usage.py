import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import Usage
from gateway.upstream.usage import usage_from_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
NAMES = [
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "input_tokens",
    "output_tokens",
    "prompt_tokens_details",
    "completion_tokens_details",
    "cached_tokens",
    "reasoning_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "prompt_cache_hit_tokens",
]


def read(usage: object) -> Usage | None:
    return usage_from_json(json.dumps(usage).encode())


def test_openais_usage_with_all_its_details():
    usage = read(
        {
            "prompt_tokens": 100,
            "completion_tokens": 50,
            "total_tokens": 150,
            "prompt_tokens_details": {"cached_tokens": 40, "audio_tokens": 5, "image_tokens": 6},
            "completion_tokens_details": {
                "reasoning_tokens": 30,
                "audio_tokens": 4,
                "image_tokens": 3,
                "accepted_prediction_tokens": 1,
            },
        }
    )

    assert usage == Usage(
        prompt_tokens=100,
        completion_tokens=50,
        cached_tokens=40,
        audio_input_tokens=5,
        image_input_tokens=6,
        reasoning_tokens=30,
        audio_output_tokens=4,
        image_output_tokens=3,
    )


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 1,
                "prompt_cache_hit_tokens": 4,
                "prompt_cache_miss_tokens": 5,
            },
            Usage(prompt_tokens=9, completion_tokens=1, cached_tokens=4),
        ),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 1,
                "cache_creation_input_tokens": 3,
                "cache_read_input_tokens": 2,
            },
            Usage(prompt_tokens=9, completion_tokens=1, cached_tokens=2, cache_creation_tokens=3),
        ),
        (
            {
                "input_tokens": 10,
                "output_tokens": 1,
                "cache_creation_input_tokens": 3,
                "cache_read_input_tokens": 2,
            },
            Usage(prompt_tokens=15, completion_tokens=1, cached_tokens=2, cache_creation_tokens=3),
        ),
        ({"prompt_tokens": 4, "total_tokens": 4}, Usage(prompt_tokens=4)),
        ({"total_tokens": 4}, Usage(prompt_tokens=4)),
        ({"prompt_tokens": 4, "prompt_tokens_details": None}, Usage(prompt_tokens=4)),
        ({"prompt_tokens": 4.0, "completion_tokens": 2.0}, Usage(prompt_tokens=4, completion_tokens=2)),
    ],
)
def test_usage_of_others(usage, expected):
    assert read(usage) == expected


@pytest.mark.parametrize("hostile", [-1, "7", True, None, 1.5, 10**18, [1], {"a": 1}, 1e300])
def test_a_hostile_count_is_not_stated(hostile):
    usage = read({"prompt_tokens": 5, "completion_tokens": hostile, "total_tokens": hostile})

    assert usage == Usage(prompt_tokens=5)


@pytest.mark.parametrize("nothing", [None, [], 3, "x", {}, {"prompt_tokens": -1}, {"queue_time": 0.2}])
def test_what_states_nothing_is_none(nothing):
    assert read(nothing) is None


def test_a_part_is_never_larger_than_its_whole():
    usage = read(
        {
            "prompt_tokens": 5,
            "completion_tokens": 2,
            "prompt_tokens_details": {"cached_tokens": 900},
            "completion_tokens_details": {"reasoning_tokens": 900},
        }
    )

    assert usage == Usage(prompt_tokens=5, completion_tokens=2, cached_tokens=5, reasoning_tokens=2)


def test_bytes_that_are_not_json_are_none():
    assert usage_from_json(b"{") is None
    assert usage_from_json(b'{"prompt_tokens": 1') is None


@given(
    st.dictionaries(st.sampled_from(NAMES), JSON | st.dictionaries(st.sampled_from(NAMES), JSON), max_size=6)
)
def test_no_usage_object_breaks_the_reader_or_yields_a_negative_count(found):
    usage = read(found)

    if usage is not None:
        assert usage.prompt_tokens >= usage.cached_tokens >= 0
        assert usage.completion_tokens >= usage.reasoning_tokens >= 0
