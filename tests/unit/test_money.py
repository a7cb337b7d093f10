from hypothesis import example, given
from hypothesis import strategies as st

from gateway.money import usd_from_nanos, usd_text


@given(st.integers(-(2**63), 2**63))
@example(0)
@example(7_200)
@example(99_999)
@example(100_000)
@example(123_456)
@example(999_999_999)
@example(1_000_000_000)
@example(1_000_000_001)
@example(999_999_999_999_999)
@example(10**15)
def test_headers_tell_an_amount_as_python_shows_it(nanos):
    assert usd_text(nanos) == repr(usd_from_nanos(nanos))


@given(st.integers(0, 10**16))
def test_amounts_of_every_usual_size_are_told_so_too(nanos):
    assert usd_text(nanos) == repr(usd_from_nanos(nanos))
