import asyncio
import os
import sys
import threading

import pytest

from gateway.http.preemption import Preemption

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the policy")


class Load:
    """A process that uses a part of a core, as its clocks tell it."""

    def __init__(self) -> None:
        self.now = self.used = 0.0
        self.policies: list[int] = []
        self.preemption = Preemption(lambda: self.used, lambda: self.now, self.policies.append)

    def use(self, *shares: float) -> list[int]:
        for share in shares:
            self.now += 0.2
            self.used += 0.2 * share
            self.preemption.look()
        return self.policies


def test_a_process_that_uses_up_a_core_is_batch_work() -> None:
    assert Load().use(0.3, 0.99, 0.99) == [os.SCHED_BATCH]


def test_a_process_that_has_time_left_wakes_at_once() -> None:
    assert Load().use(0.1, 0.5, 0.8) == []


def test_it_stays_so_until_the_load_has_clearly_gone() -> None:
    assert Load().use(0.99, 0.7, 0.65, 0.5) == [os.SCHED_BATCH, os.SCHED_OTHER]


def test_all_threads_get_the_policy_and_give_it_back() -> None:
    ready, end, found = threading.Event(), threading.Event(), list[int]()

    def live() -> None:
        ready.set()
        end.wait(10)
        found.append(os.sched_getscheduler(0))

    used = iter((0.0, 1.0, 1.0))
    now = iter((0.0, 1.0, 2.0))
    preemption = Preemption(lambda: next(used), lambda: next(now))
    thread = threading.Thread(target=live)
    thread.start()
    ready.wait(10)
    try:
        preemption.look()
        here = os.sched_getscheduler(0)
        end.set()
        thread.join(10)
    finally:
        preemption.look()
    assert (here, found) == (os.SCHED_BATCH, [os.SCHED_BATCH])
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


async def test_where_it_is_forbidden_it_is_left() -> None:
    def refuse(_policy: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    preemption = Preemption(iter(range(0, 100, 10)).__next__, iter(range(10)).__next__, refuse)
    await asyncio.wait_for(preemption.run(), 10)
