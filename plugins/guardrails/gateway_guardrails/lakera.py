"""The guardrail `lakera_v2`: Lakera Guard judges a conversation.

https://docs.lakera.ai/docs/api/guard
"""

from collections import Counter
from typing import Any, ClassVar, Literal

import msgspec

from gateway.sdk import Content, Direction, Edit, Guardrail, GuardrailCall, Verdict
from gateway_guardrails.remote import Asking, RemoteError, Service, readable

__all__ = ["Lakera", "LakeraParams"]

_PERSONAL = "pii/"
_ROLES = frozenset({"system", "user", "assistant", "tool"})


class LakeraParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the service is, and which project's policy holds."""

    api_key: str
    """Lakera's key."""
    api_base: str = "https://api.lakera.ai"
    """The address of the API."""
    project_id: str | None = None
    """The project whose policy judges; the default one if there is none."""
    on_flagged: Literal["block", "monitor"] = "block"
    """`monitor` records what was flagged and lets it pass."""
    metadata: dict[str, Any] = {}
    """Sent along, for Lakera's own records."""
    dev_info: bool = False
    """Ask for the build that judged."""

    __repr__ = object.__repr__


class _Breakdown(msgspec.Struct, frozen=True):
    detector_type: str
    detected: bool


class _Payload(msgspec.Struct, frozen=True):
    start: int
    end: int
    detector_type: str
    message_id: int = 0


class _Answer(msgspec.Struct, frozen=True):
    flagged: bool
    breakdown: list[_Breakdown] = []
    payload: list[_Payload] = []


class Lakera(Guardrail):
    """Refuses what is flagged; where only personal data is, masks it."""

    Params: ClassVar[type[LakeraParams]] = LakeraParams

    def __init__(self, params: LakeraParams) -> None:
        """Raises ValueError for what is no address."""
        self._service = Service(params.api_base, {"authorization": f"Bearer {params.api_key}"})
        self._params = params

    async def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        """Ask about the whole conversation. Raises RemoteError."""
        pieces = readable(content)
        if not pieces:
            return None
        default = "user" if content.direction is Direction.REQUEST else "assistant"
        messages = [
            {"role": piece.role if piece.role in _ROLES else default, "content": piece.text}
            for _, piece in pieces
        ]
        question = {"messages": messages, "payload": True, "breakdown": True, **self._own()}
        answer = await self._service.ask("/v2/guard", question, _Answer, Asking(call.deadline_seconds))
        if not answer.flagged:
            return None
        found = tuple(dict.fromkeys(item.detector_type for item in answer.breakdown if item.detected))
        if self._params.on_flagged == "monitor":
            return Verdict(categories=found)
        located = {item.detector_type for item in answer.payload}
        if found and located.issuperset(found) and all(name.startswith(_PERSONAL) for name in found):
            edits, kinds = _mask(answer.payload, [place for place, _ in pieces], content)
            return Verdict(edits=tuple(edits), categories=found, masked=kinds)
        refusal = f"The guardrail '{call.guardrail}' refuses the content: {', '.join(found) or 'flagged'}."
        return Verdict(refusal=refusal, categories=found)

    def _own(self) -> dict[str, object]:
        params = self._params
        named = {"project_id": params.project_id, "metadata": params.metadata, "dev_info": params.dev_info}
        return {name: value for name, value in named.items() if value}


def _mask(payload: list[_Payload], places: list[int], content: Content) -> tuple[list[Edit], Counter[str]]:
    """An edit for each finding; of those that overlap, one for all of them."""
    edits: list[Edit] = []
    for edit in sorted((_edit(item, places, content) for item in payload), key=_order):
        last = edits[-1] if edits else None
        if last is not None and edit.piece == last.piece and edit.start < last.end:
            edits[-1] = Edit(last.piece, last.start, max(last.end, edit.end), last.text)
        else:
            edits.append(edit)
    return edits, Counter(item.detector_type for item in payload)


def _order(edit: Edit) -> tuple[int, int]:
    return edit.piece, edit.start


def _edit(item: _Payload, places: list[int], content: Content) -> Edit:
    if not 0 <= item.message_id < len(places):
        raise RemoteError("its service found something in a message that it was not shown")
    place = places[item.message_id]
    if not 0 <= item.start <= item.end <= len(content.pieces[place].text):
        raise RemoteError("its service found something outside of a message")
    kind = item.detector_type.removeprefix(_PERSONAL).upper()
    return Edit(place, item.start, item.end, f"[MASKED {kind}]")
