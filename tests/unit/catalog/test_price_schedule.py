"""When prices are read anew."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.catalog.price_schedule import PriceSchedule, read_schedule, stamp_of

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def test_without_an_interval_nothing_is_due():
    assert not PriceSchedule().is_due(NOW)
    assert not read_schedule({"reloaded_at": stamp_of(NOW - timedelta(days=9))}).is_due(NOW)


def test_it_is_due_when_the_interval_has_passed():
    planned = read_schedule({"interval_hours": 6, "reloaded_at": stamp_of(NOW)})

    assert planned.next_run == NOW + timedelta(hours=6)
    assert not planned.is_due(NOW + timedelta(hours=5, minutes=59))
    assert planned.is_due(NOW + timedelta(hours=6))


def test_what_litellm_wrote_has_no_stamp_and_is_due():
    planned = read_schedule({"interval_hours": 6, "force_reload": False})

    assert (planned.last_run, planned.next_run, planned.is_due(NOW)) == (None, None, True)


@pytest.mark.parametrize("hours", [0, -1, 10_000, True, "6", None, 1.5])
def test_what_is_no_interval_plans_nothing(hours: object):
    assert read_schedule({"interval_hours": hours}).interval_hours is None


@pytest.mark.parametrize("stamp", ["yesterday", 7, None])
def test_what_is_no_moment_says_nothing(stamp: object):
    assert read_schedule({"interval_hours": 1, "reloaded_at": stamp}).last_run is None
