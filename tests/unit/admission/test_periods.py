from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

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
        ("5h", "2026-03-04T14:59", "2026-03-04T15:00"),
        ("5h", "2026-03-04T22:00", "2026-03-05T00:00"),
        ("2d", "1970-01-02T23:00", "1970-01-03"),
        ("2d", "1970-01-03T00:00", "1970-01-05"),
        ("2w", "1970-01-06T00:00", "1970-01-19"),
        ("3mo", "2026-03-04T10:00", "2026-04-01"),
        ("nonsense", "2026-03-04T10:00", "2026-03-05"),
    ],
)
def test_periods_end_where_the_calendar_says(period: str, now: str, end: str) -> None:
    assert end_of_period(budget(1, period=period), nanos(now), UTC_DAYS) == nanos(end)


ZONES = [
    ZoneInfo(name)
    for name in ("UTC", "Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Asia/Kolkata")
]
LENGTHS = ["1d", "2d", "3d", "1w", "2w", "1mo", "2mo", "30d", "1h", "5h", "6h", "7m", "15m", "90m", "36h"]
RESET_TIMES = [None, "2026-01-01T01:30", "2026-01-10T23:59:59"]


@given(
    st.one_of(
        st.integers(nanos("2026-01-12"), nanos("2027-01-01")),
        # Where a zone above changes its clock.
        *(
            st.integers(nanos(day), nanos(day) + 86_400 * 10**9)
            for day in ("2026-03-08", "2026-03-29", "2026-04-04", "2026-10-03", "2026-10-25", "2026-11-01")
        ),
    ),
    st.floats(0, 1, exclude_max=True),
    st.sampled_from(LENGTHS),
    st.sampled_from(RESET_TIMES),
    st.sampled_from(ZONES),
    st.sampled_from([time(), time(2, 30)]),
)
@example(nanos("2026-03-04T20:30"), 0.9, "5h", None, ZONES[0], time())
@example(nanos("2026-10-25T00:58"), 0.9, "15m", None, ZONES[1], time())
@example(nanos("2026-10-25T01:13"), 0.0, "3d", "2026-01-01T01:30", ZONES[1], time())
@example(nanos("2026-03-29T00:58"), 0.9, "3d", "2026-01-01T01:30", ZONES[1], time())
def test_whoever_asks_within_a_period_hears_the_same_end(
    now: int, share: float, period: str, reset_at: str | None, zone: ZoneInfo, begins: time
) -> None:
    """Workers that begin to count at different times must not count in different periods."""
    calendar = ResetCalendar(zone, begins)
    limit = budget(1, period=period, reset_at_nanos=None if reset_at is None else nanos(reset_at))
    end = end_of_period(limit, now, calendar)
    assert end > now
    later = now + int((end - now) * share)
    assert end_of_period(limit, later, calendar) == end


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
