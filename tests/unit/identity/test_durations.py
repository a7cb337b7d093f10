from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.identity.durations import Duration, add_duration, next_reset, parse_duration
from gateway.identity.reset_calendar import ResetCalendar

NOW = datetime(2026, 2, 18, 13, 45, 30, 250_000, tzinfo=UTC)  # a Wednesday


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("30s", Duration(30, "s")),
        ("5m", Duration(5, "m")),
        ("24h", Duration(24, "h")),
        ("30d", Duration(30, "d")),
        ("1w", Duration(1, "w")),
        ("1mo", Duration(1, "mo")),
        ("hourly", Duration(1, "h")),
        ("daily", Duration(1, "d")),
        ("weekly", Duration(1, "w")),
        ("monthly", Duration(1, "mo")),
    ],
)
def test_the_contracts_grammar_is_read(text, duration):
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "text", ["", "d", "0d", "-1d", "1.5h", "1y", "1 d", "1D", "99999999d", "1201mo", "\u0661d"]
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match=r"duration|longer"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1d", "2026-02-19T00:00:00"),
        ("daily", "2026-02-19T00:00:00"),
        ("3d", "2026-02-21T00:00:00"),
        ("7d", "2026-02-23T00:00:00"),
        ("1w", "2026-02-23T00:00:00"),
        ("2w", "2026-03-02T00:00:00"),
        ("30d", "2026-03-01T00:00:00"),
        ("1mo", "2026-03-01T00:00:00"),
        ("3mo", "2026-05-01T00:00:00"),
        ("1h", "2026-02-18T14:00:00"),
        ("6h", "2026-02-18T18:00:00"),
        ("15m", "2026-02-18T14:00:00"),
        ("10m", "2026-02-18T13:50:00"),
        ("30s", "2026-02-18T13:46:00"),
        ("nonsense", "2026-02-19T00:00:00"),
    ],
)
def test_budgets_start_anew_at_round_times(text, expected):
    assert next_reset(NOW, text) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_on_a_monday_the_week_ends_next_monday():
    monday = datetime(2026, 2, 23, tzinfo=UTC)
    assert next_reset(monday, "7d") == datetime(2026, 3, 2, tzinfo=UTC)


def test_midnight_is_that_of_the_zone():
    berlin = ZoneInfo("Europe/Berlin")
    assert next_reset(NOW, "1d", berlin) == datetime(2026, 2, 18, 23, tzinfo=UTC)
    before_summer_time = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert next_reset(before_summer_time, "2d", berlin) == datetime(2026, 3, 29, 22, tzinfo=UTC)


def test_months_are_clamped_to_their_end():
    assert add_duration(datetime(2026, 1, 31, 5, tzinfo=UTC), Duration(1, "mo")).day == 28
    assert add_duration(NOW, Duration(2, "w")) == datetime(2026, 3, 4, 13, 45, 30, 250_000, tzinfo=UTC)


@given(
    st.integers(946_684_800, 4_102_444_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    st.builds("{}{}".format, st.integers(1, 400), st.sampled_from(["s", "m", "h", "d", "w", "mo"])),
    st.sampled_from(
        [
            ZoneInfo(name)
            for name in ("UTC", "Europe/Berlin", "America/Havana", "Asia/Kolkata", "Pacific/Apia")
        ]
    ),
    st.times(timezones=st.none()),
)
def test_a_reset_is_always_ahead(now, text, zone, day_begins_at):
    assert next_reset(now, text, zone, day_begins_at) > now


@given(
    st.integers(0, 2 * 3600).map(
        lambda seconds: datetime(2026, 10, 24, 23, tzinfo=UTC) + timedelta(0, seconds)
    ),
    st.sampled_from(["1s", "10m", "15m", "1h", "6h", "1d"]),
)
def test_a_reset_is_ahead_in_the_hour_that_occurs_twice(now, text):
    assert now < next_reset(now, text, ZoneInfo("Europe/Berlin")) <= now + timedelta(days=1, hours=1)


def test_the_day_of_a_daily_budget_begins_when_the_operator_says():
    calendar = ResetCalendar(ZoneInfo("Europe/Berlin"), time(17, 30))
    assert calendar.next_reset(NOW, "1d") == datetime(2026, 2, 18, 16, 30, tzinfo=UTC)
    later = NOW + timedelta(hours=3)
    assert calendar.next_reset(later, "daily") == datetime(2026, 2, 19, 16, 30, tzinfo=UTC)
    assert calendar.next_reset(NOW, "1w") == datetime(2026, 2, 22, 23, tzinfo=UTC)
