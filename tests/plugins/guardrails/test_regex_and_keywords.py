"""The guardrails `regex` and `keywords`."""

from typing import Any

import msgspec
import pytest
from gateway_guardrails.keywords import Keywords, KeywordsParams
from gateway_guardrails.regex import Regex, RegexParams

from gateway.testing import edit_texts, inspect_texts


def regex(*patterns: dict[str, Any], **params: Any) -> Regex:
    return Regex(msgspec.convert({"patterns": patterns, **params}, RegexParams))


def keywords(*words: dict[str, Any]) -> Keywords:
    return Keywords(msgspec.convert({"blocked_words": words}, KeywordsParams))


async def test_a_pattern_blocks_or_masks() -> None:
    guard = regex(
        {"name": "ticket", "pattern": r"TICKET-\d+", "action": "MASK"},
        {"name": "bomb", "pattern": r"(?i)bomb"},
    )
    verdict = await inspect_texts(guard, "see TICKET-12 and TICKET-7", "nothing")
    assert edit_texts(verdict, "see TICKET-12 and TICKET-7", "nothing") == [
        "see [ticket] and [ticket]",
        "nothing",
    ]
    assert dict(verdict.masked) == {"ticket": 2}
    verdict = await inspect_texts(guard, "a BOMB", guardrail="mine")
    assert verdict.refusal == "The guardrail 'mine' found 'bomb' in messages[0].content."


async def test_of_two_patterns_in_one_place_the_first_counts() -> None:
    guard = regex(
        {"name": "long", "pattern": "abc", "action": "MASK"},
        {"name": "short", "pattern": "b", "action": "MASK"},
    )
    verdict = await inspect_texts(guard, "abc b")
    assert edit_texts(verdict, "abc b") == ["[long] [short]"]


@pytest.mark.parametrize("pattern", [r"(a)\1", r"(?=a)", "(", r"(?<!a)b"])
def test_what_re2_does_not_take_is_refused_with_its_words(pattern: str) -> None:
    with pytest.raises(ValueError, match="is no pattern of RE2"):
        regex({"name": "p", "pattern": pattern})


@pytest.mark.parametrize(
    "params",
    [{"patterns": []}, {"patterns": [{"name": "p", "pattern": "a"}], "longest_match": 0}],
)
def test_parameters_without_sense_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(params, RegexParams)


async def test_a_pattern_that_is_slow_elsewhere_is_not_slow_here() -> None:
    guard = regex({"name": "evil", "pattern": "(a+)+$", "action": "MASK"})
    assert (await inspect_texts(guard, "a" * 50_000 + "b")).edits == ()


@pytest.mark.parametrize("text", ["AURORA", "project\n  aurora!", "(aurora)"])
async def test_a_word_is_found_in_any_case_and_place(text: str) -> None:
    guard = keywords({"keyword": "Aurora"}, {"keyword": "Project  Aurora"})
    assert (await inspect_texts(guard, text)).refusal is not None


@pytest.mark.parametrize("text", ["auroras", "xaurora", "aurora_1", "auro ra"])
async def test_a_part_of_a_word_is_another_word(text: str) -> None:
    assert (await inspect_texts(keywords({"keyword": "aurora"}), text)).refusal is None


async def test_words_are_masked_where_the_operator_says_so() -> None:
    guard = keywords({"keyword": "aurora", "action": "MASK"}, {"keyword": "a+b", "action": "MASK"})
    verdict = await inspect_texts(guard, "Aurora, a+b, aab")
    assert edit_texts(verdict, "Aurora, a+b, aab") == ["[KEYWORD_REDACTED], [KEYWORD_REDACTED], aab"]
    assert dict(verdict.masked) == {"keyword": 2}


@pytest.mark.parametrize(
    "words", [[], [{"keyword": " "}], [{"keyword": "x" * 201}], [{"keyword": "a", "action": "HIDE"}]]
)
def test_lists_of_words_without_sense_are_refused(words: list[dict[str, Any]]) -> None:
    with pytest.raises(msgspec.ValidationError):
        keywords(*words)
