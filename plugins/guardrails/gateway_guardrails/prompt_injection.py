"""The guardrail `prompt_injection`: attempts to take a model's instructions from it, by what they say.

Heuristics find what is known, and are no proof; a service or a judge finds more. The kinds follow OWASP's
Top 10 for LLM applications, LLM01 (https://genai.owasp.org/llmrisk/llm01-prompt-injection/).
"""

from collections.abc import Iterator
from typing import ClassVar, Literal

import msgspec

from gateway.sdk import Content, Direction, Guardrail, GuardrailCall, Piece, PieceKind, Verdict, join_texts
from gateway_guardrails.injection_signs import SIGNS
from gateway_guardrails.linear import LinearPatterns
from gateway_guardrails.readings import list_readings

__all__ = ["PromptInjection", "PromptInjectionParams"]

_OF_USERS = frozenset({"", "user", "tool", "function"})


class PromptInjectionParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From when on a request is refused, and what is looked at."""

    threshold: float = 0.5
    """The score from 0 to 1 from which a request is refused; each kind of sign adds its weight once."""
    action: Literal["BLOCK", "MONITOR"] = "BLOCK"
    """`MONITOR` records the score and lets the request pass."""
    looks_at_tool_results: bool = True
    """Whether what tools answered is looked at: it comes from outside, and says what it likes."""

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise ValueError("'threshold' is more than 0 and at most 1")


class PromptInjection(Guardrail):
    """Looks at what users say and tools answered, in every reading; answers of models are not looked at."""

    Params: ClassVar[type[PromptInjectionParams]] = PromptInjectionParams

    def __init__(self, params: PromptInjectionParams) -> None:
        self._params = params
        self._patterns = LinearPatterns([pattern for _, _, pattern in SIGNS])

    def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        """Refuse a request whose signs add up to the threshold."""
        if content.direction is Direction.RESPONSE:
            return None
        weights: dict[str, float] = {}
        joined = (one.text for one in join_texts(content) if self._looks_at(one.kind, one.role))
        for text in (*(piece.text for piece in self._pieces(content)), *joined):
            for reading in list_readings(text):
                for number, _, _ in self._patterns.find(reading.text):
                    kind, weight, _ = SIGNS[number]
                    weights[kind] = max(weight, weights.get(kind, 0.0))
        score = round(min(sum(weights.values()), 1.0), 3)
        found = tuple(sorted(weights))
        if score < self._params.threshold or self._params.action == "MONITOR":
            return Verdict(categories=found, score=score)
        refusal = (
            f"The guardrail '{call.guardrail}' takes the request for a prompt injection: {', '.join(found)}."
        )
        return Verdict(refusal=refusal, categories=found, score=score)

    def _pieces(self, content: Content) -> Iterator[Piece]:
        return (piece for _, piece in content.texts() if self._looks_at(piece.kind, piece.role))

    def _looks_at(self, kind: PieceKind, role: str) -> bool:
        if kind is PieceKind.TOOL_RESULT:
            return self._params.looks_at_tool_results
        return kind is PieceKind.TEXT and role in _OF_USERS
