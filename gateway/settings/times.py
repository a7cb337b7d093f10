"""Typed reading of time zones and times of day."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from gateway.settings.node import Node, config_error, describe

__all__ = ["read_cron", "read_time_of_day", "read_timezone"]

_CRON_MEMBERS = 5
_MINUTES_OF_A_DAY = 1440
_SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)


def read_timezone(node: Node) -> str:
    """The name of a time zone of the IANA database. Raises ConfigError."""
    name = node.value
    try:
        return ZoneInfo(name if isinstance(name, str) else "").key
    except (ValueError, OSError, KeyError):  # What zoneinfo raises for names, folders and unknown zones.
        message = f"Expected a time zone such as UTC or Europe/Berlin, found {describe(node)}."
        raise config_error(node, message) from None


def read_cron(node: Node) -> str:
    """A cron expression of five members, such as `0 3 * * *`. Raises ConfigError."""
    text = node.value if isinstance(node.value, str) else ""
    try:
        if len(text.split()) == _CRON_MEMBERS:
            next(CronSim(text, _SOME_DAY))
            return text
    except (CronSimError, StopIteration):  # What it raises for no expression, and for a day that never comes.
        pass
    message = f"Expected a cron expression of five members such as '0 3 * * *', found {describe(node)}."
    raise config_error(node, message)


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
