"""Finds words and phrases, in any case, in time that does not grow with how many there are."""

import re
from collections.abc import Iterable, Iterator

from gateway_guardrails.linear import LinearPattern

__all__ = ["MOST_SPACES", "Phrases", "fold"]

MOST_SPACES = 3
"""So many stand between two words of a phrase at most."""
_TOKEN = re.compile(r"\w+|[^\w\s]")
_WORD_SIGN = re.compile(r"\w")
_REST_OF_WORD = re.compile(r"\w*")
_CUT = "".join(chr(code).lower() if _WORD_SIGN.match(chr(code)) else " " for code in range(128))
"""Letters of ASCII in lower case and digits, and spaces for all else."""
_MOST_IN_PATTERN = 500
"""With more words a pattern of them all would need too much memory."""


class Phrases:
    """Phrases, which are found where no letter or digit stands right beside them.

    Of `beginnings` the last word may go on. A text is cut into words and single signs; only where the first
    of a phrase stands is more compared.
    """

    def __init__(self, phrases: Iterable[str], beginnings: Iterable[str] = ()) -> None:
        begun = list(beginnings)
        listed = [*phrases, *begun]
        self._keys = {fold(phrase) for phrase in listed}
        self._beginnings = {fold(phrase) for phrase in begun}
        self._lengths = sorted({len(key) for key in self._beginnings}, reverse=True)
        sizes: dict[str, set[int]] = {}
        for key in self._keys:
            tokens = _TOKEN.findall(key)
            sizes.setdefault(tokens[0], set()).add(len(tokens))
        self._sizes = {first: sorted(counts, reverse=True) for first, counts in sizes.items()}
        self._begins_words = any(_TOKEN.fullmatch(key) for key in self._beginnings)
        self._signs = [first for first in sizes if not _WORD_SIGN.match(first)]
        # RE2 takes a letter for those of its other cases, but never `ß` for `ss`: it needs both.
        said = {_TOKEN.findall(phrase.lower())[0] for phrase in listed}
        self._hint = LinearPattern(_spell(said | sizes.keys())) if len(said) <= _MOST_IN_PATTERN else None

    def find(self, text: str) -> Iterator[tuple[str, int, int]]:
        """The phrases of a text, as `fold` spells them, with their places; of two the longer counts."""
        if not self._may_be_in(text):
            return
        spans = [match.span() for match in _TOKEN.finditer(text)]
        free = 0
        for number, (start, end) in enumerate(spans):
            if start < free:
                continue
            word = _fold(text[start:end])
            sizes = self._sizes.get(word, ())
            if self._begins_words and 1 not in sizes and self._goes_on(word):
                sizes = (*sizes, 1)
            found = self._match(text, spans, number, sizes) if sizes else None
            if found is not None:
                free = found[2]
                yield found

    def _may_be_in(self, text: str) -> bool:
        """Whether the first word of one is, which most texts have none of."""
        if self._hint is not None:
            return self._hint.is_in(text)
        if self._begins_words:
            return True
        words = text.translate(_CUT).split() if text.isascii() else map(_fold, _TOKEN.findall(text))
        return not self._sizes.keys().isdisjoint(words) or any(sign in text for sign in self._signs)

    def _match(
        self, text: str, spans: list[tuple[int, int]], number: int, sizes: Iterable[int]
    ) -> tuple[str, int, int] | None:
        start = spans[number][0]
        for size in sizes:
            if number + size > len(spans):
                continue
            end = spans[number + size - 1][1]
            said = text[start:end]
            key = fold(said)
            is_alone = key in self._keys and _stands_alone(text, start, end)
            if (is_alone or self._goes_on(key)) and _is_close(said):
                return key, start, end
        return None

    def _goes_on(self, key: str) -> bool:
        lengths = (length for length in self._lengths if key[:length] in self._beginnings)
        return any(_REST_OF_WORD.fullmatch(key, length) for length in lengths)


def _is_close(said: str) -> bool:
    return all(len(gap) <= MOST_SPACES for gap in re.findall(r"\s+", said))


def _stands_alone(text: str, start: int, end: int) -> bool:
    # Words are cut where they end; beside a sign, like that of `#one`, there may be anything.
    return not (
        (start and _WORD_SIGN.match(text[start - 1])) or (end < len(text) and _WORD_SIGN.match(text[end]))
    )


def _spell(words: Iterable[str]) -> str:
    """A pattern for any of them, in any case."""
    return "(?i)" + "|".join(re.escape(word).replace("i", "[i\u0131\u0130]") for word in words)


def fold(phrase: str) -> str:
    """A phrase as all of its spellings in other cases and with other spaces are."""
    return " ".join(_fold(phrase).split())


def _fold(text: str) -> str:
    # Both letters that Turkish has for it are an i to whoever reads quickly.
    return text.casefold().replace("i\u0307", "i").replace("\u0131", "i")
