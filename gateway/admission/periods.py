"""When the period of a budget ends: every worker comes to the same time without asking anybody."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol

from gateway.clock import datetime_from_nanos
from gateway.domain import Limit

__all__ = ["Calendar", "PlainCalendar", "end_of_period"]

_STEPPED = re.compile(r"([1-9][0-9]{0,5})(d|w|mo)")
_ALIGNED = frozenset({"1d", "7d", "30d", "1w", "1mo"})
_DAYS = {"d": 1, "w": 7}
_MONTHS_A_YEAR = 12
_NANOS = 1_000_000_000


class Calendar(Protocol):
    """The operator's calendar: where days begin, and when a budget of a duration starts anew."""

    @property
    def zone(self) -> tzinfo:
        """The time zone of days, weeks and months."""
        ...

    def next_reset(self, now: datetime, budget_duration: str) -> datetime:
        """When a budget starts anew, strictly after `now`."""
        ...


class PlainCalendar:
    """Days of UTC, for a ledger that nobody told a calendar."""

    zone = UTC

    def next_reset(self, now: datetime, budget_duration: str) -> datetime:
        """The next midnight, whatever the duration."""
        del budget_duration
        return now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def end_of_period(limit: Limit, now_nanos: int, calendar: Calendar) -> int:
    """When the period of a budget that holds now ends, in nanoseconds since 1970.

    A day, a week, a month and parts of a day end where the calendar says. Several of them have no place in
    the calendar: they are counted from the budget's own reset time, or else from the first days of 1970.
    """
    now = datetime_from_nanos(now_nanos)
    stepped = None if limit.period in _ALIGNED else _STEPPED.fullmatch(limit.period)
    if stepped is None:
        return _nanos(calendar.next_reset(now, limit.period))
    count, unit, local = int(stepped[1]), stepped[2], now.astimezone(calendar.zone)
    if limit.reset_at_nanos is not None:
        anchor = datetime_from_nanos(limit.reset_at_nanos).astimezone(calendar.zone)
    else:
        # A Monday, so that weeks begin where the calendar's weeks do.
        anchor = datetime(1970, 1, 5 if unit == "w" else 1, tzinfo=calendar.zone)
    if _is_after(anchor, local):
        return _nanos(anchor)
    return _nanos(
        _after_months(anchor, local, count)
        if unit == "mo"
        else _after_days(anchor, local, count * _DAYS[unit])
    )


def _after_days(anchor: datetime, local: datetime, days: int) -> datetime:
    steps = (local.date() - anchor.date()).days // days
    end = anchor + timedelta(days=steps * days)
    return end if _is_after(end, local) else end + timedelta(days=days)


def _after_months(anchor: datetime, local: datetime, months: int) -> datetime:
    passed = (local.year - anchor.year) * _MONTHS_A_YEAR + local.month - anchor.month
    steps = passed // months
    end = _add_months(anchor, steps * months)
    return end if _is_after(end, local) else _add_months(anchor, (steps + 1) * months)


def _is_after(one: datetime, other: datetime) -> bool:
    """Whether a moment comes later; times of one zone would be compared by what the clock shows."""
    return one.astimezone(UTC) > other.astimezone(UTC)


def _add_months(start: datetime, months: int) -> datetime:
    year, month = divmod(start.year * _MONTHS_A_YEAR + start.month - 1 + months, _MONTHS_A_YEAR)
    # Budgets start anew on the first of a month.
    return start.replace(year=year, month=month + 1, day=1)


def _nanos(moment: datetime) -> int:
    return round(moment.timestamp()) * _NANOS
