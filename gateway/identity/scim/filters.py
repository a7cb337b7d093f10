"""Filters (RFC 7644, section 3.4.2.2): comparisons with `eq`, joined with `and`."""

import re
from collections.abc import Sequence

import msgspec

from gateway.identity.scim.refusals import InvalidFilter

__all__ = ["Comparison", "parse_filter"]

_TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[\[\]]|[^\s"\[\]]+)')
_PATH = re.compile(r"\$?[A-Za-z][\w\-.:$]*")
_LONGEST = 2_000
_CLOSE = "]"


class Comparison(msgspec.Struct, frozen=True):
    """That an attribute equals a value; `path` is in lower case, of a value path with its attribute."""

    path: str
    value: str | bool | float | None


def parse_filter(text: str, urn: str = "") -> tuple[Comparison, ...]:
    """The comparisons of a filter, which all have to hold; `urn` is the schema that may precede names.

    `emails[type eq "work"].value eq "a"` is `emails.type eq "work" and emails.value eq "a"`: users have one
    address. Raises InvalidFilter.
    """
    if len(text) > _LONGEST:
        raise InvalidFilter(f"The filter must have at most {_LONGEST} characters.", param="filter")
    reader = _Reader(_split(text), urn)
    found = reader.conjunction("")
    if not reader.is_done:
        raise reader.refusal()
    return tuple(found)


def _split(text: str) -> list[str]:
    tokens: list[str] = []
    place, end = 0, len(text.rstrip())
    while place < end:
        match = _TOKEN.match(text, place)
        if match is None:
            raise InvalidFilter(f"The filter cannot be read at character {place + 1}.", param="filter")
        tokens.append(match[1])
        place = match.end()
    return tokens


class _Reader:
    def __init__(self, tokens: Sequence[str], urn: str) -> None:
        self._tokens = tokens
        self._prefix = f"{urn}:".lower()
        self._place = 0

    @property
    def is_done(self) -> bool:
        return self._place == len(self._tokens)

    def conjunction(self, within: str) -> list[Comparison]:
        """Comparisons joined with `and`; `within` is the attribute whose values are filtered."""
        found = self._condition(within)
        while self._peek().lower() == "and":
            self._take()
            found += self._condition(within)
        return found

    def refusal(self) -> InvalidFilter:
        place = f"'{self._peek()[:50]}'" if self._peek() else "its end"
        message = f'The filter cannot be read at {place}. It is of the form: userName eq "ada" and ...'
        return InvalidFilter(message, param="filter")

    def _condition(self, within: str) -> list[Comparison]:
        path = self._path()
        if self._peek() == "[" and not within:
            self._take()
            inner = self.conjunction(path)
            if self._take() != _CLOSE:
                raise self.refusal()
            part = self._peek()
            if not part.startswith("."):
                return inner
            self._take()
            return [*inner, self._comparison(path + part.lower())]
        return [self._comparison(f"{within}.{path}" if within else path)]

    def _comparison(self, path: str) -> Comparison:
        operator = self._take().lower()
        if not operator:
            raise self.refusal()
        if operator != "eq":
            message = f"The operator '{operator[:20]}' is not supported; write eq, and join with 'and'."
            raise InvalidFilter(message, param="filter")
        return Comparison(path, self._value())

    def _path(self) -> str:
        token = self._peek().lower().removeprefix(self._prefix)
        if not _PATH.fullmatch(token):
            raise self.refusal()
        self._take()
        return token

    def _value(self) -> str | bool | float | None:
        token = self._peek()
        try:
            value = msgspec.json.decode(token.encode(), type=str | bool | float | None)
        except msgspec.DecodeError:
            # Entra writes True and False.
            if token.lower() not in {"true", "false"}:
                raise self.refusal() from None
            value = token.lower() == "true"
        self._take()
        return value

    def _peek(self) -> str:
        return self._tokens[self._place] if self._place < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        self._place += 1 if token else 0
        return token
