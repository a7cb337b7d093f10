"""The guardrail `length`: requests or answers that are too long, or too short, are refused."""

from typing import ClassVar

import msgspec

from gateway.sdk import Content, Guardrail, GuardrailCall, Verdict

__all__ = ["Length", "LengthParams"]

_BYTES_OF_A_TOKEN = 4


class LengthParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The bounds; each counts all texts of the request or the answer together."""

    max_characters: int | None = None
    """The most characters."""
    min_characters: int | None = None
    """The fewest characters."""
    max_words: int | None = None
    """The most words, which white space separates."""
    max_tokens: int | None = None
    """The most tokens, estimated as a fourth of the bytes of UTF-8."""

    def __post_init__(self) -> None:
        bounds = (self.max_characters, self.min_characters, self.max_words, self.max_tokens)
        if all(bound is None for bound in bounds):
            raise ValueError("no bound is set")
        if any(bound is not None and bound < 0 for bound in bounds):
            raise ValueError("a bound is 0 or more")


class Length(Guardrail):
    """Counts what people, models and tools say."""

    Params: ClassVar[type[LengthParams]] = LengthParams

    def __init__(self, params: LengthParams) -> None:
        self._params = params

    def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        """Refuse content beyond a bound; streams are counted whole."""
        texts = [piece.text for _, piece in content.texts()]
        counts = {
            "max_characters": sum(map(len, texts)),
            "max_words": sum(len(text.split()) for text in texts),
            "max_tokens": -(
                -sum(len(text.encode("utf-8", "replace")) for text in texts) // _BYTES_OF_A_TOKEN
            ),
        }
        for name, count in counts.items():
            most: int | None = getattr(self._params, name)
            if most is not None and count > most:
                unit = name.removeprefix("max_")
                refusal = f"The guardrail '{call.guardrail}' takes at most {most} {unit}; these are {count}."
                return Verdict(refusal=refusal, categories=(name,))
        least = self._params.min_characters
        if least is not None and counts["max_characters"] < least:
            refusal = f"The guardrail '{call.guardrail}' asks for at least {least} characters."
            return Verdict(refusal=refusal, categories=("min_characters",))
        return None
