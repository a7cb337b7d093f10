"""Typed reading of time zones and times of day."""

from datetime import time
from zoneinfo import ZoneInfo

from gateway.settings.node import Node, config_error, describe

__all__ = ["read_time_of_day", "read_timezone"]

_MINUTES_OF_A_DAY = 1440


def read_timezone(node: Node) -> str:
    """The name of a time zone of the IANA database. Raises ConfigError."""
    name = node.value
    try:
        return ZoneInfo(name if isinstance(name, str) else "").key
    except (ValueError, OSError, KeyError):  # What zoneinfo raises for names, folders and unknown zones.
        message = f"Expected a time zone such as UTC or Europe/Berlin, found {describe(node)}."
        raise config_error(node, message) from None


def read_time_of_day(node: Node) -> time:
    """A time without a zone, such as `06:30`, which YAML may have read as a number in base 60.

    Raises ConfigError.
    """
    try:
        return _time_of(node.value)
    except (ValueError, TypeError, OverflowError):
        raise config_error(node, f"Expected a time of day such as 06:30, found {describe(node)}.") from None


def _time_of(value: object) -> time:
    if isinstance(value, int) and not isinstance(value, bool):
        minutes, seconds = divmod(value, 60) if value >= _MINUTES_OF_A_DAY else (value, 0)
        return time(minutes // 60, minutes % 60, seconds)
    if not isinstance(value, str):
        raise TypeError
    read = time.fromisoformat(value)
    if read.tzinfo is not None:
        raise ValueError
    return read
