"""Phrases are found where a plain pattern of all of them would, and their number costs no time."""

import re
import sys
from collections.abc import Callable, Sequence

import pytest
from gateway_guardrails.keywords import BlockedWord, Keywords, KeywordsParams
from gateway_guardrails.phrases import Phrases
from gateway_guardrails.pii import Pii, PiiParams
from gateway_guardrails.secret_detection import SecretDetection, SecretDetectionSettings
from gateway_guardrails.spans import Spans
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.sdk import Content, Direction, Guardrail, GuardrailCall, Piece

PHRASES = ("Project Aurora", "aurora", "#one", "C++", "a-b", "straße", "Σίσυφος", "$$$", "x.y z")
MANY = [f"word{number}" for number in range(600)]
SIGNS = [*PHRASES, *map(str.upper, PHRASES), *"#+-. \n\tabX_1", "   ", "project", "ss", "\u017f"]
texts = st.lists(st.sampled_from(SIGNS), max_size=12).map("".join)


def plain(text: str, beginnings: Sequence[str] = ()) -> list[tuple[int, int]]:
    """What one pattern finds that has all of them side by side, the longest first."""
    words = sorted(
        [*((word, r"(?!\w)") for word in PHRASES), *((word, r"\w*") for word in beginnings)], key=_length
    )
    spelled = "|".join(r"\s{1,3}".join(map(re.escape, word.split())) + end for word, end in words)
    return [match.span() for match in re.compile(rf"(?<!\w)(?:{spelled})", re.IGNORECASE).finditer(text)]


def _length(word: tuple[str, str]) -> int:
    return -len(word[0])


@pytest.mark.parametrize("more", [[], MANY], ids=["few", "many"])
def test_phrases_are_found_where_a_pattern_of_them_finds_them(more: list[str]) -> None:
    phrases = Phrases([*PHRASES, *more])

    @given(texts)
    def check(text: str) -> None:
        found = [(start, end) for _, start, end in phrases.find(text)]
        taken = Spans()
        for start, end in found:
            assert taken.take(start, end)
        # One that folds to more letters, like `STRASSE`, is found besides.
        assert all(not taken.take(start, end) for start, end in plain(text))

    check()


BEGINNINGS = ["pro", "project a", "#x", "strass"]


@pytest.mark.parametrize("more", [[], MANY], ids=["few", "many"])
def test_beginnings_are_found_where_a_pattern_of_them_finds_them(more: list[str]) -> None:
    phrases = Phrases([*PHRASES, *more], BEGINNINGS)

    @settings(max_examples=60 if settings.default.max_examples <= 100 else 5_000)
    @given(texts)
    def check(text: str) -> None:
        taken = Spans()
        for _, start, end in phrases.find(text):
            assert taken.take(start, end)
        assert all(not taken.take(start, end) for start, end in plain(text, BEGINNINGS))

    check()


def test_the_last_word_of_a_beginning_goes_on_and_no_further() -> None:
    phrases = Phrases(["foo bar baz", "investment fund"], ["foo bar", "inv"])
    found = list(phrases.find("foo barista qux, foo bar qux, investment, in v, foo bar"))
    assert [key for key, _, _ in found] == ["foo barista", "foo bar", "investment", "foo bar"]


def test_phrases_are_told_as_they_are_folded() -> None:
    found = list(Phrases(["Project  Aurora"]).find("the PROJECT\naurora, and project    aurora"))
    assert found == [("project aurora", 4, 18)]


def test_ranges_that_overlap_are_taken_once() -> None:
    taken = Spans()
    assert [taken.take(*pair) for pair in [(5, 9), (0, 5), (8, 10), (9, 12), (3, 20), (7, 8)]] == [
        *(True, True, False, True, False, False)
    ]


def count_calls(act: Callable[[], object]) -> int:
    """How many functions are called, of Python and of C."""
    count = 0

    def note(*_: object) -> None:
        nonlocal count
        count += 1

    former = sys.getprofile()
    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(former)
    return count


@pytest.mark.parametrize(
    "guardrail",
    [
        Keywords(KeywordsParams((BlockedWord("aurora", "MASK"),))),  # type: ignore[arg-type]  as decoded
        Pii(PiiParams(pii_entities_config={"EMAIL_ADDRESS": "REPLACE"})),  # type: ignore[dict-item]  as decoded
        SecretDetection(SecretDetectionSettings()),
    ],
    ids=lambda one: type(one).__name__,
)
def test_twice_as_many_findings_take_twice_the_work(guardrail: Guardrail) -> None:
    def work(lines: int) -> int:
        text = "\n".join(f"aurora a{number}@example.com AKIA{number:016x}" for number in range(lines))
        text = text.replace("AKIA", "sk-" + "a1" * 10)
        content = Content(Direction.REQUEST, (Piece(text),))
        return count_calls(lambda: guardrail.inspect(content, GuardrailCall(guardrail="g")))

    assert work(800) < 2.5 * work(400)
