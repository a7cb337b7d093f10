"""Model names with `*`: which pattern covers a name, and what the name becomes upstream."""

import re
from collections.abc import Iterable

import msgspec

__all__ = ["Wildcard", "build_wildcards", "fill_in", "find_wildcard"]


class Wildcard(msgspec.Struct, frozen=True):
    """A pattern of model names; `*` stands for any text, and the whole name has to fit."""

    name: str
    pattern: re.Pattern[str]


def build_wildcards(names: Iterable[str]) -> tuple[Wildcard, ...]:
    """Compile patterns, the most specific first: more literal text, then fewer stars."""
    ranked = sorted(set(names), key=lambda name: (-len(name.replace("*", "")), name.count("*"), name))
    return tuple(Wildcard(name, _compile(name)) for name in ranked)


def _compile(name: str) -> re.Pattern[str]:
    return re.compile("(.*)".join(re.escape(part) for part in re.split(r"\*+", name)), re.DOTALL)


def find_wildcard(wildcards: tuple[Wildcard, ...], name: str) -> tuple[Wildcard, tuple[str, ...]] | None:
    """The most specific pattern that covers a name, and the text that its stars stand for."""
    for wildcard in wildcards:
        match = wildcard.pattern.fullmatch(name)
        if match is not None:
            return wildcard, match.groups()
    return None


def fill_in(template: str, texts: tuple[str, ...]) -> str:
    """Put the texts in the place of a template's stars, in order; stars without a text stay."""
    head, *tails = template.split("*")
    for index, tail in enumerate(tails):
        head += (texts[index] if index < len(texts) else "*") + tail
    return head
