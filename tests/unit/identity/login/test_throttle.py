import pytest

from gateway.errors import RateLimited
from gateway.identity.login.throttle import Throttle
from gateway.testing import FakeClock


def fail(throttle: Throttle, name: str, address: str, times: int) -> None:
    for _ in range(times):
        throttle.check(name, address)
        throttle.note_failure(name, address)


def test_a_name_is_refused_for_who_failed_and_for_nobody_else():
    throttle = Throttle(FakeClock())
    fail(throttle, "Ada", "10.0.0.1", 10)

    with pytest.raises(RateLimited) as caught:
        throttle.check(" ada ", "10.0.0.1")
    throttle.check("ada", "10.0.0.2")
    throttle.check("bob", "10.0.0.1")

    assert caught.value.headers == {"retry-after": "300"}


def test_the_window_ends_when_it_was_said_to_end():
    clock = FakeClock()
    throttle = Throttle(clock)
    fail(throttle, "ada", "10.0.0.1", 10)
    clock.advance(299.5)
    with pytest.raises(RateLimited) as caught:
        throttle.check("ada", "10.0.0.1")
    clock.advance(0.5)

    throttle.check("ada", "10.0.0.1")
    assert caught.value.headers == {"retry-after": "1"}


def test_a_name_is_refused_everywhere_after_many_failures():
    throttle = Throttle(FakeClock())
    for number in range(100):
        fail(throttle, "ada", f"10.0.0.{number}", 1)

    with pytest.raises(RateLimited):
        throttle.check("ada", "10.0.1.1")


def test_an_address_is_refused_for_all_names_after_many_failures():
    throttle = Throttle(FakeClock())
    for number in range(50):
        fail(throttle, f"name {number}", "10.0.0.1", 1)

    with pytest.raises(RateLimited):
        throttle.check("somebody", "10.0.0.1")


def test_a_success_forgets_the_failures_of_that_name_and_address():
    throttle = Throttle(FakeClock())
    fail(throttle, "ada", "10.0.0.1", 9)
    throttle.note_success("ada", "10.0.0.1")

    fail(throttle, "ada", "10.0.0.1", 9)
    throttle.check("ada", "10.0.0.1")
