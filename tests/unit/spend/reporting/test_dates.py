"""Days and times that a report is about."""

from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest

from gateway.errors import BadRequest
from gateway.spend.reporting.dates import Period, day_of, parse_moment, parse_period


def test_a_period_has_both_of_its_days():
    period = parse_period("2026-02-27", "2026-03-01")
    assert period == Period(date(2026, 2, 27), date(2026, 3, 1))
    assert (period.days, period.bounds) == (3, ("2026-02-27", "2026-03-01"))
    assert list(period.dates()) == [date(2026, 2, 27), date(2026, 2, 28), date(2026, 3, 1)]


@pytest.mark.parametrize(
    ("offset", "start", "end"),
    [(None, 10, 11), (0, 10, 11), (480, 10, 12), (-330, 9, 11)],
)
def test_local_days_take_in_the_day_of_utc_that_they_reach_into(offset, start, end):
    period = parse_period("2026-03-10", "2026-03-11", offset)
    assert (period.start.day, period.end.day) == (start, end)


@pytest.mark.parametrize(
    ("start", "end", "param"),
    [
        (None, "2026-01-01", "start_date"),
        ("2026-01-01", "", "end_date"),
        ("2026-1-1", "2026-01-01", "start_date"),
        ("2026-02-29", "2026-03-01", "start_date"),
        ("\uff12026-01-01", "2026-01-01", "start_date"),
        ("2026-01-02", "2026-01-01", "end_date"),
        ("2010-01-01", "2026-01-01", "end_date"),
        ("2026-01-01", "9999-12-31", "end_date"),
    ],
)
def test_what_is_no_period_is_refused_by_name(start, end, param):
    with pytest.raises(BadRequest) as refusal:
        parse_period(start, end)
    assert (refusal.value.param, refusal.value.type) == (param, "bad_request")


def test_a_moment_is_a_time_or_a_day_with_a_default_time():
    noon = datetime.combine(date(2026, 1, 31), time(12))
    assert parse_moment("x", "2026-01-31 12:00:00", time.min) == noon
    assert parse_moment("x", "2026-01-31T12:00:00", time.min) == noon
    assert parse_moment("x", "2026-01-31", time.max) == datetime.combine(date(2026, 1, 31), time.max)
    for text in (None, "", "noon", "2026-01-31 24:00:00", "9999-12-31 00:00:00"):
        with pytest.raises(BadRequest) as refusal:
            parse_moment("x", text, time.min)
        assert refusal.value.param == "x"


def test_a_time_with_a_zone_falls_into_its_day_of_utc():
    east = timezone(timedelta(hours=14))
    assert day_of("x", datetime(2026, 1, 1, 1, tzinfo=east)) == date(2025, 12, 31)
    assert day_of("x", datetime(2026, 1, 1, 1, tzinfo=UTC)) == date(2026, 1, 1)
    assert day_of("x", datetime.combine(date(2026, 1, 1), time(1))) == date(2026, 1, 1)
    with pytest.raises(BadRequest):
        day_of("x", datetime(1, 1, 1, tzinfo=east))
