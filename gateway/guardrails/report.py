"""What the spend row says of the guardrails of a call: what each was shown, and what it said."""

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec

from gateway.sdk import Content, Verdict

__all__ = ["Action", "Outcome", "Report", "build_outcome"]

_encode = msgspec.json.Encoder().encode


class Action(StrEnum):
    """What became of content at a guardrail."""

    PASS = "pass"  # noqa: S105  no password
    MASK = "mask"
    FAILED = "failed"
    BLOCK = "block"


_SEVERITY = tuple(Action)
_STATUS = {
    Action.PASS: "success",
    Action.MASK: "guardrail_intervened",
    Action.FAILED: "guardrail_failed_to_respond",
    Action.BLOCK: "guardrail_intervened",
}


class Outcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One run of one guardrail, as an item of LiteLLM's `guardrail_information`; times in seconds since 1970.

    `scanned_pieces` and `scanned_characters` say how much it was shown, `policy_id` what gave it to the call.
    """

    guardrail_name: str
    guardrail_provider: str
    guardrail_mode: str
    guardrail_status: str
    guardrail_action: Action
    start_time: float
    end_time: float
    duration: float
    scanned_pieces: int
    scanned_characters: int
    categories: tuple[str, ...] = ()
    score: float | None = None
    masked_entity_count: dict[str, int] = {}
    error: str | None = None
    policy_id: str | None = None


class Report:
    """Collects what the guardrails of one call said; several runs of one, as on a stream, become one."""

    def __init__(self, names: Iterable[str], origins: Mapping[str, str] | None = None) -> None:
        self.names = tuple(dict.fromkeys(names))
        self._origins = origins or {}
        self._outcomes: dict[tuple[str, str], Outcome] = {}

    def add(self, outcome: Outcome) -> None:
        """Note one run."""
        place = outcome.guardrail_name, outcome.guardrail_mode
        origin = self._origins.get(outcome.guardrail_name)
        if origin is not None:
            outcome = msgspec.structs.replace(outcome, policy_id=origin)
        former = self._outcomes.get(place)
        self._outcomes[place] = outcome if former is None else _join(former, outcome)

    def encode(self) -> msgspec.Raw | None:
        """The JSON list of the spend row; None while nothing ran."""
        return msgspec.Raw(_encode(tuple(self._outcomes.values()))) if self._outcomes else None


def build_outcome(
    name: str,
    kind: str,
    mode: str,
    content: Content,
    nanos: tuple[int, int],
    verdict: Verdict | None,
    error: str | None = None,
) -> Outcome:
    """The outcome of one run from its beginning to its end (nanoseconds since 1970).

    A `verdict` None is a guardrail that failed, and `error` says how.
    """
    said = verdict or Verdict()
    action = Action.FAILED if verdict is None else _action_of(said)
    return Outcome(
        guardrail_name=name,
        guardrail_provider=kind,
        guardrail_mode=mode,
        guardrail_status=_STATUS[action],
        guardrail_action=action,
        start_time=nanos[0] / 1e9,
        end_time=nanos[1] / 1e9,
        duration=(nanos[1] - nanos[0]) / 1e9,
        scanned_pieces=len(content.pieces),
        scanned_characters=sum(len(piece.text) for piece in content.pieces),
        categories=said.categories,
        score=said.score,
        masked_entity_count=dict(said.masked),
        error=error,
    )


def _action_of(verdict: Verdict) -> Action:
    if verdict.refusal is not None:
        return Action.BLOCK
    return Action.MASK if verdict.edits else Action.PASS


def _join(former: Outcome, later: Outcome) -> Outcome:
    action = max(former.guardrail_action, later.guardrail_action, key=_SEVERITY.index)
    scores = [one.score for one in (former, later) if one.score is not None]
    return msgspec.structs.replace(
        later,
        guardrail_status=_STATUS[action],
        guardrail_action=action,
        start_time=former.start_time,
        duration=former.duration + later.duration,
        scanned_pieces=former.scanned_pieces + later.scanned_pieces,
        scanned_characters=former.scanned_characters + later.scanned_characters,
        categories=tuple(dict.fromkeys((*former.categories, *later.categories))),
        score=max(scores, default=None),
        masked_entity_count=_add(former.masked_entity_count, later.masked_entity_count),
        error=later.error or former.error,
    )


def _add(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return dict(Counter(one) + Counter(other)) if one and other else one or other
