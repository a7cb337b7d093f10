"""The guardrail `topics`: what may be spoken of, and what may not, by lists of words."""

import re
from typing import ClassVar

import msgspec

from gateway.sdk import Content, Direction, Guardrail, GuardrailCall, Verdict
from gateway_guardrails.actions import spoken
from gateway_guardrails.readings import list_readings

__all__ = ["Topic", "Topics", "TopicsParams"]

_OF_USERS = frozenset({"", "user"})
_LONGEST, _MOST_TERMS = 200, 10_000
_ENDINGS = {True: r"\w*", False: r"(?!\w)"}


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
        self._denied = {name: (_compile(topic), topic.least_terms) for name, topic in params.denied.items()}
        self._allowed = {name: (_compile(topic), topic.least_terms) for name, topic in params.allowed.items()}

    def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        """Refuse what is about a denied topic, and a request that is about no allowed one."""
        said = [piece for _, piece in spoken(content)]
        text = "\n".join(reading.text for piece in said for reading in list_readings(piece.text))
        for name, (pattern, least) in self._denied.items():
            if _count(pattern, text) >= least:
                refusal = f"The guardrail '{call.guardrail}' does not let '{name}' be spoken of."
                return Verdict(refusal=refusal, categories=(name,))
        asked = "\n".join(piece.text for piece in said if piece.role in _OF_USERS)
        if not self._allowed or content.direction is Direction.RESPONSE or not asked.strip():
            return None
        found = [name for name, (pattern, least) in self._allowed.items() if _count(pattern, asked) >= least]
        if found:
            return Verdict(categories=tuple(found))
        names = ", ".join(self._allowed)
        return Verdict(
            refusal=f"The guardrail '{call.guardrail}' takes requests about {names} only.",
            categories=("off_topic",),
        )


def _compile(topic: Topic) -> re.Pattern[str]:
    terms = sorted(topic.terms, key=len, reverse=True)
    spelled = (
        r"\s{1,3}".join(map(re.escape, term.rstrip("*").split())) + _ENDINGS[term.endswith("*")]
        for term in terms
    )
    return re.compile(rf"(?<!\w)(?:{'|'.join(spelled)})", re.IGNORECASE)


def _count(pattern: re.Pattern[str], text: str) -> int:
    return len({" ".join(match[0].lower().split()) for match in pattern.finditer(text)})
