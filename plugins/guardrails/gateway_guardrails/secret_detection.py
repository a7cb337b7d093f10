"""The guardrail `secret_detection`: credentials in a prompt are masked, or the request is refused."""

import re
from enum import StrEnum

import msgspec

from gateway.errors import GuardrailBlocked
from gateway.hooks import RequestContext
from gateway.sdk import plugin_log, rewrite_texts
from gateway_guardrails.detectors import DETECTORS, GENERIC, Detector, looks_random

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
    """Parameters: what to do, which kinds to look for, and how random a generic secret must look.

    `minimum_entropy` is in bits per character.
    """

    action: Action = Action.MASK
    kinds: tuple[str, ...] = _KINDS
    minimum_entropy: float = 3.0

    def __post_init__(self) -> None:
        for kind in self.kinds:
            if kind not in _KINDS:
                raise ValueError(f"there is no kind '{kind}'; known: {', '.join(_KINDS)}")


class SecretDetection:
    """Finds credentials in the texts of a request."""

    def __init__(self, settings: SecretDetectionSettings) -> None:
        self._settings = settings
        self._detectors = tuple(item for item in DETECTORS if item.kind in settings.kinds)
        self._log = plugin_log("guardrails")

    def guard(self, context: RequestContext) -> None:
        """Mask credentials in the body, or raise GuardrailBlocked, as the settings say."""
        if self._settings.action is Action.BLOCK:
            rewrite_texts(context, self._block)
            return
        masked: list[str] = []
        rewrite_texts(context, lambda text, path: self._mask(text, path, masked))
        if masked:
            self._log.info("secrets_masked", guardrail=_NAME, found=masked, call_id=context.call_id)

    def _block(self, text: str, path: str) -> str:
        for detector in self._candidates(text):
            if any(self._counts(detector, match) for match in detector.pattern.finditer(text)):
                raise GuardrailBlocked(
                    f"The guardrail '{_NAME}' found a credential ({detector.kind}) in {path}. Remove it and "
                    "send the request again.",
                    param=path,
                    details={"guardrail": _NAME, "kind": detector.kind},
                )
        return text

    def _mask(self, text: str, path: str, masked: list[str]) -> str:
        for detector in self._candidates(text):

            def replace(match: re.Match[str], detector: Detector = detector) -> str:
                if not self._counts(detector, match):
                    return match[0]
                masked.append(f"{detector.kind} in {path}")
                start, end = _span(match)
                before, after = match[0][: start - match.start()], match[0][end - match.start() :]
                return f"{before}[REDACTED:{detector.kind}]{after}"

            text = detector.pattern.sub(replace, text)
        return text

    def _candidates(self, text: str) -> list[Detector]:
        """Those that may match: substring searches are many times faster than patterns."""
        lowered = text.lower()
        return [item for item in self._detectors if any(hint in lowered for hint in item.hints)]

    def _counts(self, detector: Detector, match: re.Match[str]) -> bool:
        if detector.kind != GENERIC:
            return True
        return looks_random(match["secret"], self._settings.minimum_entropy)


def _span(match: re.Match[str]) -> tuple[int, int]:
    """Where the credential stands: the group `secret`, or else the whole match."""
    return match.span("secret") if "secret" in match.re.groupindex else match.span()
