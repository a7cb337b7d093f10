"""The guardrail `topics`: what may be spoken of, and what may not, by lists of words."""

from typing import ClassVar

import msgspec

from gateway.sdk import Content, Direction, Guardrail, GuardrailCall, Verdict
from gateway_guardrails.actions import spoken
from gateway_guardrails.phrases import Phrases
from gateway_guardrails.readings import list_readings

__all__ = ["Topic", "Topics", "TopicsParams"]

_OF_USERS = frozenset({"", "user"})
_LONGEST, _MOST_TERMS = 200, 10_000


class Topic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A topic, and how it is recognised."""

    terms: list[str]
    """Words and phrases, found in any case; a final `*` takes in every ending."""
    least_terms: int = 1
    """So many different ones have to be found."""


class TopicsParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The topics."""

    denied: dict[str, Topic] = {}
    """What may not be spoken of, by name."""
    allowed: dict[str, Topic] = {}
    """What a request has to be about, by name: at least one of them, if any is named."""

    def __post_init__(self) -> None:
        if not self.denied and not self.allowed:
            raise ValueError("no topic is named")
        for name, topic in {**self.allowed, **self.denied}.items():
            if not 0 < topic.least_terms <= len(topic.terms) <= _MOST_TERMS:
                raise ValueError(f"topic '{name}' needs at least as many terms as have to be found")
            if any(not 0 < len(term.strip("* ")) <= _LONGEST for term in topic.terms):
                raise ValueError(f"a term of topic '{name}' has 1 to {_LONGEST} characters")


class Topics(Guardrail):
    """Counts words of topics in what people and models say."""

    Params: ClassVar[type[TopicsParams]] = TopicsParams

    def __init__(self, params: TopicsParams) -> None:
        self._denied = {name: _Terms(topic) for name, topic in params.denied.items()}
        self._allowed = {name: _Terms(topic) for name, topic in params.allowed.items()}

    def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        """Refuse what is about a denied topic, and a request that is about no allowed one."""
        said = [piece for _, piece in spoken(content)]
        text = "\n".join(reading.text for piece in said for reading in list_readings(piece.text))
        for name, terms in self._denied.items():
            if terms.are_in(text):
                refusal = f"The guardrail '{call.guardrail}' does not let '{name}' be spoken of."
                return Verdict(refusal=refusal, categories=(name,))
        asked = "\n".join(piece.text for piece in said if piece.role in _OF_USERS)
        if not self._allowed or content.direction is Direction.RESPONSE or not asked.strip():
            return None
        found = [name for name, terms in self._allowed.items() if terms.are_in(asked)]
        if found:
            return Verdict(categories=tuple(found))
        names = ", ".join(self._allowed)
        return Verdict(
            refusal=f"The guardrail '{call.guardrail}' takes requests about {names} only.",
            categories=("off_topic",),
        )


class _Terms:
    """The terms of one topic."""

    def __init__(self, topic: Topic) -> None:
        begun = [term.rstrip("*") for term in topic.terms if term.endswith("*")]
        self._phrases = Phrases((term for term in topic.terms if not term.endswith("*")), begun)
        self._least = topic.least_terms

    def are_in(self, text: str) -> bool:
        """Whether a text has as many different ones as are needed."""
        found: set[str] = set()
        for said, _, _ in self._phrases.find(text):
            found.add(said)
            if len(found) >= self._least:
                return True
        return False
