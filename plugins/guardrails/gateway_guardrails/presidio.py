"""The guardrail `presidio`: a Presidio analyzer finds personal data; without one, the built-in `pii` does.

https://microsoft.github.io/presidio/api-docs/api-docs.html
"""

from collections.abc import Awaitable, Mapping
from typing import ClassVar

import msgspec

from gateway.sdk import Content, Guardrail, GuardrailCall, Verdict
from gateway_guardrails.entities import ENTITIES
from gateway_guardrails.finder import Finding
from gateway_guardrails.handling import PersonalData, PiiAction
from gateway_guardrails.pii import Pii, PiiParams
from gateway_guardrails.remote import Asking, RemoteError, Service, readable
from gateway_guardrails.search import Hit
from gateway_guardrails.spans import Spans

__all__ = ["Presidio", "PresidioParams"]

_ALL = "ALL"


class PresidioParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the analyzer is, and what becomes of what it finds."""

    presidio_analyzer_api_base: str | None = None
    """The address of the analyzer; without one, kinds are found by the guardrail `pii`."""
    presidio_anonymizer_api_base: str | None = None
    """Accepted and not asked: what was found is replaced here."""
    pii_entities_config: dict[str, PiiAction] | None = None
    """What happens to each kind: MASK, REPLACE or BLOCK; without it all kinds are masked."""
    presidio_score_thresholds: dict[str, float] = {}
    """The score from 0 to 1 from which a kind counts; `ALL` is for kinds without one."""
    presidio_language: str = "en"
    """The language of the texts."""
    output_parse_pii: bool = False
    """Put back in answers what stand-ins stand for."""

    def __post_init__(self) -> None:
        if any(not 0 <= score <= 1 for score in self.presidio_score_thresholds.values()):
            raise ValueError("a threshold is from 0 to 1")


class _Entity(msgspec.Struct, frozen=True):
    entity_type: str
    start: int
    end: int
    score: float = 1.0


class Presidio(Guardrail):
    """Finds personal data in what people, models and tools say."""

    Params: ClassVar[type[PresidioParams]] = PresidioParams

    def __init__(self, params: PresidioParams) -> None:
        """Raises ValueError for what is no address, and for kinds that nobody finds."""
        self._params = params
        self._service: Service | None = None
        self._built_in: Pii | None = None
        if params.presidio_analyzer_api_base is None:
            actions = params.pii_entities_config or dict.fromkeys(ENTITIES, PiiAction.MASK)
            self._built_in = Pii(PiiParams(actions, params.output_parse_pii))
            self.window = self._built_in.window
            return
        self._service = Service(params.presidio_analyzer_api_base)
        self._data = PersonalData(params.pii_entities_config or {}, restores=params.output_parse_pii)

    def inspect(self, content: Content, call: GuardrailCall) -> Verdict | Awaitable[Verdict | None] | None:
        """Refuse or edit content with personal data. What is awaited raises RemoteError."""
        if self._service is not None:
            return self._ask(self._service, content, call)
        return None if self._built_in is None else self._built_in.inspect(content, call)

    async def _ask(self, service: Service, content: Content, call: GuardrailCall) -> Verdict | None:
        found: list[Hit[str]] = []
        for place, piece in readable(content):
            for one in await self._find(service, piece.text, call):
                text = piece.text[one.start : one.end]
                found.append(Hit(one.name, text, piece.path, ((place, one.start, one.end),)))
        return self._data.judge(found, content, call)

    async def _find(self, service: Service, text: str, call: GuardrailCall) -> list[Finding]:
        if not text.strip():
            return []
        kinds = self._params.pii_entities_config
        question: dict[str, object] = {"text": text, "language": self._params.presidio_language}
        if kinds is not None:
            question["entities"] = list(kinds)
        entities = await service.ask("/analyze", question, list[_Entity], Asking(call.deadline_seconds))
        if any(not 0 <= one.start <= one.end <= len(text) for one in entities):
            raise RemoteError("its service found something outside of the text")
        return _apart(entities, self._params.presidio_score_thresholds)


def _apart(entities: list[_Entity], thresholds: Mapping[str, float]) -> list[Finding]:
    """Those that count; of several that overlap, the surest and then the longest."""
    least = thresholds.get(_ALL, 0.0)
    counting = [one for one in entities if one.score >= thresholds.get(one.entity_type, least)]
    taken = Spans()
    kept = [
        Finding(one.entity_type, one.start, one.end)
        for one in sorted(counting, key=lambda each: (-each.score, each.start - each.end))
        if taken.take(one.start, one.end)
    ]
    return sorted(kept, key=lambda finding: finding.start)
