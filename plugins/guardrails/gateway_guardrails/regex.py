"""The guardrail `regex`: what an operator's patterns find is refused or masked, in linear time."""

from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from typing import ClassVar

import msgspec

from gateway.sdk import Content, Edit, Guardrail, GuardrailCall, Verdict
from gateway_guardrails.linear import LinearPatterns
from gateway_guardrails.search import search

__all__ = ["Pattern", "PatternAction", "Regex", "RegexParams"]

_MOST_PATTERNS, _LONGEST_PATTERN, _LONGEST_MATCH = 1_000, 10_000, 1_000_000


class PatternAction(StrEnum):
    """What happens to content that matches."""

    BLOCK = "BLOCK"
    MASK = "MASK"


class Pattern(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A named pattern in RE2's syntax (https://github.com/google/re2/wiki/Syntax)."""

    name: str
    pattern: str
    action: PatternAction = PatternAction.BLOCK


class RegexParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The patterns, and how far one of them may reach."""

    patterns: tuple[Pattern, ...]
    """Patterns: `name`, `pattern` in RE2's syntax, `action` (BLOCK, MASK)."""
    longest_match: int = 256
    """How many characters one may span: so much of a stream is held back."""

    def __post_init__(self) -> None:
        if not 0 < len(self.patterns) <= _MOST_PATTERNS:
            raise ValueError(f"'patterns' needs 1 to {_MOST_PATTERNS} items")
        if any(len(item.pattern) > _LONGEST_PATTERN for item in self.patterns):
            raise ValueError(f"a pattern has at most {_LONGEST_PATTERN} characters")
        if not 0 < self.longest_match <= _LONGEST_MATCH:
            raise ValueError(f"'longest_match' is from 1 to {_LONGEST_MATCH}")


class Regex(Guardrail):
    """Searches texts with RE2, which has no pattern that is slow."""

    Params: ClassVar[type[RegexParams]] = RegexParams
    can_be_submitted = True

    def __init__(self, params: RegexParams) -> None:
        """Raises ValueError for a pattern that RE2 does not take, as one that looks around or back."""
        self.window = params.longest_match
        # What blocks comes first, so that a mask over the same place does not hide it.
        self._items = sorted(params.patterns, key=lambda item: item.action is not PatternAction.BLOCK)
        self._patterns = LinearPatterns([item.pattern for item in self._items])

    def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        """Refuse content that matches a blocking pattern; mask what the others match."""
        edits: list[Edit] = []
        kinds: Counter[str] = Counter()
        for hit in search(content, self._find):
            if hit.what.action is PatternAction.BLOCK:
                refusal = f"The guardrail '{call.guardrail}' found '{hit.what.name}' in {hit.path}."
                return Verdict(refusal=refusal, categories=(hit.what.name,))
            if hit.places:
                edits += hit.edits(f"[{hit.what.name}]")
                kinds[hit.what.name] += 1
        return Verdict(edits=tuple(edits), categories=tuple(kinds), masked=kinds) if edits else None

    def _find(self, text: str) -> Iterator[tuple[Pattern, int, int]]:
        return ((self._items[number], start, end) for number, start, end in self._patterns.find(text))
