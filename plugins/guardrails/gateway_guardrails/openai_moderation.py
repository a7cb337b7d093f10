"""The guardrail `openai_moderation`: OpenAI's moderation endpoint judges texts.

https://platform.openai.com/docs/api-reference/moderations
"""

from typing import ClassVar

import msgspec

from gateway.sdk import Content, Guardrail, GuardrailCall, Verdict
from gateway_guardrails.remote import Asking, RemoteError, Service, readable, texts_of

__all__ = ["OpenAiModeration", "OpenAiModerationParams"]


class OpenAiModerationParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the endpoint is, which model judges, and what counts."""

    api_key: str
    """OpenAI's key."""
    api_base: str = "https://api.openai.com/v1"
    """The address of the API."""
    model: str = "omni-moderation-latest"
    """The model that judges."""
    thresholds: dict[str, float] = {}
    """Scores from 0 to 1 from which categories count; without any, what OpenAI flags."""

    __repr__ = object.__repr__

    def __post_init__(self) -> None:
        if any(not 0 <= score <= 1 for score in self.thresholds.values()):
            raise ValueError("a threshold is from 0 to 1")


class _Result(msgspec.Struct, frozen=True):
    flagged: bool
    categories: dict[str, bool | None]  # None is what older models say of categories that they do not know.
    category_scores: dict[str, float]


class _Answer(msgspec.Struct, frozen=True):
    results: list[_Result]


class OpenAiModeration(Guardrail):
    """Refuses what the endpoint flags."""

    Params: ClassVar[type[OpenAiModerationParams]] = OpenAiModerationParams

    def __init__(self, params: OpenAiModerationParams) -> None:
        """Raises ValueError for what is no address."""
        self._service = Service(params.api_base, {"authorization": f"Bearer {params.api_key}"})
        self._params = params

    async def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        """Ask about all texts at once. Raises RemoteError."""
        texts = [text for text in texts_of(readable(content)) if text.strip()]
        if not texts:
            return None
        question = {"model": self._params.model, "input": texts}
        results = (
            await self._service.ask("/moderations", question, _Answer, Asking(call.deadline_seconds))
        ).results
        if len(results) != len(texts):
            raise RemoteError(f"its service judged {len(results)} of {len(texts)} texts")
        found = sorted({name for result in results for name in self._count(result)})
        scores = [score for result in results for score in result.category_scores.values()]
        score = min(max(scores, default=0.0), 1.0)
        if not found:
            return Verdict(score=score)
        refusal = f"The guardrail '{call.guardrail}' refuses the content: {', '.join(found)}."
        return Verdict(refusal=refusal, categories=tuple(found), score=score)

    def _count(self, result: _Result) -> list[str]:
        thresholds = self._params.thresholds
        if thresholds:
            scores = result.category_scores
            return [name for name, least in thresholds.items() if scores.get(name, 0.0) >= least]
        if not result.flagged:
            return []
        return [name for name, is_flagged in result.categories.items() if is_flagged] or ["flagged"]
