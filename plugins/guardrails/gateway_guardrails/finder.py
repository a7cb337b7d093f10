"""Finds candidates with one pass of RE2 over a text, which is linear, and checks each of them."""

import re
from collections.abc import Sequence

import msgspec

from gateway_guardrails.entities import Entity
from gateway_guardrails.linear import LinearPatterns
from gateway_guardrails.spans import Spans

__all__ = ["Finder", "Finding"]

_WORD_CHARACTERS = 40
_GOES_ON_BEFORE = re.compile(r"\w$|\d[.-]$")
_GOES_ON = re.compile(r"\w|[.-]\d")


class Finding(msgspec.Struct, frozen=True, gc=False):
    """Where something was found, in characters."""

    name: str
    start: int
    end: int


class Finder:
    """Finds personal data of some kinds; what an earlier kind found, a later one does not find again."""

    def __init__(self, entities: Sequence[Entity]) -> None:
        self._entities = tuple(entities)
        self._patterns = LinearPatterns([entity.pattern for entity in entities])

    def find(self, text: str) -> list[Finding]:
        """All findings, from left to right; they do not overlap."""
        found: list[Finding] = []
        taken = Spans()
        for place, start, end in self._patterns.find(text):
            finding = _check(self._entities[place], text, start, end)
            if finding is not None and taken.take(finding.start, finding.end):
                found.append(finding)
        return sorted(found, key=_start)


def _check(entity: Entity, text: str, start: int, end: int) -> Finding | None:
    part = entity.check(text[start:end])
    if part is None:
        return None
    start, end = start + part[0], start + part[1]
    # A piece of a longer number or word is something else. RE2 cannot look around, so this is done here.
    if _GOES_ON_BEFORE.search(text[max(start - 2, 0) : start]) or _GOES_ON.match(text, end):
        return None
    if entity.words:
        before = text[max(start - _WORD_CHARACTERS, 0) : start].lower()
        if not any(word in before for word in entity.words):
            return None
    return Finding(entity.name, start, end)


def _start(finding: Finding) -> int:
    return finding.start
