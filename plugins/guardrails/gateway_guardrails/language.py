"""The guardrail `language`: in which languages may be written."""

from functools import cache
from typing import Any, ClassVar

import msgspec
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from gateway.sdk import Content, Guardrail, GuardrailCall, Verdict
from gateway_guardrails.actions import spoken

__all__ = ["Language", "LanguageParams"]

_LONGEST = 20_000


class LanguageParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The languages, by their codes of ISO 639-1 (`en`, `de`)."""

    allowed: list[str] = []
    """Those that may be used; all if none is named."""
    denied: list[str] = []
    """Those that may not."""
    least_characters: int = 40
    """Shorter texts are not judged: nobody can tell."""
    least_confidence: float = 0.7
    """From 0 to 1: a text of which the language is less sure is not judged."""

    def __post_init__(self) -> None:
        if not self.allowed and not self.denied:
            raise ValueError("no language is named")
        if not 0 <= self.least_confidence <= 1:
            raise ValueError("'least_confidence' is from 0 to 1")


class Language(Guardrail):
    """Tells the language of what people and models say, text by text."""

    Params: ClassVar[type[LanguageParams]] = LanguageParams

    def __init__(self, params: LanguageParams) -> None:
        """Raises ValueError for a language that cannot be told."""
        self._params = params
        self._identifier = _load_identifier()
        known: set[str] = set(self._identifier.labels)
        unknown = sorted({*params.allowed, *params.denied} - known)
        if unknown:
            raise ValueError(f"there is no language '{unknown[0]}'; known: {', '.join(sorted(known))}")

    def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        """Refuse content with a text in a language that may not be used."""
        params = self._params
        for _, piece in spoken(content):
            text = piece.text.strip()
            if len(text) < params.least_characters:
                continue
            code, confidence = self._identifier.classify(text[:_LONGEST])
            if confidence < params.least_confidence:
                continue
            if code in params.denied or (params.allowed and code not in params.allowed):
                refusal = f"The guardrail '{call.guardrail}' does not take texts in '{code}' ({piece.path})."
                return Verdict(refusal=refusal, categories=(f"language:{code}",), score=float(confidence))
        return None


@cache
def _load_identifier() -> Any:
    """The library's model, which takes half a second to read and is never changed: one serves everybody."""
    library: Any = LanguageIdentifier  # it has no types
    return library.from_model_file(MODEL_FILE, norm_probs=True)
