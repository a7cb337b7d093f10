"""What becomes of personal data that was found: it is masked, replaced by a stand-in, or refused."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import cast

from gateway.sdk import Content, Direction, Edit, GuardrailCall, Verdict
from gateway_guardrails.search import Hit

__all__ = ["PersonalData", "PiiAction"]

_STAND_INS, _GIVEN = "stand_ins", "given"
"""Texts by stand-in, and stand-ins by kind and text."""
_STAND_IN = re.compile(r"<[^<>]{1,200}_\d+>")
_Given = dict[tuple[str, str], str]


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

    def judge(self, found: Iterable[Hit[str]], content: Content, call: GuardrailCall) -> Verdict | None:
        """Refuse or edit the content; None where there is nothing to do."""
        # These notes are this guardrail's own.
        stand_ins = cast("dict[str, str]", call.notes.setdefault(_STAND_INS, {}))
        given = cast("_Given", call.notes.setdefault(_GIVEN, {}))
        edits: list[Edit] = []
        kinds: Counter[str] = Counter()
        for hit in found:
            action = self._actions.get(hit.what, PiiAction.MASK)
            if action is PiiAction.BLOCK:
                refusal = f"The guardrail '{call.guardrail}' found {hit.what} in {hit.path}."
                return Verdict(refusal=refusal, categories=(hit.what,))
            if not hit.places:
                continue
            shown = f"<{hit.what}>"
            if action is PiiAction.REPLACE:
                shown = _stand_in(stand_ins, given, hit.what, hit.text)
            edits += hit.edits(shown)
            kinds[hit.what] += 1
        if self._restores and content.direction is Direction.RESPONSE:
            for place, piece in content.texts():
                edits += _restored(place, piece.text, stand_ins)
        return Verdict(edits=tuple(edits), categories=tuple(kinds), masked=kinds) if edits else None


def _stand_in(stand_ins: dict[str, str], given: _Given, kind: str, found: str) -> str:
    """The stand-in of a text, a new one for what is new in this call."""
    shown = given.get((kind, found))
    if shown is None:
        shown = given[kind, found] = f"<{kind}_{len(stand_ins) + 1}>"
        stand_ins[shown] = found
    return shown


def _restored(place: int, text: str, stand_ins: Mapping[str, str]) -> list[Edit]:
    if not stand_ins:
        return []
    return [
        Edit(place, *match.span(), stand_ins[match[0]])
        for match in _STAND_IN.finditer(text)
        if match[0] in stand_ins
    ]
