"""The guardrail `litellm_content_filter`: LiteLLM's words and patterns, as its configurations have them.

https://docs.litellm.ai/docs/proxy/guardrails/litellm_content_filter
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, cast

import msgspec
import yaml

from gateway.sdk import Content, Edit, Guardrail, GuardrailCall, Verdict
from gateway_guardrails.entities import ENTITIES
from gateway_guardrails.finder import Finder
from gateway_guardrails.keywords import BlockedWord, Keywords, KeywordsParams, WordAction
from gateway_guardrails.linear import LinearPatterns
from gateway_guardrails.search import search
from gateway_guardrails.secret_finder import SecretFinder
from gateway_guardrails.spans import Spans

__all__ = ["ContentFilter", "ContentFilterParams", "read_words_file"]

_ENTITIES = {
    "us_ssn": "US_SSN",
    "us_phone": "PHONE_NUMBER",
    "email": "EMAIL_ADDRESS",
    "iban": "IBAN_CODE",
    **dict.fromkeys(("credit_card", "visa", "mastercard", "amex", "discover"), "CREDIT_CARD"),
    **dict.fromkeys(("ipv4", "ipv6"), "IP_ADDRESS"),
    "br_cpf": "BR_CPF",
}
_SECRETS = {
    "aws_access_key": "aws_access_key_id",
    "github_token": "github_token",
    "slack_token": "slack_token",
    "generic_api_key": "generic_secret",
    "private_key": "private_key",
    "jwt": "jwt",
}
_WINDOW = 1_024
_MOST_BYTES = 4 * 1024 * 1024
_Find = Callable[[str], Iterable[tuple[str, int, int]]]


class PatternType(StrEnum):
    """Where a pattern comes from."""

    PREBUILT = "prebuilt"
    REGEX = "regex"


class FilterPattern(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One pattern: a name of those that are built in, or a pattern of RE2's syntax."""

    pattern_type: PatternType
    action: WordAction = WordAction.BLOCK
    pattern_name: str | None = None
    pattern: str | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        if self.pattern_type is PatternType.PREBUILT:
            if self.pattern_name not in _ENTITIES.keys() | _SECRETS.keys():
                known = ", ".join(sorted(_ENTITIES.keys() | _SECRETS.keys()))
                raise ValueError(f"there is no pattern '{self.pattern_name}'; known: {known}")
        elif not self.pattern:
            raise ValueError("a pattern of the type 'regex' needs 'pattern'")


class ContentFilterParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The words and patterns, and how what is masked is shown."""

    patterns: list[FilterPattern] = []
    """Patterns that are built in, and the operator's own."""
    blocked_words: list[BlockedWord] = []
    """Words and phrases, found in any case."""
    blocked_words_file: str | None = None
    """A YAML file with `blocked_words`, read when the guardrail is set up."""
    pattern_redaction_format: str = "[{pattern_name}_REDACTED]"
    """What a masked pattern becomes; `{pattern_name}` is its name in capitals."""
    keyword_redaction_tag: str = "[KEYWORD_REDACTED]"
    """What a masked word becomes."""

    def __post_init__(self) -> None:
        if not (self.patterns or self.blocked_words or self.blocked_words_file):
            raise ValueError("neither patterns nor words are named")


class ContentFilter(Guardrail):
    """Finds words and patterns in what people, models and tools say."""

    Params: ClassVar[type[ContentFilterParams]] = ContentFilterParams

    def __init__(self, params: ContentFilterParams) -> None:
        """Raises ValueError for a pattern that RE2 does not take, and for a file that cannot be read."""
        words = list(params.blocked_words)
        if params.blocked_words_file:
            words += read_words_file(_read(params.blocked_words_file))
        # A pattern of the operator's own, or of a private key, may span anything.
        is_bounded = all(item.pattern_name in _ENTITIES for item in params.patterns)
        self.window = _WINDOW if is_bounded else None
        self._params = params
        self._words = Keywords(KeywordsParams(tuple(words))) if words else None
        self._finders = [(item.action, _name_of(item), _finder_of(item)) for item in params.patterns]

    def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        """Refuse content with what is blocked; mask the rest."""
        edits: list[Edit] = []
        kinds: Counter[str] = Counter()
        for hit in search(content, self._find):
            action, name = hit.what
            if action is WordAction.BLOCK:
                what = "a blocked word" if name == "keyword" else name
                refusal = f"The guardrail '{call.guardrail}' found {what} in {hit.path}."
                return Verdict(refusal=refusal, categories=(name,))
            if hit.places:
                edits += hit.edits(self._shown(name))
                kinds[name] += 1
        return Verdict(edits=tuple(edits), categories=tuple(kinds), masked=kinds) if edits else None

    def _find(self, text: str) -> Iterator[tuple[tuple[WordAction, str], int, int]]:
        found: list[tuple[tuple[WordAction, str], int, int]] = []
        if self._words is not None:
            found += [((action, "keyword"), start, end) for action, start, end in self._words.find(text)]
        for action, name, find in self._finders:
            found += [((action, name), start, end) for _, start, end in find(text)]
        taken = Spans()
        # What blocks comes first, so that a mask over the same place does not hide it.
        for item in sorted(found, key=lambda each: (each[0][0] is not WordAction.BLOCK, each[1], -each[2])):
            if taken.take(item[1], item[2]):
                yield item

    def _shown(self, name: str) -> str:
        if name == "keyword":
            return self._params.keyword_redaction_tag
        return self._params.pattern_redaction_format.replace("{pattern_name}", name.upper())


def read_words_file(text: str) -> list[BlockedWord]:
    """The words of a file. Raises ValueError that says what is wrong, and in which item."""
    try:
        document: object = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = "" if mark is None else f" in line {mark.line + 1}"
        raise ValueError(f"the file of blocked words is no YAML{line}") from None
    members = cast("dict[str, object]", document) if isinstance(document, dict) else {}
    items = members.get("blocked_words")
    if not isinstance(items, list) or not items:
        raise ValueError("the file has no list 'blocked_words'")
    found: list[BlockedWord] = []
    for number, item in enumerate(cast("list[object]", items)):
        try:
            found.append(msgspec.convert(item, BlockedWord))
        except msgspec.ValidationError as error:
            raise ValueError(f"blocked_words[{number}]: {error}") from None
    KeywordsParams(tuple(found))
    return found


def _read(path: str) -> str:
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"the file of blocked words cannot be read ({error.strerror})") from None
    if len(data) > _MOST_BYTES:
        raise ValueError(f"the file of blocked words has more than {_MOST_BYTES} bytes")
    return data.decode("utf-8", "replace")


def _name_of(item: FilterPattern) -> str:
    return item.name or item.pattern_name or "custom_pattern"


def _finder_of(item: FilterPattern) -> _Find:
    name = _name_of(item)
    if item.pattern_type is PatternType.REGEX:
        patterns = LinearPatterns([item.pattern or ""])
        return lambda text: ((name, start, end) for _, start, end in patterns.find(text))
    entity = _ENTITIES.get(item.pattern_name or "")
    if entity is not None:
        finder = Finder([ENTITIES[entity]])
        return lambda text: ((name, found.start, found.end) for found in finder.find(text))
    secrets = SecretFinder((_SECRETS[item.pattern_name or ""],))
    return lambda text: ((name, start, end) for _, start, end in secrets.find(text))
