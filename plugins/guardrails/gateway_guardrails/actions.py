"""What several guardrails may do with what they find."""

from collections import Counter
from collections.abc import Callable, Iterable
from enum import StrEnum

from gateway.sdk import Content, Edit, GuardrailCall, Piece, PieceKind, Verdict
from gateway_guardrails.readings import list_findings

__all__ = ["Action", "Find", "judge", "spoken"]

Find = Callable[[str], Iterable[tuple[str, int, int]]]
"""Finds things in a text: what each is, and where it stands."""


class Action(StrEnum):
    """What happens to content in which something is found."""

    BLOCK = "BLOCK"
    """It is refused."""
    MASK = "MASK"
    """What was found is replaced by its name in brackets."""


def judge(
    pieces: Iterable[tuple[int, Piece]], find: Find, action: Action, call: GuardrailCall
) -> Verdict | None:
    """Refuse or edit pieces in which something is found, in any of their readings."""
    edits: list[Edit] = []
    kinds: Counter[str] = Counter()
    for place, piece in pieces:
        for name, start, end in list_findings(piece.text, find):
            if action is Action.BLOCK:
                refusal = f"The guardrail '{call.guardrail}' found {name} in {piece.path}."
                return Verdict(refusal=refusal, categories=(name,))
            edits.append(Edit(place, start, end, f"[{name.upper()}]"))
            kinds[name] += 1
    return Verdict(edits=tuple(edits), categories=tuple(kinds), masked=kinds) if edits else None


def spoken(content: Content) -> list[tuple[int, Piece]]:
    """What people and models say: no definitions, arguments or results of tools."""
    return [(place, piece) for place, piece in content.texts() if piece.kind in _SPOKEN]


_SPOKEN = frozenset({PieceKind.TEXT, PieceKind.REASONING})
