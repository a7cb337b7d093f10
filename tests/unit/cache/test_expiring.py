import asyncio

import pytest

from gateway.cache.expiring import ExpiringCache, Limits
from gateway.errors import DatabaseUnavailable, ServiceUnavailable


class TurnableClock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def now_nanos(self) -> int:
        return int(self.seconds * 1e9)

    def monotonic_nanos(self) -> int:
        return int(self.seconds * 1e9)


class Source:
    """Answers when its gate is open, and counts how often and how many at once it was asked."""

    def __init__(self, values: dict[str, str] | None = None) -> None:
        self.values = values if values is not None else {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked: list[str] = []
        self.now = self.most = 0
        self.error: Exception | None = None

    async def load(self, key: str) -> str | None:
        self.asked.append(key)
        value = self.values.get(key)
        self.now += 1
        self.most = max(self.most, self.now)
        await self.gate.wait()
        self.now -= 1
        if self.error is not None:
            raise self.error
        return value


@pytest.fixture
def clock() -> TurnableClock:
    return TurnableClock()


def make(clock: TurnableClock, **limits: float) -> ExpiringCache[str, str]:
    return ExpiringCache(
        clock, Limits(**limits), tags_of=lambda value: value.split(), stale_on=(DatabaseUnavailable,)
    )


async def until(condition) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it did not happen")


async def test_a_value_is_loaded_once_and_again_after_its_time(clock):
    cache, source = make(clock, ttl_seconds=60), Source({"a": "1"})
    assert [await cache.get_or_load("a", source.load) for _ in range(3)] == ["1", "1", "1"]
    assert source.asked == ["a"]
    clock.seconds += 60
    assert cache.peek("a") is None
    assert await cache.get_or_load("a", source.load) == "1"
    assert source.asked == ["a", "a"]


async def test_a_hundred_callers_share_one_load(clock):
    cache, source = make(clock), Source({"a": "1"})
    source.gate.clear()
    tasks = [asyncio.create_task(cache.get_or_load("a", source.load)) for _ in range(100)]
    await until(lambda: source.now == 1)
    source.gate.set()
    assert await asyncio.gather(*tasks) == ["1"] * 100
    assert source.asked == ["a"]


async def test_a_caller_that_gives_up_does_not_take_the_load_away(clock):
    cache, source = make(clock), Source({"a": "1"})
    source.gate.clear()
    first, second = (asyncio.create_task(cache.get_or_load("a", source.load)) for _ in range(2))
    await until(lambda: source.now == 1)
    first.cancel()
    source.gate.set()
    assert await second == "1"
    assert source.asked == ["a"]


async def test_absence_is_remembered_briefly_and_forgotten_on_a_drop(clock):
    cache, source = make(clock, negative_ttl_seconds=5), Source()
    assert await cache.get_or_load("a", source.load) is None
    assert await cache.get_or_load("a", source.load) is None
    assert source.asked == ["a"]
    clock.seconds += 5
    await cache.get_or_load("a", source.load)
    assert source.asked == ["a", "a"]
    source.values["a"] = "1"
    cache.drop("a")
    assert await cache.get_or_load("a", source.load) == "1"


async def test_unknown_keys_do_not_push_out_known_ones(clock):
    cache, source = make(clock, capacity=2, negative_capacity=2), Source({"a": "1"})
    await cache.get_or_load("a", source.load)
    for number in range(10):
        await cache.get_or_load(f"unknown {number}", source.load)
    assert cache.peek("a") == "1"
    assert len(cache._absent) == 2


async def test_the_least_recently_used_goes_first(clock):
    cache, source = make(clock, capacity=2), Source({"a": "1", "b": "2", "c": "3"})
    await cache.get_or_load("a", source.load)
    await cache.get_or_load("b", source.load)
    assert cache.peek("a") == "1"
    await cache.get_or_load("c", source.load)
    assert (cache.peek("a"), cache.peek("b"), cache.peek("c")) == ("1", None, "3")


@pytest.mark.parametrize(
    "drop",
    [lambda cache: cache.drop("a"), lambda cache: cache.drop_tag("team"), lambda cache: cache.clear()],
    ids=["drop", "drop_tag", "clear"],
)
async def test_a_load_that_began_before_a_drop_is_not_stored_after_it(clock, drop):
    cache, source = make(clock), Source({"a": "old team"})
    source.gate.clear()
    early = asyncio.create_task(cache.get_or_load("a", source.load))
    await until(lambda: source.now == 1)
    source.values["a"] = "new team"
    drop(cache)
    late = asyncio.create_task(cache.get_or_load("a", source.load))
    await until(lambda: source.now == 2)
    source.gate.set()
    assert (await early, await late) == ("old team", "new team")
    assert cache.peek("a") == "new team"
    assert source.asked == ["a", "a"]


async def test_dropping_a_tag_forgets_every_value_made_from_it(clock):
    cache, source = make(clock), Source({"a": "x team", "b": "y team", "c": "z other"})
    for key in "abc":
        await cache.get_or_load(key, source.load)
    cache.drop_tag("team")
    assert [cache.peek(key) for key in "abc"] == [None, None, "z other"]
    assert set(cache._keys_by_tag) == {"z", "other"}


async def test_known_values_outlive_an_unavailable_source_and_unknown_ones_do_not(clock):
    cache, source = make(clock, ttl_seconds=60, stale_seconds=1), Source({"a": "1"})
    await cache.get_or_load("a", source.load)
    clock.seconds += 3600
    source.error = DatabaseUnavailable("away")
    assert await cache.get_or_load("a", source.load) == "1"
    assert cache.peek("a") == "1"  # for a second nobody asks again
    clock.seconds += 1
    assert cache.peek("a") is None
    with pytest.raises(DatabaseUnavailable):
        await cache.get_or_load("b", source.load)
    source.error, source.values["a"] = None, "2"
    assert await cache.get_or_load("a", source.load) == "2"


async def test_a_dropped_value_does_not_come_back_while_the_source_is_away(clock):
    cache, source = make(clock), Source({"a": "1"})
    await cache.get_or_load("a", source.load)
    cache.drop("a")
    source.error = DatabaseUnavailable("away")
    with pytest.raises(DatabaseUnavailable):
        await cache.get_or_load("a", source.load)


async def test_other_errors_reach_every_caller_and_are_not_remembered(clock):
    cache, source = make(clock), Source({"a": "1"})
    source.error = ValueError("broken")
    results = await asyncio.gather(
        *(cache.get_or_load("a", source.load) for _ in range(3)), return_exceptions=True
    )
    assert [type(result) for result in results] == [ValueError] * 3
    source.error = None
    assert await cache.get_or_load("a", source.load) == "1"


async def test_cold_loads_run_in_a_bounded_lane_and_the_rest_is_refused(clock):
    cache, source = make(clock, loads=2, waiting_loads=3), Source()
    source.gate.clear()
    tasks = [asyncio.create_task(cache.get_or_load(str(number), source.load)) for number in range(5)]
    await until(lambda: source.now == 2)
    with pytest.raises(ServiceUnavailable):
        await cache.get_or_load("one too many", source.load)
    source.gate.set()
    await asyncio.gather(*tasks)
    assert source.most == 2
    assert await cache.get_or_load("later", source.load) is None


async def test_a_cold_load_that_takes_too_long_is_not_waited_for_and_kept_all_the_same(clock):
    cache, source = make(clock, load_seconds=0.01), Source({"a": "1"})
    source.gate.clear()
    with pytest.raises(ServiceUnavailable, match="takes too long"):
        await cache.get_or_load("a", source.load)
    source.gate.set()
    await until(lambda: cache.peek("a") == "1")
    assert source.asked == ["a"]


async def test_known_keys_are_refreshed_beside_a_full_lane(clock):
    cache, source = make(clock, ttl_seconds=60, loads=1, waiting_loads=0), Source({"a": "1"})
    await cache.get_or_load("a", source.load)
    clock.seconds += 60
    flood = Source()
    flood.gate.clear()
    waiting = asyncio.create_task(cache.get_or_load("unknown", flood.load))
    await until(lambda: flood.now == 1)
    assert await cache.get_or_load("a", source.load) == "1"
    flood.gate.set()
    await waiting


async def test_closing_stops_the_loads_under_way(clock):
    cache, source = make(clock), Source({"a": "1"})
    source.gate.clear()
    waiting = asyncio.create_task(cache.get_or_load("a", source.load))
    await until(lambda: source.now == 1)
    await cache.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_slow_refresh_keeps_nobody_waiting_and_still_arrives(clock):
    cache, source = make(clock, ttl_seconds=60, refresh_seconds=0, stale_seconds=5), Source({"a": "1"})
    await cache.get_or_load("a", source.load)
    clock.seconds += 60
    source.values["a"] = "2"
    source.gate.clear()
    assert await cache.get_or_load("a", source.load) == "1"
    assert cache.peek("a") == "1"
    await until(lambda: source.now == 1)
    source.gate.set()
    await until(lambda: cache.peek("a") == "2")


async def test_a_value_dropped_during_a_slow_refresh_is_not_served(clock):
    cache, source = make(clock, ttl_seconds=60, refresh_seconds=30), Source({"a": "1"})
    await cache.get_or_load("a", source.load)
    clock.seconds += 60
    source.gate.clear()
    waiting = asyncio.create_task(cache.get_or_load("a", source.load))
    await until(lambda: source.now == 1)
    cache.drop("a")
    source.error = DatabaseUnavailable("away")
    source.gate.set()
    with pytest.raises(DatabaseUnavailable):
        await waiting
