"""The guardrail `pii`: personal data is masked, replaced by a stand-in, or refused."""

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar, cast

import msgspec

from gateway.sdk import Content, Direction, Edit, Guardrail, GuardrailCall, Verdict
from gateway_guardrails.entities import ENTITIES
from gateway_guardrails.finder import Finder

__all__ = ["Pii", "PiiAction", "PiiParams"]

_LONGEST = 320
"""The longest finding, an e-mail address, in characters."""
_STAND_INS = "stand_ins"


class PiiAction(StrEnum):
    """What happens to a finding."""

    MASK = "MASK"
    """It is replaced by the name of its kind: `<EMAIL_ADDRESS>`."""
    REPLACE = "REPLACE"
    """It is replaced by a stand-in, the same wherever it stands in the call: `<EMAIL_ADDRESS_1>`."""
    BLOCK = "BLOCK"
    """The content is refused."""


class PiiParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to look for. `pii_entities_config` says what happens to each kind; without it all are masked.

    With `output_parse_pii`, stand-ins in the answer become again what they stand for.
    """

    pii_entities_config: Mapping[str, PiiAction] = msgspec.field(
        default_factory=lambda: dict.fromkeys(ENTITIES, PiiAction.MASK)
    )
    output_parse_pii: bool = False

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
        self._actions = params.pii_entities_config
        self._restores = params.output_parse_pii
        self._finder = Finder([entity for name, entity in ENTITIES.items() if name in self._actions])

    def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        """Refuse or edit content with personal data; in answers, put back what stand-ins stand for."""
        stand_ins = cast("dict[str, str]", call.notes.setdefault(_STAND_INS, {}))  # this guardrail's own
        edits: list[Edit] = []
        kinds: Counter[str] = Counter()
        for place, piece in content.texts():
            for finding in self._finder.find(piece.text):
                action = self._actions[finding.name]
                if action is PiiAction.BLOCK:
                    refusal = f"The guardrail '{call.guardrail}' found {finding.name} in {piece.path}."
                    return Verdict(refusal=refusal, categories=(finding.name,))
                found = piece.text[finding.start : finding.end]
                shown = f"<{finding.name}>"
                if action is PiiAction.REPLACE:
                    shown = _stand_in(stand_ins, finding.name, found)
                edits.append(Edit(place, finding.start, finding.end, shown))
                kinds[finding.name] += 1
            if self._restores and content.direction is Direction.RESPONSE:
                edits += _restored(place, piece.text, stand_ins)
        return Verdict(edits=tuple(edits), categories=tuple(kinds), masked=kinds) if edits else None


def _stand_in(stand_ins: dict[str, str], kind: str, found: str) -> str:
    """The stand-in of a text, a new one for what is new in this call; `stand_ins` has texts by stand-in."""
    for shown, text in stand_ins.items():
        if text == found and shown.startswith(f"<{kind}_"):
            return shown
    shown = f"<{kind}_{len(stand_ins) + 1}>"
    stand_ins[shown] = found
    return shown


def _restored(place: int, text: str, stand_ins: Mapping[str, str]) -> list[Edit]:
    edits: list[Edit] = []
    for shown, found in stand_ins.items():
        at = text.find(shown)
        while at >= 0:
            edits.append(Edit(place, at, at + len(shown), found))
            at = text.find(shown, at + len(shown))
    return edits
