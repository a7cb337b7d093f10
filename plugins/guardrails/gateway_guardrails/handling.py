"""What becomes of personal data that was found: it is masked, replaced by a stand-in, or refused."""

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import cast

from gateway.sdk import Content, Direction, Edit, GuardrailCall, Piece, Verdict
from gateway_guardrails.finder import Finding

__all__ = ["Found", "PersonalData", "PiiAction"]

_STAND_INS = "stand_ins"

Found = tuple[int, Piece, list[Finding]]
"""A piece, its place, and what was found in it."""


class PiiAction(StrEnum):
    """What happens to a finding."""

    MASK = "MASK"
    """It is replaced by the name of its kind: `<EMAIL_ADDRESS>`."""
    REPLACE = "REPLACE"
    """It is replaced by a stand-in, the same wherever it stands in the call: `<EMAIL_ADDRESS_1>`."""
    BLOCK = "BLOCK"
    """The content is refused."""


class PersonalData:
    """Does with findings what the operator says of their kinds; kinds of which nothing is said are masked.

    If it `restores`, stand-ins in the answer become again what they stand for.
    """

    def __init__(self, actions: Mapping[str, PiiAction], *, restores: bool) -> None:
        self._actions = actions
        self._restores = restores

    def judge(self, found: Iterable[Found], content: Content, call: GuardrailCall) -> Verdict | None:
        """Refuse or edit the content; None where there is nothing to do."""
        stand_ins = cast("dict[str, str]", call.notes.setdefault(_STAND_INS, {}))  # this guardrail's own
        edits: list[Edit] = []
        kinds: Counter[str] = Counter()
        for place, piece, findings in found:
            for finding in findings:
                action = self._actions.get(finding.name, PiiAction.MASK)
                if action is PiiAction.BLOCK:
                    refusal = f"The guardrail '{call.guardrail}' found {finding.name} in {piece.path}."
                    return Verdict(refusal=refusal, categories=(finding.name,))
                shown = f"<{finding.name}>"
                if action is PiiAction.REPLACE:
                    shown = _stand_in(stand_ins, finding.name, piece.text[finding.start : finding.end])
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
