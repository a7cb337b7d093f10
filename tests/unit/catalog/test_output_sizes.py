import random

import pytest

from gateway.catalog.output_sizes import OutputSizes


def noted(*sizes: int) -> OutputSizes:
    found = OutputSizes()
    for size in sizes:
        found.note("m", size)
    return found


def test_without_enough_answers_a_usual_size_is_expected() -> None:
    assert noted(*[5] * 99).expected("m") == 1024
    assert noted(*[5] * 500).expected("other") == 1024


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100, 1_000, 5_000, 131_072])
def test_answers_of_one_size_are_expected_to_a_quarter(size: int) -> None:
    assert size <= noted(*[size] * 128).expected("m") <= size * 1.25 + 1


def test_one_answer_in_a_hundred_is_longer_than_expected() -> None:
    sizes = [10] * 900 + [300] * 95 + [90_000] * 5
    random.Random(1).shuffle(sizes)
    assert 300 <= noted(*sizes, *sizes).expected("m") < 400


def test_a_model_that_changes_is_followed() -> None:
    found = noted(*[4_000] * 8_192)
    for _ in range(60_000):
        found.note("m", 10)
    assert found.expected("m") < 20


def test_calls_without_an_answer_say_nothing() -> None:
    assert noted(*[0] * 1_000, *[-3] * 1_000).expected("m") == 1024


def test_names_that_clients_invent_do_not_pile_up() -> None:
    found = OutputSizes()
    for number in range(10_000):
        found.note(f"m{number}", 5)
    assert len(found._histograms) <= 4_096
