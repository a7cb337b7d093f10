"""The amounts that are not in the database yet."""

import pytest

from gateway.domain import Scope, ScopeKind
from gateway.spend.undrained import StalePositionError, Undrained

TEAM = Scope(ScopeKind.TEAM, "t")
KEY = Scope(ScopeKind.KEY, "k")


class TurnedClock:
    def __init__(self) -> None:
        self.nanos = 0

    def now_nanos(self) -> int:
        return self.nanos

    def monotonic_nanos(self) -> int:
        return self.nanos


def build(chunk_bytes: int = 100) -> tuple[Undrained, TurnedClock]:
    clock = TurnedClock()
    return Undrained(clock, chunk_bytes), clock


def test_a_charge_counts_until_the_database_has_it() -> None:
    undrained, _ = build()
    undrained.add(50, (TEAM, KEY), 7)
    assert undrained.settled_after(TEAM, 0) == 7
    undrained.seal(50)
    undrained.mark_drained(50)
    assert undrained.settled_after(TEAM, 50) == 0
    assert undrained.settled_after(KEY, 50) == 0


def test_a_reader_with_an_older_position_still_gets_what_has_just_been_drained() -> None:
    undrained, _ = build()
    undrained.add(100, (TEAM,), 7)
    undrained.add(150, (TEAM,), 11)
    undrained.mark_drained(100)
    assert undrained.settled_after(TEAM, 0) == 18
    assert undrained.settled_after(TEAM, 100) == 11


def test_a_position_that_is_forgotten_is_refused() -> None:
    undrained, clock = build()
    undrained.add(100, (TEAM,), 7)
    undrained.mark_drained(100)
    clock.nanos = 31_000_000_000
    undrained.mark_drained(100)
    with pytest.raises(StalePositionError):
        undrained.settled_after(TEAM, 0)
    assert undrained.settled_after(TEAM, 100) == 0


def test_a_chunk_ends_when_it_is_large_enough() -> None:
    undrained, _ = build(chunk_bytes=100)
    undrained.add(99, (TEAM,), 1)
    assert undrained.find_end(0) is None
    undrained.add(130, (TEAM,), 1)
    assert undrained.find_end(0) == 130


def test_a_position_inside_a_chunk_counts_the_whole_chunk() -> None:
    undrained, _ = build()
    undrained.add(120, (TEAM,), 5)
    assert undrained.settled_after(TEAM, 60) == 5


def test_sealing_twice_at_one_position_makes_no_empty_chunk() -> None:
    undrained, _ = build()
    undrained.add(40, (TEAM,), 5)
    undrained.seal(40)
    undrained.seal(40)
    undrained.add(60, (TEAM,), 2)
    assert undrained.settled_after(TEAM, 40) == 2
