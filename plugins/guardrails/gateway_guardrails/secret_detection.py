"""The guardrail `secret_detection`: credentials in a prompt are masked, or the request is refused."""

import re
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import ClassVar

import msgspec

from gateway.errors import GuardrailBlocked
from gateway.hooks import RequestContext
from gateway.sdk import Content, Edit, Guardrail, GuardrailCall, Verdict, plugin_log, rewrite_texts
from gateway_guardrails.detectors import DETECTORS, GENERIC, PRIVATE_KEY, Detector, find_begun, looks_random
from gateway_guardrails.linear import LinearPatterns
from gateway_guardrails.search import search
from gateway_guardrails.spans import Spans

__all__ = ["Action", "SecretDetection", "SecretDetectionSettings"]

_NAME = "secret_detection"
_KINDS = tuple(detector.kind for detector in DETECTORS)


class Action(StrEnum):
    """What happens to a request in which a credential is found."""

    MASK = "mask"
    """The credential is replaced by `[REDACTED:<kind>]` and the request goes on."""
    BLOCK = "block"
    """The request is refused with 400."""


class SecretDetectionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters: what to do, which kinds to look for, and how random a generic secret must look."""

    action: Action = Action.MASK
    """What happens to content in which a credential is found."""
    kinds: tuple[str, ...] = _KINDS
    """The kinds to look for."""
    minimum_entropy: float = 3.0
    """The bits per character that the value of a setting needs to count as a credential."""

    def __post_init__(self) -> None:
        for kind in self.kinds:
            if kind not in _KINDS:
                raise ValueError(f"there is no kind '{kind}'; known: {', '.join(_KINDS)}")


class SecretDetection(Guardrail):
    """Finds credentials in texts."""

    Params: ClassVar[type[SecretDetectionSettings]] = SecretDetectionSettings
    window = 320  # The longest credentials but private keys and JWTs, with the names of their settings.

    def __init__(self, params: SecretDetectionSettings) -> None:
        self._settings = params
        self._detectors = tuple(item for item in DETECTORS if item.kind in params.kinds)
        # One pass over a text tells which patterns may match: they are many times slower.
        self._hints = LinearPatterns([_spell(item.hints) for item in self._detectors])
        self._log = plugin_log("guardrails")

    def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        """Mask credentials, or refuse content that has one, as the parameters say."""
        edits: list[Edit] = []
        kinds: Counter[str] = Counter()
        undecided: dict[int, int] = {}
        for place, piece in content.texts():
            if call.is_stream and (begun := find_begun(piece.text)) is not None:
                undecided[place] = begun
        for hit in search(content, self._find, _is_closed):
            kind = hit.what.kind
            if self._settings.action is Action.BLOCK:
                return Verdict(refusal=_refusal(call.guardrail, kind, hit.path), categories=(kind,))
            if hit.places:
                edits += hit.edits(f"[REDACTED:{kind}]")
                kinds[kind] += 1
        return Verdict(edits=tuple(edits), categories=tuple(kinds), masked=kinds, undecided=undecided)

    def guard(self, context: RequestContext) -> None:
        """Mask credentials in the body, or raise GuardrailBlocked, as the settings say."""
        masked: list[str] = []
        rewrite_texts(context, lambda text, path: self._rewrite(text, path, masked))
        if masked:
            self._log.info("secrets_masked", guardrail=_NAME, found=masked, call_id=context.call_id)

    def _rewrite(self, text: str, path: str, masked: list[str]) -> str:
        parts: list[str] = []
        at = 0
        for detector, start, end in self._find(text):
            if self._settings.action is Action.BLOCK:
                raise GuardrailBlocked(
                    _refusal(_NAME, detector.kind, path),
                    param=path,
                    details={"guardrail": _NAME, "kind": detector.kind},
                )
            masked.append(f"{detector.kind} in {path}")
            parts += (text[at:start], f"[REDACTED:{detector.kind}]")
            at = end
        return "".join((*parts, text[at:])) if parts else text

    def _find(self, text: str) -> list[tuple[Detector, int, int]]:
        """What each detector finds and none before it has, from left to right."""
        found: list[tuple[Detector, int, int]] = []
        taken = Spans()
        for place in self._hints.list_present(text):
            detector = self._detectors[place]
            for match in detector.pattern.finditer(text):
                start, end = _span(match)
                if self._counts(detector, match) and taken.take(start, end):
                    found.append((detector, start, end))
        return sorted(found, key=lambda item: item[1])

    def _counts(self, detector: Detector, match: re.Match[str]) -> bool:
        if detector.kind != GENERIC:
            return True
        return looks_random(match["secret"], self._settings.minimum_entropy)


def _refusal(guardrail: str, kind: str, path: str) -> str:
    found = f"The guardrail '{guardrail}' found a credential ({kind}) in {path}."
    return f"{found} Remove it and send the request again."


def _is_closed(detector: Detector, text: str) -> bool:
    """Whether a credential ends where its text does: only private keys say so."""
    return detector.kind == PRIVATE_KEY and text.endswith("-----")


def _spell(hints: Iterable[str]) -> str:
    """A pattern for any of them, in any case."""
    return f"(?i){'|'.join(map(re.escape, hints))}"


def _span(match: re.Match[str]) -> tuple[int, int]:
    """Where the credential stands: the group `secret`, or else the whole match."""
    return match.span("secret") if "secret" in match.re.groupindex else match.span()
