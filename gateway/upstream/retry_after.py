"""When a provider says that it may be asked again (RFC 9110 section 10.2.3)."""

from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime

__all__ = ["parse_retry_after"]

_LONGEST_SECONDS = 24 * 3600.0
"""A later date is a mistake of somebody's clock."""


def parse_retry_after(header: Callable[[str], str | None], now_nanos: int) -> float | None:
    """Return the seconds to wait, never negative and a day at most; None where none are stated.

    `header` returns the value of a header. `retry-after-ms` is OpenAI's more exact form and wins. The date
    form counts from the provider's own `date` header where there is one, so that our clocks need not agree.
    """
    milliseconds = _number(header("retry-after-ms"))
    if milliseconds is not None:
        return _clamp(milliseconds / 1000)
    value = header("retry-after")
    seconds = _number(value)
    if seconds is not None:
        return _clamp(seconds)
    until = _date(value)
    if until is None:
        return None
    return _clamp(until - (_date(header("date")) or now_nanos / 1e9))


def _clamp(seconds: float) -> float:
    return min(max(seconds, 0.0), _LONGEST_SECONDS)


def _number(text: str | None) -> float | None:
    # Only digits and a dot: float() would also take "inf", "1e9" and "1_0".
    if not text or not text.strip().replace(".", "", 1).isdecimal():
        return None
    return float(text)


def _date(text: str | None) -> float | None:
    if not text:
        return None
    try:
        found = parsedate_to_datetime(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
