"""The kinds of credential that the library detect-secrets knows.

Candidates are found by RE2, with patterns that fit whatever those of the library fit; each candidate is
shown to the library's plugin, which decides. Nothing is asked of the network: plugins do that in
`analyze_line` alone, which is not called.
"""

import re
from collections.abc import Iterator
from copy import copy
from typing import Any, cast

import msgspec
from detect_secrets.plugins.high_entropy_strings import HighEntropyStringsPlugin
from detect_secrets.plugins.keyword import KeywordDetector

from gateway_guardrails.library_sources import SOURCES, Source
from gateway_guardrails.linear import LinearPattern
from gateway_guardrails.supersets import is_exact, superset, superset_in_short

__all__ = ["LIBRARY_DETECTORS", "LibraryDetector"]

_MOST_ASKED = 1_100
"""So long candidates are shown to patterns that look around: Python may try them at every place."""


class LibraryDetector:
    """One pattern of one plugin."""

    def __init__(self, source: Source, pattern: re.Pattern[str], group: int) -> None:
        self.kind = source.kind
        self.pattern = pattern
        self.hint = superset_in_short(pattern)
        """What RE2 finds in every text in which there is something."""
        self.plugin = source.plugin
        self._source = source
        self._group = group
        self._most = None if is_exact(pattern) else _MOST_ASKED
        self._candidates = LinearPattern(superset(pattern))

    def with_limit(self, limit: float) -> "LibraryDetector":
        """The same, for a plugin that measures how random a text is: it must exceed so many bits."""
        plugin = copy(self.plugin)
        if isinstance(plugin, HighEntropyStringsPlugin):
            plugin.entropy_limit = limit
        source = msgspec.structs.replace(self._source, plugin=plugin)
        return LibraryDetector(source, self.pattern, self._group)

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Where credentials are."""
        for start, end in self._candidates.find(text):
            # The signs beside a candidate are what the library's pattern looks at.
            begin = max(start - 1, 0)
            window = text[begin : end + 1]
            match = self.pattern.search(window) if self._most is None or len(window) <= self._most else None
            if match is None or not self._is_secret(window, match):
                continue
            found = self._locate(text, begin, match)
            if self._source.check(text[slice(*found)]):
                yield found

    def _is_secret(self, window: str, match: re.Match[str]) -> bool:
        """What the library says."""
        plugin = self.plugin
        if isinstance(plugin, HighEntropyStringsPlugin):
            return plugin.calculate_shannon_entropy(match[self._group]) > plugin.entropy_limit
        try:
            if isinstance(plugin, KeywordDetector):
                # Its types do not say what the patterns are of.
                found: Iterator[str] = cast("Any", plugin).analyze_string(window, {self.pattern: self._group})
            else:
                found = plugin.analyze_string(window)
            # Of some patterns it tells a part that may be empty.
            return any(True for _ in found)
        except RecursionError:
            # It reads the JSON of a JWT, which somebody has nested to no end: that is none.
            return False

    def _locate(self, text: str, offset: int, match: re.Match[str]) -> tuple[int, int]:
        start, end = match.span(self._group)
        source = self._source
        core = source.core.search(match.string, start, end) if source.core else None
        start, end = (place + offset for place in (core.span() if core else (start, end)))
        rest = source.rest.match(text, end) if source.rest else None
        return start, start + len(text[start : rest.end()].rstrip(".")) if rest else end


LIBRARY_DETECTORS = tuple(
    LibraryDetector(source, pattern, group) for source in SOURCES for pattern, group in source.list_patterns()
)
"""All of them, the most specific first."""
