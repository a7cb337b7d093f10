"""RE2 with types: patterns that take linear time whatever the text is."""

from collections.abc import Iterator, Sequence
from typing import Any

import re2

__all__ = ["LinearPattern", "LinearPatterns"]

_MOST_BYTES = 8 * 1024 * 1024
_re2: Any = re2  # The package has no types.


class LinearPatterns:
    """Several patterns in RE2's syntax (https://github.com/google/re2/wiki/Syntax).

    All are looked for in one pass; only those that are somewhere in the text are then searched one by one.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        """Raises ValueError for a pattern that RE2 does not take, as one that looks around or back."""
        options = _options()
        self._patterns: list[Any] = [_compile(pattern, options) for pattern in patterns]
        self._all: Any = _re2.Set.SearchSet(options)
        for pattern in patterns:
            self._all.Add(pattern)
        self._all.Compile()

    def list_present(self, text: str) -> list[int]:
        """The places of the patterns that are somewhere in the text."""
        return sorted(self._all.Match(text) or ())

    def find(self, text: str) -> Iterator[tuple[int, int, int]]:
        """Every match, pattern by pattern: the place of the pattern, beginning and end in characters."""
        for place in self.list_present(text):
            for match in self._patterns[place].finditer(text):
                start, end = match.span()
                if start < end:
                    yield place, start, end


class LinearPattern:
    """One pattern, which a text has somewhere in it, or with `is_whole` must fit as a whole."""

    def __init__(self, pattern: str, *, is_whole: bool = False) -> None:
        """Raises ValueError for a pattern that RE2 does not take."""
        _compile(pattern, _options())
        self._pattern = _compile(rf"\A(?:{pattern})\z" if is_whole else pattern, _options())

    def is_in(self, text: str) -> bool:
        """Whether the text fits."""
        return self._pattern.search(text) is not None

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Where every match begins and ends, in characters."""
        return (match.span() for match in self._pattern.finditer(text))


def _options() -> Any:
    options = _re2.Options()
    options.max_mem = _MOST_BYTES
    options.log_errors = False
    return options


def _compile(pattern: str, options: Any) -> Any:
    try:
        return _re2.compile(pattern, options)
    except _re2.error as error:
        raise ValueError(f"'{pattern[:100]}' is no pattern of RE2: {error}") from None
