import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import MalformedBody
from gateway.pipeline.nesting import check_depth

_VALUES = st.recursive(
    st.text(alphabet='ab[]{}"\\/\n\u00e9', max_size=12) | st.integers() | st.none(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text('[]{}"\\', max_size=3), inner, max_size=3)
    ),
    max_leaves=30,
)


def depth_of(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    return 0


def is_taken(data: bytes, limit: int) -> bool:
    try:
        check_depth(data, limit)
    except MalformedBody:
        return False
    return True


@given(value=st.dictionaries(st.text(max_size=2), _VALUES, max_size=4), is_ascii=st.booleans())
def test_exactly_what_is_deeper_is_refused(value, is_ascii):
    data = json.dumps(value, ensure_ascii=is_ascii).encode()
    depth = depth_of(value)
    assert is_taken(data, depth)
    assert depth == 1 or not is_taken(data, depth - 1)


def test_a_wide_body_is_not_deep():
    assert is_taken(json.dumps({"messages": [{"content": "[[{"}] * 5000}).encode(), 3)


def test_the_refusal_says_the_limit():
    with pytest.raises(MalformedBody, match="deeper than 2 levels") as caught:
        check_depth(b'{"a":[{"b":1}]}', 2)
    assert (caught.value.status, caught.value.param) == (400, "body")
