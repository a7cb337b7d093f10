"""Durations as LiteLLM writes them: `30s`, `5m`, `2h`, `7d`, `1w`."""

import re

__all__ = ["DURATION_UNITS", "parse_seconds"]

DURATION_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
"""Seconds per unit. `mo` is missing on purpose: a calendar month is no fixed number of seconds."""

_DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)\s*(ms|s|m|h|d|w)?", re.ASCII)


def parse_seconds(text: str) -> float | None:
    """The seconds that a text means; a bare number is seconds already. None when it is no duration."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        return None
    return float(found[1]) * DURATION_UNITS[found[2] or "s"]
