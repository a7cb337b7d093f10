from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.identity.reset_calendar import ResetCalendar
from gateway.jobs.cron import CronSchedule
from gateway.testing import FakeClock


def seconds_left(expression: str, now: str, zone: str = "UTC") -> float:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    clock = FakeClock(int(moment.timestamp()) * 10**9)
    return CronSchedule(expression, clock, ResetCalendar(ZoneInfo(zone))).seconds_left()


@pytest.mark.parametrize(
    ("expression", "now", "zone", "seconds"),
    [
        ("0 3 * * *", "2026-02-10T02:59:00", "UTC", 60),
        ("0 3 * * *", "2026-02-10T03:00:00", "UTC", 86_400),
        ("0 3 * * *", "2026-02-10T01:59:30", "Europe/Berlin", 30),
        ("0 3 * * SUN", "2026-02-10T03:00:00", "UTC", 5 * 86_400),
        ("*/15 * * * *", "2026-02-10T03:14:59", "UTC", 1),
        # The night in which 2:30 does not exist: it is made up for at once.
        ("30 2 * * *", "2026-03-29T00:59:00", "Europe/Berlin", 60),
    ],
)
def test_it_is_due_in_the_operators_time_zone(expression: str, now: str, zone: str, seconds: int) -> None:
    assert seconds_left(expression, now, zone) == seconds
