"""Reads the days and times that a report is about."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import msgspec

from gateway.clock import Clock, datetime_from_nanos
from gateway.errors import BadRequest

__all__ = ["Period", "day_of", "last_days", "moment_of", "parse_moment", "parse_period", "refuse"]

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_MOMENT_FORMS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")
_USUAL_DAYS = 30
_MOST_DAYS = 3_660
_MOST_OFFSET = 18 * 60
_FIRST_YEAR, _LAST_YEAR = 1970, 2999
"""Before and behind there is nothing to report, and days cannot be added to without end."""


class Period(msgspec.Struct, frozen=True):
    """Days of UTC, the first and the last included."""

    start: date
    end: date

    @property
    def days(self) -> int:
        """How many days there are."""
        return (self.end - self.start).days + 1

    @property
    def bounds(self) -> tuple[str, str]:
        """First and last day as the daily tables write them."""
        return self.start.isoformat(), self.end.isoformat()

    def dates(self) -> Iterator[date]:
        """Every day, the oldest first."""
        return (self.start + timedelta(days=index) for index in range(self.days))


def refuse(param: str, message: str) -> BadRequest:
    """The refusal of a parameter by its name, with the type that the contract has for reports."""
    return BadRequest(message, param=param, type="bad_request")


def last_days(clock: Clock, days: int = _USUAL_DAYS) -> Period:
    """Today and the days before it."""
    today = datetime_from_nanos(clock.now_nanos()).date()
    return Period(today - timedelta(days=days), today)


def parse_period(start: str | None, end: str | None, offset_minutes: int | None = None) -> Period:
    """The days from `start_date` to `end_date`, both `YYYY-MM-DD`.

    With the offset of a time zone (minutes that UTC is ahead of it) the day of UTC that its days reach into
    belongs to them. Raises BadRequest with the parameter's name.
    """
    first, last = _parse_day("start_date", start), _parse_day("end_date", end)
    if last < first:
        raise refuse("end_date", "'end_date' must not be before 'start_date'.")
    if (last - first).days >= _MOST_DAYS:
        raise refuse("end_date", "'end_date' must be at most ten years after 'start_date'.")
    if offset_minutes is not None and abs(offset_minutes) > _MOST_OFFSET:
        raise refuse("timezone", "'timezone' is minutes between UTC and local time, at most 1080.")
    if offset_minutes and offset_minutes > 0:
        last += timedelta(days=1)
    elif offset_minutes:
        first -= timedelta(days=1)
    return Period(first, last)


def day_of(name: str, moment: datetime) -> date:
    """The day of UTC that a time falls into; raises BadRequest for one of no time that matters."""
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise refuse(name, f"'{name}' must be between the years {_FIRST_YEAR} and {_LAST_YEAR}.")
    return (moment if moment.tzinfo is None else moment.astimezone(UTC)).date()


def moment_of(name: str, moment: datetime) -> datetime:
    """A time as the columns have it, naive and of UTC; raises BadRequest for one of no time that matters."""
    day_of(name, moment)
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def parse_moment(name: str, text: str | None, default_time: time) -> datetime:
    """A naive UTC time from `YYYY-MM-DD HH:MM:SS`, or a day with a default time; raises BadRequest."""
    if text is None:
        raise refuse(name, f"'{name}' is needed, as YYYY-MM-DD HH:MM:SS.")
    if _DAY.fullmatch(text):
        return datetime.combine(_parse_day(name, text), default_time)
    for form in _MOMENT_FORMS:
        try:
            # The columns of the contract are TIMESTAMP without time zone and hold UTC.
            moment = datetime.strptime(text, form)  # noqa: DTZ007  see above
        except ValueError:
            continue
        if _FIRST_YEAR <= moment.year <= _LAST_YEAR:
            return moment
    raise refuse(name, f"'{name}' must be a time such as 2026-01-31 12:00:00, in UTC.")


def _parse_day(name: str, text: str | None) -> date:
    if not text:
        raise refuse(name, f"'{name}' is needed, as YYYY-MM-DD.")
    if _DAY.fullmatch(text):
        try:
            day = date.fromisoformat(text)
        except ValueError:
            day = date.min
        if _FIRST_YEAR <= day.year <= _LAST_YEAR:
            return day
    raise refuse(name, f"'{name}' must be a date such as 2026-01-31.")
