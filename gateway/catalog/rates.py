"""Prices as every source states them: a rate per unit, and above which prompt length it holds."""

from collections.abc import Mapping

from gateway.domain import Price, PriceTier

__all__ = ["INPUT_UNITS", "OUTPUT_UNITS", "PER_IMAGE", "PER_REQUEST", "Rates", "build_price", "overlay"]

INPUT_UNITS = ("input", "cached_input", "cache_creation", "audio_input", "image_input")
"""Fields of PriceTier that price parts of the prompt; the first is the plain price."""
OUTPUT_UNITS = ("output", "reasoning_output", "audio_output", "image_output")
"""Fields of PriceTier that price parts of the answer; the first is the plain price."""
PER_REQUEST = "per_request"
PER_IMAGE = "per_image"

Rates = Mapping[str, tuple[tuple[int, int], ...]]
"""For a unit, pairs of (above so many prompt tokens, femto-dollars per unit), sorted by the threshold."""


def overlay(rates: Rates, below: Rates) -> Rates:
    """Put rates over those of a less specific source.

    Who states the plain price of a direction states the whole direction: a model that is configured to cost
    nothing must not cost something for its cached tokens.
    """
    merged = dict(below)
    for units in (INPUT_UNITS, OUTPUT_UNITS):
        if units[0] in rates:
            for unit in units:
                merged.pop(unit, None)
    return {**merged, **rates}


def build_price(rates: Rates, *, source: str, valid_until_nanos: int | None = None) -> Price | None:
    """Turn rates into a price; None when they price nothing that the gateway measures.

    A tier above a threshold takes what it does not state from the tier below it.
    """
    if not rates:
        return None
    thresholds = sorted({above for unit in rates.values() for above, _ in unit} | {0})
    return Price(
        tiers=tuple(_tier(rates, above) for above in thresholds),
        per_request=_at(rates, PER_REQUEST, 0) or 0,
        per_image=_at(rates, PER_IMAGE, 0) or 0,
        source=source,
        valid_until_nanos=valid_until_nanos,
    )


def _tier(rates: Rates, above: int) -> PriceTier:
    stated = {unit: _at(rates, unit, above) for unit in (*INPUT_UNITS, *OUTPUT_UNITS)}
    return PriceTier(above_prompt_tokens=above, **stated)


def _at(rates: Rates, unit: str, above: int) -> int | None:
    """The rate with the highest threshold that is not above this one."""
    found = None
    for threshold, femtos in rates.get(unit, ()):
        if threshold <= above:
            found = femtos
    return found
