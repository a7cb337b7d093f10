from collections.abc import Sequence

import pytest

from gateway.db.asking import Colleagues
from gateway.errors import RateLimited
from gateway.identity.login.throttle import Throttle, build_shared_throttle
from gateway.testing import FakeClock


async def fail(throttle: Throttle, name: str, address: str, times: int) -> None:
    for _ in range(times):
        await throttle.begin(name, address)


async def test_a_name_is_refused_for_who_failed_and_for_nobody_else():
    throttle = Throttle(FakeClock())
    await fail(throttle, "Ada", "10.0.0.1", 10)

    with pytest.raises(RateLimited) as caught:
        await throttle.begin(" ada ", "10.0.0.1")
    await throttle.begin("ada", "10.0.0.2")
    await throttle.begin("bob", "10.0.0.1")

    assert caught.value.headers == {"retry-after": "300"}


async def test_the_window_ends_when_it_was_said_to_end():
    clock = FakeClock()
    throttle = Throttle(clock)
    await fail(throttle, "ada", "10.0.0.1", 10)
    clock.advance(299.5)
    with pytest.raises(RateLimited) as caught:
        await throttle.begin("ada", "10.0.0.1")
    clock.advance(0.5)

    await throttle.begin("ada", "10.0.0.1")
    assert caught.value.headers == {"retry-after": "1"}


async def test_a_name_is_refused_everywhere_after_many_failures():
    throttle = Throttle(FakeClock())
    for number in range(100):
        await fail(throttle, "ada", f"10.0.0.{number}", 1)

    with pytest.raises(RateLimited):
        await throttle.begin("ada", "10.0.1.1")


async def test_an_address_is_refused_for_all_names_after_many_failures():
    throttle = Throttle(FakeClock())
    for number in range(50):
        await fail(throttle, f"name {number}", "10.0.0.1", 1)

    with pytest.raises(RateLimited):
        await throttle.begin("somebody", "10.0.0.1")


@pytest.mark.parametrize(
    ("address", "neighbour"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
    ],
)
async def test_who_has_many_addresses_is_one(address: str, neighbour: str):
    throttle = Throttle(FakeClock())
    await fail(throttle, "ada", address, 10)

    with pytest.raises(RateLimited):
        await throttle.begin("ada", neighbour)
    await throttle.begin("ada", "2001:db8:1:3::1")


async def test_a_success_forgets_the_failures_of_that_name_and_address():
    throttle = Throttle(FakeClock())
    await fail(throttle, "ada", "10.0.0.1", 9)
    await throttle.begin("ada", "10.0.0.1")
    await throttle.note_success("ada", "10.0.0.1")

    await fail(throttle, "ada", "10.0.0.1", 10)


async def test_successes_hold_nobody_back():
    throttle = Throttle(FakeClock())
    for number in range(200):
        await throttle.begin(f"name {number % 70}", "10.0.0.1")
        await throttle.note_success(f"name {number % 70}", "10.0.0.1")

    await throttle.begin("somebody", "10.0.0.1")


class TestManyWorkers:
    @pytest.fixture
    def two(self) -> list[Throttle]:
        """The throttles of two workers that hear one channel, their own words too."""
        workers: list[Colleagues] = []

        async def send(payloads: Sequence[str]) -> None:
            for worker in workers:
                for payload in payloads:
                    worker.apply(payload)

        workers += [Colleagues(send), Colleagues(send)]
        return [build_shared_throttle(FakeClock(), worker, "attempt") for worker in workers]

    async def test_they_allow_no_more_attempts_than_one(self, two: list[Throttle]):
        for number in range(10):
            await two[number % 2].begin("ada", "10.0.0.1")

        for throttle in two:
            with pytest.raises(RateLimited):
                await throttle.begin("ada", "10.0.0.1")

    async def test_a_success_counts_on_all(self, two: list[Throttle]):
        await fail(two[0], "ada", "10.0.0.1", 10)
        await two[0].note_success("ada", "10.0.0.1")

        await fail(two[1], "ada", "10.0.0.1", 10)

    async def test_news_of_a_newer_release_are_left_alone(self, two: list[Throttle]):
        two[0].hear('{"name":"ada"}')

        await fail(two[0], "ada", "10.0.0.1", 10)


async def test_a_name_that_everybody_shares_is_not_used_up_by_some():
    throttle = Throttle(FakeClock(), most_of_a_name=None)
    for number in range(30):
        await fail(throttle, "a terminal", f"10.0.0.{number}", 10)

    await throttle.begin("a terminal", "10.0.1.1")
    with pytest.raises(RateLimited):
        await throttle.begin("a terminal", "10.0.0.1")
