import asyncio

import pytest

from gateway.admission.slow_bodies import SlowBodies
from gateway.errors import BodyTooSlow
from gateway.testing import FakeClock

SECOND = 1_000_000_000


async def test_a_body_in_time_is_returned():
    async def body() -> bytes:
        return b"{}"

    clock = FakeClock()
    bodies = SlowBodies(clock)
    assert await bodies.read(body(), clock.monotonic_nanos(), 5.0) == b"{}"
    clock.advance(seconds=10)
    bodies.check()


async def test_a_body_that_does_not_come_is_ended_and_a_later_one_waits_on():
    clock, never = FakeClock(), asyncio.get_running_loop().create_future()
    bodies = SlowBodies(clock)
    early = asyncio.create_task(bodies.read(asyncio.shield(never), clock.monotonic_nanos(), 5.0))
    await asyncio.sleep(0)
    clock.advance(seconds=4)
    late = asyncio.create_task(bodies.read(asyncio.shield(never), clock.monotonic_nanos(), 5.0))
    await asyncio.sleep(0)
    bodies.check()
    await asyncio.sleep(0)
    assert not early.done()
    clock.advance(seconds=1)
    bodies.check()
    bodies.check()
    with pytest.raises(BodyTooSlow, match="within 5 seconds") as caught:
        await early
    assert (caught.value.status, caught.value.param) == (408, "body")
    assert not late.done()
    never.set_result(b"x")
    assert await late == b"x"


async def test_the_timer_of_all_looks_by_itself():
    clock = FakeClock()
    bodies = SlowBodies(clock)
    never = asyncio.get_running_loop().create_future()
    reading = asyncio.create_task(bodies.read(never, clock.monotonic_nanos(), 0.02))
    await asyncio.sleep(0)
    clock.advance(seconds=1)
    with pytest.raises(BodyTooSlow):
        await asyncio.wait_for(reading, 30)


async def test_a_cancellation_from_outside_stays_one():
    clock = FakeClock()
    bodies = SlowBodies(clock)
    never = asyncio.get_running_loop().create_future()
    reading = asyncio.create_task(bodies.read(never, clock.monotonic_nanos(), 5.0))
    await asyncio.sleep(0)
    clock.advance(seconds=5)
    bodies.check()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
