"""Finds credentials: one pass of RE2 says which detectors to ask, and those find and check them."""

from collections.abc import Collection, Mapping

from gateway_guardrails.detectors import DETECTORS, GENERIC, Detector
from gateway_guardrails.library_detectors import LibraryDetector
from gateway_guardrails.linear import LinearPatterns
from gateway_guardrails.plausible import looks_random
from gateway_guardrails.spans import Spans

__all__ = ["MINIMUM_ENTROPY", "SecretFinder"]

MINIMUM_ENTROPY = 3.0
"""The bits per character that the value of a setting needs to count, unless told otherwise."""


class SecretFinder:
    """Finds credentials of some kinds; what an earlier kind found, a later one does not find again.

    `limits` are the bits per character that kinds of the library which measure them must exceed.
    """

    def __init__(
        self,
        kinds: Collection[str],
        minimum_entropy: float = MINIMUM_ENTROPY,
        limits: Mapping[str, float] = {},
    ) -> None:
        self._detectors = tuple(_limited(item, limits) for item in DETECTORS if item.kind in kinds)
        self._hints = LinearPatterns([item.hint for item in self._detectors])
        self._minimum = minimum_entropy

    def find(self, text: str) -> list[tuple[str, int, int]]:
        """The kinds and places of all of them, from left to right; they do not overlap."""
        found: list[tuple[str, int, int]] = []
        taken = Spans()
        for place in self._hints.list_present(text):
            detector = self._detectors[place]
            for start, end in detector.find(text):
                if self._counts(detector.kind, text[start:end]) and taken.take(start, end):
                    found.append((detector.kind, start, end))
        return sorted(found, key=lambda item: item[1])

    def _counts(self, kind: str, value: str) -> bool:
        return kind != GENERIC or looks_random(value, self._minimum)


def _limited(detector: Detector, limits: Mapping[str, float]) -> Detector:
    limit = limits.get(detector.kind)
    if limit is None or not isinstance(detector, LibraryDetector):
        return detector
    return detector.with_limit(limit)
