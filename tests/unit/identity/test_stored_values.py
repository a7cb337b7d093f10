from datetime import UTC, datetime

import pytest

from gateway.identity import stored_values as stored


@pytest.mark.parametrize("text", [None, "", "null", "[]", "{}", '""', '"{}"'])
def test_nothing_stored_is_an_empty_object_and_an_empty_list(text):
    assert stored.read_object(text) == {}
    assert stored.read_list(text) == []


def test_an_object_that_was_stored_as_a_text_is_read():
    assert stored.read_object('"{\\"a\\": 1}"') == {"a": 1}
    assert stored.read_list('"[1]"') == [1]


@pytest.mark.parametrize("text", ["[1]", "1", "true", '"word"', '"{broken"'])
def test_what_is_no_object_is_not_taken_for_an_empty_one(text):
    assert stored.read_object(text) is None


@pytest.mark.parametrize("text", ['{"a": 1}', "1", '"word"'])
def test_what_is_no_list_is_not_taken_for_an_empty_one(text):
    assert stored.read_list(text) is None


@pytest.mark.parametrize(
    ("usd", "nanos"),
    [(1, 10**9), ("0.5", 5 * 10**8), (0, 0), (-3, 0), (1e300, 2**63 - 1)],
)
def test_amounts_are_read_as_nano_dollars(usd, nanos):
    assert stored.read_nanos(usd) == nanos


@pytest.mark.parametrize("usd", [float("nan"), float("inf"), "NaN", "much", True, None, [1], {}])
def test_an_amount_that_cannot_be_enforced_is_none(usd):
    assert stored.read_nanos(usd) is None


@pytest.mark.parametrize(
    ("value", "count"), [(5, 5), (5.0, 5), ("5", 5), (-1, 0), (0, 0), (10**30, 2**63 - 1)]
)
def test_counts_are_read_from_numbers_and_texts(value, count):
    assert stored.read_count(value) == count


@pytest.mark.parametrize("value", [1.5, "many", float("nan"), float("inf"), True, None, []])
def test_a_count_that_is_none(value):
    assert stored.read_count(value) is None


def test_times_without_zone_are_utc():
    expected = datetime(2030, 1, 1, tzinfo=UTC)
    assert stored.read_moment("2030-01-01") == expected
    assert stored.read_moment(datetime.fromisoformat("2030-01-01")) == expected
    assert stored.read_moment("2030-01-01T01:00:00+01:00") == expected
    assert stored.read_moment("soon") is None
    assert stored.read_moment(7) is None


def test_lists_of_texts():
    assert stored.read_texts(["a"]) == ("a",)
    assert stored.read_texts(None) == ()
    assert stored.read_texts(["a", 1]) is None
    assert stored.read_texts("a") is None
    assert stored.read_names(["a", None, ""]) == ("a",)
