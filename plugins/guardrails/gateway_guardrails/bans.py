"""The guardrails `ban_urls`, `ban_code` and `ban_competitors`."""

import re
from collections.abc import Iterator
from typing import ClassVar
from urllib.parse import urlsplit

import msgspec

from gateway.sdk import Content, Guardrail, GuardrailCall, Verdict
from gateway_guardrails.actions import Action, judge, spoken
from gateway_guardrails.keywords import BlockedWord, Keywords, KeywordsParams, WordAction

__all__ = ["BanCode", "BanCodeParams", "BanCompetitors", "BanCompetitorsParams", "BanUrls", "BanUrlsParams"]

_LONGEST_URL = 2_048
_END = r"[^\s<>\"'`)\]}]"
_URL = re.compile(
    rf"(?:https?|ftps?|wss?)://{_END}{{1,{_LONGEST_URL}}}|\bwww\.{_END}{{1,{_LONGEST_URL}}}", re.IGNORECASE
)
_FENCE = re.compile(r"^[ \t]{0,3}(```|~~~)[ \t]*([\w+#.-]{0,40})[^\n]*\n", re.MULTILINE)
_STATEMENT = re.compile(
    r"^\s*(?:def \w+\(|class \w+[:({]|import [\w.]+|from [\w.]+ import |#include\s*[<\"]|"
    r"public (?:static )?\w+ \w+\(|"
    r"(?:const|let|var) \w+ ?=|function \w*\(|fn \w+\(|func \w+\(|SELECT .+ FROM |INSERT INTO |CREATE TABLE |"
    r"package \w+;?|using [\w.]+;|<\?php|#!/|(?:if|for|while) ?\(.*\) ?\{|return .*;|.*[;{}]\s*$)"
)
_LEAST_LINES = 3


class BanUrlsParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which addresses may stand in texts."""

    allowed_hosts: list[str] = []
    """Hosts whose addresses may; those below them too (`example.com` takes in `docs.example.com`)."""
    action: Action = Action.MASK
    """What happens to others."""


class BanUrls(Guardrail):
    """Finds addresses of the web in texts."""

    Params: ClassVar[type[BanUrlsParams]] = BanUrlsParams
    window = _LONGEST_URL + 10

    def __init__(self, params: BanUrlsParams) -> None:
        self._params = params
        self._allowed = tuple(host.lower().strip(".") for host in params.allowed_hosts)

    def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        """Refuse or mask what leads elsewhere."""
        return judge(content.texts(), self._find, self._params.action, call)

    def _find(self, text: str) -> Iterator[tuple[str, int, int]]:
        for match in _URL.finditer(text):
            if not self._is_allowed(match[0]):
                yield "url", match.start(), match.start() + len(match[0].rstrip(".,;:!?"))

    def _is_allowed(self, url: str) -> bool:
        try:
            host = (urlsplit(url if "://" in url else f"https://{url}").hostname or "").rstrip(".")
        except ValueError:
            return False
        return any(host == one or host.endswith(f".{one}") for one in self._allowed)


class BanCodeParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What counts as code."""

    languages: list[str] = []
    """The languages of fenced blocks that are banned, as the fence names them; all if none is named."""
    action: Action = Action.BLOCK
    """What happens to code."""
    finds_unfenced: bool = True
    """Whether lines that look like statements count without a fence, three or more in a row."""


class BanCode(Guardrail):
    """Finds code in what people and models say."""

    Params: ClassVar[type[BanCodeParams]] = BanCodeParams

    def __init__(self, params: BanCodeParams) -> None:
        self._params = params
        self._languages = frozenset(name.lower() for name in params.languages)

    def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        """Refuse or mask code."""
        return judge(spoken(content), self._find, self._params.action, call)

    def _find(self, text: str) -> Iterator[tuple[str, int, int]]:
        at = 0
        while (opening := _FENCE.search(text, at)) is not None:
            closing = text.find(f"\n{opening[1]}", opening.end() - 1)
            end = len(text) if closing < 0 else closing + 1 + len(opening[1])
            if not self._languages or opening[2].lower() in self._languages:
                yield "code", opening.start(), end
            at = max(end, opening.end())
        if self._params.finds_unfenced and not self._languages:
            yield from _find_statements(text)


def _find_statements(text: str) -> Iterator[tuple[str, int, int]]:
    at = begin = end = lines = 0
    for line in text.splitlines(keepends=True):
        if _STATEMENT.match(line[:500]):
            begin = begin if lines else at
            end, lines = at + len(line), lines + 1
        elif line.strip():
            if lines >= _LEAST_LINES:
                yield "code", begin, end
            lines = 0
        at += len(line)
    if lines >= _LEAST_LINES:
        yield "code", begin, end


class BanCompetitorsParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose names may not stand in texts."""

    competitors: list[str]
    """Names of companies and products, found in any case as whole words."""
    action: Action = Action.BLOCK
    """What happens to content that has one."""


class BanCompetitors(Guardrail):
    """Finds names of competitors in what people, models and tools say."""

    Params: ClassVar[type[BanCompetitorsParams]] = BanCompetitorsParams

    def __init__(self, params: BanCompetitorsParams) -> None:
        """Raises ValueError for a name that is empty or too long."""
        action = WordAction(params.action.value)
        words = tuple(BlockedWord(name, action) for name in params.competitors)
        self._words = Keywords(KeywordsParams(words))
        self.window = self._words.window

    def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        """Refuse or mask what names a competitor."""
        return self._words.inspect(content, call)
