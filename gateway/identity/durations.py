"""The contract's durations (`30s`, `24h`, `7d`, `1mo`, `daily`) and the times at which budgets start anew."""

import calendar
import re
from datetime import UTC, datetime, time, timedelta, tzinfo

import msgspec

__all__ = ["Duration", "add_duration", "next_reset", "parse_duration"]

_FORM = re.compile(r"([1-9][0-9]{0,8})(s|mo|m|h|d|w)")
_WORDS = {"hourly": "1h", "daily": "1d", "weekly": "1w", "monthly": "1mo"}
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LONGEST_SECONDS = 100 * 366 * 86_400
_LONGEST_MONTHS = 1_200
_DAYS_OF_A_WEEK = 7
_DAYS_THAT_MEAN_A_MONTH = 30
_MIDNIGHT = time()


class Duration(msgspec.Struct, frozen=True):
    """`count` units of `s`, `m`, `h`, `d`, `w` or `mo` (calendar months); at most a hundred years."""

    count: int
    unit: str

    @property
    def seconds(self) -> int:
        """Its length, a month counted as 30 days: for comparing durations with each other."""
        return self.count * _SECONDS.get(self.unit, 30 * 86_400)


def parse_duration(text: str) -> Duration:
    """Read a duration; raises ValueError, with a sentence for the API user, when it is none."""
    match = _FORM.fullmatch(_WORDS.get(text, text))
    if match is None:
        raise ValueError(
            f"'{text[:40]}' is not a duration. Write a number and s, m, h, d, w or mo, for example 30d."
        )
    duration = Duration(int(match[1]), match[2])
    is_too_long = (
        duration.count > _LONGEST_MONTHS if duration.unit == "mo" else duration.seconds > _LONGEST_SECONDS
    )
    if is_too_long:
        raise ValueError(f"'{text}' is longer than a hundred years.")
    return duration


def add_duration(start: datetime, duration: Duration) -> datetime:
    """The time so much later; months keep the day of the month, clamped to the month's end."""
    if duration.unit == "mo":
        return _add_months(start, duration.count)
    return start + timedelta(seconds=duration.seconds)


def next_reset(
    now: datetime, budget_duration: str, zone: tzinfo = UTC, day_begins_at: time = _MIDNIGHT
) -> datetime:
    """When a budget of this duration starts anew, strictly after `now`, as an aware UTC time.

    Days, weeks and months end at midnight in `zone`, a budget of one day at `day_begins_at`; hours, minutes
    and seconds end at multiples of the clock. A stored duration that cannot be read means the next midnight:
    an adopted row must not stop the resets.
    """
    local = now.astimezone(zone)
    try:
        duration = parse_duration(budget_duration)
    except ValueError:
        duration = Duration(1, "d")
    match duration.unit:
        case "mo":
            reset = _first_of_month(local, duration.count)
        case "w":
            reset = _after_weeks(local, duration.count)
        case "d":
            reset = _after_days(local, duration.count, day_begins_at)
        case _:
            reset = _next_multiple(local, duration.seconds)
    # A wall-clock time that occurs twice means its first occurrence, which may be over.
    ahead = reset.astimezone(UTC)
    return ahead if ahead > now else reset.replace(fold=1).astimezone(UTC)


def _after_days(local: datetime, days: int, day_begins_at: time) -> datetime:
    if days == 1:
        today = datetime.combine(local.date(), day_begins_at, local.tzinfo)
        return today if today.astimezone(UTC) > local.astimezone(UTC) else today + timedelta(days=1)
    if days == _DAYS_OF_A_WEEK:
        return _after_weeks(local, 1)
    if days == _DAYS_THAT_MEAN_A_MONTH:
        return _first_of_month(local, 1)
    return _midnight(local) + timedelta(days=days)


def _after_weeks(local: datetime, weeks: int) -> datetime:
    """The Monday that ends the current week, and one more for each further week."""
    days_to_monday = _DAYS_OF_A_WEEK - local.weekday()
    return _midnight(local) + timedelta(days=days_to_monday, weeks=weeks - 1)


def _next_multiple(local: datetime, seconds: int) -> datetime:
    """The next multiple of the day's clock, which begins anew at midnight; beyond a day, of all seconds."""
    if seconds > _SECONDS["d"]:
        elapsed = int(local.timestamp())
        return datetime.fromtimestamp(elapsed - elapsed % seconds + seconds, local.tzinfo)
    ahead = _after_seconds(local, _seconds_to_multiple(local, seconds))
    if ahead.utcoffset() == local.utcoffset():
        return ahead
    # The clock changes before: the first multiple that it shows from then on, that moment included.
    changed = _change_of_clock(local, ahead)
    to_next = _seconds_to_multiple(changed, seconds)
    return changed if to_next == seconds else _after_seconds(changed, to_next)


def _seconds_to_multiple(local: datetime, seconds: int) -> int:
    passed = local.hour * 3600 + local.minute * 60 + local.second
    return min(seconds - passed % seconds, _SECONDS["d"] - passed)


def _after_seconds(local: datetime, seconds: int) -> datetime:
    """So many seconds after the whole second, however the clock changes meanwhile."""
    elapsed = local.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=seconds)
    return elapsed.astimezone(local.tzinfo)


def _change_of_clock(before: datetime, after: datetime) -> datetime:
    """The first whole second with another offset from UTC than before."""
    offset, low, high = before.utcoffset(), int(before.timestamp()), int(after.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        is_changed = datetime.fromtimestamp(middle, before.tzinfo).utcoffset() != offset
        low, high = (low, middle) if is_changed else (middle, high)
    return datetime.fromtimestamp(high, before.tzinfo)


def _midnight(local: datetime) -> datetime:
    return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)


def _first_of_month(local: datetime, months: int) -> datetime:
    return _add_months(_midnight(local).replace(day=1), months)


def _add_months(start: datetime, months: int) -> datetime:
    index = start.year * 12 + start.month - 1 + months
    year, month = divmod(index, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return start.replace(year=year, month=month + 1, day=day)
