"""Times of day at which a job runs, written as a cron expression."""

from cronsim import CronSim

from gateway.clock import Clock, datetime_from_nanos
from gateway.identity.reset_calendar import ResetCalendar

__all__ = ["CronSchedule"]


class CronSchedule:
    """When an expression, which the settings have checked, is due next in the operator's time zone."""

    def __init__(self, expression: str, clock: Clock, calendar: ResetCalendar) -> None:
        self._expression = expression
        self._clock = clock
        self._zone = calendar.zone

    def seconds_left(self) -> float:
        """Seconds until the next time, which is strictly in the future."""
        now = datetime_from_nanos(self._clock.now_nanos())
        return (next(CronSim(self._expression, now.astimezone(self._zone))) - now).total_seconds()
