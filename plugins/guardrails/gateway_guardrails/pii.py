"""The guardrail `pii`: personal data is masked, replaced by a stand-in, or refused."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

import msgspec

from gateway.sdk import Content, Guardrail, GuardrailCall, Verdict
from gateway_guardrails.entities import ENTITIES
from gateway_guardrails.finder import Finder
from gateway_guardrails.handling import PersonalData, PiiAction
from gateway_guardrails.search import search

__all__ = ["Pii", "PiiParams"]

_LONGEST = 320
"""The longest finding, an e-mail address, in characters."""


class PiiParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to look for, and what happens to it."""

    pii_entities_config: Mapping[str, PiiAction] = msgspec.field(
        default_factory=lambda: dict.fromkeys(ENTITIES, PiiAction.MASK)
    )
    """What happens to each kind: MASK, REPLACE or BLOCK; without it all are masked."""
    output_parse_pii: bool = False
    """Whether stand-ins in the answer become again what they stand for."""

    def __post_init__(self) -> None:
        if not self.pii_entities_config:
            raise ValueError("'pii_entities_config' names nothing to look for")
        for name in self.pii_entities_config:
            if name not in ENTITIES:
                raise ValueError(f"there is no entity '{name}'; known: {', '.join(ENTITIES)}")


class Pii(Guardrail):
    """Finds personal data in what people, models and tools say."""

    Params: ClassVar[type[PiiParams]] = PiiParams
    window = _LONGEST

    def __init__(self, params: PiiParams) -> None:
        actions = params.pii_entities_config
        self._data = PersonalData(actions, restores=params.output_parse_pii)
        self._finder = Finder([entity for name, entity in ENTITIES.items() if name in actions])

    def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        """Refuse or edit content with personal data; in answers, put back what stand-ins stand for."""
        return self._data.judge(search(content, self._find), content, call)

    def _find(self, text: str) -> Iterator[tuple[str, int, int]]:
        return ((found.name, found.start, found.end) for found in self._finder.find(text))
