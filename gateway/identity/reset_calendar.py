"""The operator's calendar: in which time zone, and at which time of day, budgets start anew."""

from datetime import UTC, datetime, time, tzinfo
from zoneinfo import ZoneInfo

import msgspec

from gateway.identity.durations import next_reset
from gateway.settings import Settings

__all__ = ["ResetCalendar", "build_reset_calendar"]

_MIDNIGHT = time()


class ResetCalendar(msgspec.Struct, frozen=True):
    """Where days begin, and when the day of a daily budget does."""

    zone: tzinfo = UTC
    day_begins_at: time = _MIDNIGHT

    def next_reset(self, now: datetime, budget_duration: str) -> datetime:
        """When a budget of this duration starts anew, strictly after `now`, as an aware UTC time."""
        return next_reset(now, budget_duration, self.zone, self.day_begins_at)


def build_reset_calendar(settings: Settings) -> ResetCalendar:
    """The calendar of `timezone` and `budget_reset_time`; those of `litellm_settings` win."""
    litellm, general = settings.litellm, settings.general
    zone = litellm.timezone or general.timezone
    begins = litellm.budget_reset_time or general.budget_reset_time or _MIDNIGHT
    return ResetCalendar(UTC if zone is None else ZoneInfo(zone), begins)
