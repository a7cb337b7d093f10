import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.catalog.wildcards import build_wildcards, fill_in, find_wildcard


def covering(patterns: list[str], name: str) -> str | None:
    found = find_wildcard(build_wildcards(patterns), name)
    return found[0].name if found is not None else None


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("openai/gpt-4o", "openai/gpt-*"),
        ("openai/o3", "openai/*"),
        ("groq/llama", "*"),
        ("openai", "*"),
    ],
)
def test_the_most_specific_pattern_wins(name: str, pattern: str) -> None:
    assert covering(["*", "openai/*", "openai/gpt-*"], name) == pattern


@pytest.mark.parametrize("name", ["xopenai/gpt", "openai", "OPENAI/gpt", ""])
def test_the_whole_name_has_to_fit(name: str) -> None:
    assert covering(["openai/*"], name) is None


def test_letters_with_a_meaning_in_expressions_are_letters() -> None:
    assert covering(["bedrock/anthropic.*"], "bedrock/anthropicXclaude") is None
    assert covering(["bedrock/anthropic.*"], "bedrock/anthropic.claude") == "bedrock/anthropic.*"


@pytest.mark.parametrize(
    ("template", "texts", "filled"),
    [
        ("openai/*", ("gpt-4o",), "openai/gpt-4o"),
        ("openai/gpt-4o", ("x",), "openai/gpt-4o"),
        ("*/*", ("a", "b"), "a/b"),
        ("*", ("a*b",), "a*b"),
        ("*/*", ("a*", "b"), "a*/b"),
        ("*/*", ("a",), "a/*"),
    ],
)
def test_stars_are_filled_in_order(template: str, texts: tuple[str, ...], filled: str) -> None:
    assert fill_in(template, texts) == filled


@given(st.text(min_size=1, max_size=50))
def test_what_a_star_stands_for_arrives_unchanged(text: str) -> None:
    found = find_wildcard(build_wildcards(["p/*"]), f"p/{text}")

    assert found is not None
    assert fill_in("q/*", found[1]) == f"q/{text}"
