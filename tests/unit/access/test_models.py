import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.models import ModelLists, ModelNames, pattern_covers

LISTS = ModelLists(
    ModelNames(
        groups_of=lambda model: {"beta"} if model == "gpt-5" else (),
        providers_of=lambda model: ("openai",) if model.startswith("gpt") else (),
    )
)


@pytest.mark.parametrize(
    ("models", "model", "is_covered"),
    [
        (set(), "anything", True),
        ({"gpt-4o"}, "gpt-4o", True),
        ({"gpt-4o"}, "gpt-4o-mini", False),
        ({"gpt-4o"}, "GPT-4o", False),
        ({"*"}, "anything", True),
        ({"all-proxy-models"}, "anything", True),
        ({"no-default-models"}, "anything", False),
        ({"no-default-models"}, "no-default-models", False),
        ({"no-default-models", "*"}, "anything", False),
        ({"all-team-models"}, "anything", False),
        ({"openai/*"}, "openai/gpt-4o", True),
        ({"openai/*"}, "gpt-4o", True),
        ({"openai/*"}, "claude", False),
        ({"openai/*"}, "azure/gpt-4o", False),
        ({"openai/*"}, "openaix/gpt-4o", False),
        ({"bedrock/anthropic.*"}, "bedrock/anthropic.claude", True),
        ({"bedrock/anthropic.*"}, "bedrock/anthropicXclaude", False),
        ({"bedrock/anthropic.*"}, "xbedrock/anthropic.claude", False),
        ({"openai/*", "claude"}, "claude", True),
        ({"gpt-*"}, "gpt-4o\n", True),
        ({"beta"}, "gpt-5", True),
        ({"beta"}, "gpt-4o", False),
    ],
)
def test_lists_cover_what_they_say(models, model, is_covered):
    assert LISTS.covers(frozenset(models), model) is is_covered
    assert LISTS.covers(frozenset(models), model) is is_covered


@given(st.text(alphabet="ab/.*", max_size=12), st.text(alphabet="ab/.", max_size=12))
def test_a_pattern_covers_names_as_a_plain_search_would(pattern, model):
    def search(parts: list[str], text: str) -> bool:
        if len(parts) == 1:
            return text == parts[0]
        head, *rest = parts
        tails = (text[at:] for at in range(len(head), len(text) + 1))
        return text.startswith(head) and any(search(rest, tail) for tail in tails)

    assert pattern_covers(pattern, model) is search(pattern.split("*"), model)


@pytest.mark.parametrize("pattern", ["*" * 500 + "x", "a*" * 200 + "x", "*a" * 250 + "x"])
def test_a_hostile_pattern_does_not_take_for_ever(pattern):
    assert not pattern_covers(pattern, "a" * 5000)
