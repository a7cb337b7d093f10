"""The guardrail `keywords`: words that may not pass, or pass masked."""

from collections.abc import Iterator
from enum import StrEnum
from typing import ClassVar

import msgspec

from gateway.sdk import Content, Edit, Guardrail, GuardrailCall, Verdict
from gateway_guardrails.phrases import MOST_SPACES, Phrases, fold
from gateway_guardrails.search import search

__all__ = ["BlockedWord", "Keywords", "KeywordsParams", "WordAction"]

_LONGEST = 200
_MOST_WORDS = 10_000


class WordAction(StrEnum):
    """What happens to content with a word in it; read in any case, as LiteLLM's configurations have it."""

    BLOCK = "BLOCK"
    MASK = "MASK"


class BlockedWord(msgspec.Struct, frozen=True):
    """A word or a phrase, and what happens to content that has it."""

    keyword: str
    action: WordAction = WordAction.BLOCK
    description: str | None = None


class KeywordsParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The words. They are found in any case, and where no letter or digit stands right beside them."""

    blocked_words: tuple[BlockedWord, ...]
    """Words and phrases: `keyword`, `action` (BLOCK, MASK), `description`."""

    def __post_init__(self) -> None:
        if not 0 < len(self.blocked_words) <= _MOST_WORDS:
            raise ValueError(f"'blocked_words' needs 1 to {_MOST_WORDS} words")
        for word in self.blocked_words:
            if not 0 < len(word.keyword.strip()) <= _LONGEST:
                raise ValueError(f"a keyword needs 1 to {_LONGEST} characters")


class Keywords(Guardrail):
    """Finds words in what people and models say."""

    Params: ClassVar[type[KeywordsParams]] = KeywordsParams
    can_be_submitted = True

    def __init__(self, params: KeywordsParams) -> None:
        self._actions = {fold(word.keyword): word.action for word in params.blocked_words}
        self._phrases = Phrases(self._actions)
        self.window = max(len(word) + MOST_SPACES * word.count(" ") for word in self._actions)

    def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        """Refuse content with a blocked word; mask the others."""
        edits: list[Edit] = []
        count = 0
        for hit in search(content, self.find):
            if hit.what is WordAction.BLOCK:
                return Verdict(
                    refusal=f"The guardrail '{call.guardrail}' found a blocked word in {hit.path}.",
                    categories=("keyword",),
                )
            edits += hit.edits("[KEYWORD_REDACTED]")
            count += bool(hit.places)
        if not edits:
            return None
        return Verdict(edits=tuple(edits), categories=("keyword",), masked={"keyword": count})

    def find(self, text: str) -> Iterator[tuple[WordAction, int, int]]:
        """The words in a text as it is, each with what happens to it."""
        return ((self._actions[word], start, end) for word, start, end in self._phrases.find(text))
