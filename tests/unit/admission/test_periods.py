from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.admission.ledger import Ledger
from gateway.admission.periods import end_of_period
from gateway.domain import Meter, ScopeKind
from gateway.errors import BudgetExceeded
from gateway.identity.reset_calendar import ResetCalendar
from gateway.testing import FakeClock
from tests.unit.admission.conftest import KEY, budget, caller, take

UTC_DAYS = ResetCalendar()


def nanos(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()) * 10**9


@pytest.mark.parametrize(
    ("period", "now", "end"),
    [
        ("1d", "2026-03-04T10:00", "2026-03-05"),
        ("7d", "2026-03-04T10:00", "2026-03-09"),
        ("1w", "2026-03-04T10:00", "2026-03-09"),
        ("30d", "2026-03-04T10:00", "2026-04-01"),
        ("1mo", "2026-12-31T23:59", "2027-01-01"),
        ("1h", "2026-03-04T10:59:59", "2026-03-04T11:00"),
        ("15m", "2026-03-04T10:15", "2026-03-04T10:30"),
        ("hourly", "2026-03-04T10:15", "2026-03-04T11:00"),
        ("2d", "1970-01-02T23:00", "1970-01-03"),
        ("2d", "1970-01-03T00:00", "1970-01-05"),
        ("2w", "1970-01-06T00:00", "1970-01-19"),
        ("3mo", "2026-03-04T10:00", "2026-04-01"),
        ("nonsense", "2026-03-04T10:00", "2026-03-05"),
    ],
)
def test_periods_end_where_the_calendar_says(period: str, now: str, end: str) -> None:
    assert end_of_period(budget(1, period=period), nanos(now), UTC_DAYS) == nanos(end)


def test_days_begin_in_the_operators_time_zone() -> None:
    calendar = ResetCalendar(ZoneInfo("Europe/Berlin"))
    now = nanos("2026-06-01T22:30")
    assert end_of_period(budget(1, period="1d"), now, calendar) == nanos("2026-06-02T22:00")
    assert end_of_period(budget(1, period="2d"), now, calendar) in {
        nanos("2026-06-02T22:00"),
        nanos("2026-06-03T22:00"),
    }


@pytest.mark.parametrize(
    ("period", "reset_at", "now", "end"),
    [
        ("3d", "2026-03-04", "2026-03-03T10:00", "2026-03-04"),
        ("3d", "2026-03-04", "2026-03-04T00:00", "2026-03-07"),
        ("3d", "2026-03-04", "2026-03-12T10:00", "2026-03-13"),
        ("2mo", "2026-03-01", "2026-04-30T10:00", "2026-05-01"),
        ("2mo", "2026-03-01", "2026-05-01T00:00", "2026-07-01"),
    ],
)
def test_several_days_are_counted_from_the_reset_time_of_the_budget(
    period: str, reset_at: str, now: str, end: str
) -> None:
    limit = budget(1, period=period, reset_at_nanos=nanos(reset_at))
    assert end_of_period(limit, nanos(now), UTC_DAYS) == nanos(end)


def every_hour(clock: FakeClock) -> Ledger:
    return Ledger(clock, calendar=UTC_DAYS)


def hour_meter(end: str) -> Meter:
    return Meter(ScopeKind.KEY, KEY.id, "", "1h", nanos(end) // 1_000_000)


async def test_a_new_period_begins_with_nothing_spent_and_the_former_keeps_its_hold() -> None:
    clock = FakeClock(nanos("2026-03-04T10:59"))
    ledger = every_hour(clock)
    who = caller(budget(100, period="1h"))
    hold = take(ledger, cost=100, principal=who)
    with pytest.raises(BudgetExceeded) as refused:
        take(ledger, principal=who)
    assert refused.value.details["budget_reset_at"] == "2026-03-04T11:00:00Z"
    clock.advance(60)
    later = take(ledger, cost=60, principal=who)
    await hold.settle(90, 0, 0)
    former, present = hour_meter("2026-03-04T11:00"), hour_meter("2026-03-04T12:00")
    assert (ledger.settled(former), ledger.held(former)) == (90, 0)
    assert (ledger.settled(present), ledger.held(present)) == (0, 60)
    assert ledger.settled(KEY) == 90
    await later.settle(60, 0, 0)
    assert (ledger.settled(present), ledger.held(present)) == (60, 0)


async def test_two_keys_of_one_owner_share_the_period() -> None:
    clock = FakeClock(nanos("2026-03-04T10:59"))
    ledger = every_hour(clock)
    one, other = caller(budget(100, period="1h")), caller(budget(100, period="1h", name="b"))
    take(ledger, cost=1, principal=one)
    clock.advance(60)
    hold = take(ledger, cost=1, principal=one)
    await hold.settle(100, 0, 0)
    with pytest.raises(BudgetExceeded):
        take(ledger, principal=other)


async def test_a_clock_that_is_set_back_leads_back_to_what_was_spent() -> None:
    clock = FakeClock(nanos("2026-03-04T10:59"))
    ledger = every_hour(clock)
    who = caller(budget(100, period="1h"))
    await take(ledger, cost=1, principal=who).settle(100, 0, 0)
    clock.advance(60)
    take(ledger, principal=who)
    clock.advance(-60)
    with pytest.raises(BudgetExceeded):
        take(ledger, principal=who)
