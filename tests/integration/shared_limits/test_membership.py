"""Redis that forgets, freezes and dies; workers that freeze and die; and what is counted after each."""

import asyncio
import time
from collections.abc import Collection

import msgspec
import pytest
from structlog.testing import capture_logs

from gateway.admission.hold import Want
from gateway.admission.shared.names import Names
from gateway.domain import LimitKind
from gateway.errors import BudgetExceeded, RateLimited, ServiceUnavailable
from gateway.ids import new_charge_id
from tests.integration.shared_limits.conftest import QUICK, Books, Make, Worker, eventually
from tests.redis_servers import RedisServer
from tests.unit.admission.conftest import KEY, TEAM, USD, budget, caller, rate, slots

WHO = caller(budget(1_000))


async def spend(worker: Worker, cost: int) -> None:
    await worker.settle(await worker.take(WHO, cost), cost)


async def counted(worker: Worker) -> tuple[int, int]:
    """What is settled and held on the key, as Redis says; raises ServiceUnavailable where it says nothing."""
    hold = await worker.take(caller(), 0)
    is_told = hold.is_told
    await hold.release()
    if not is_told:
        raise ServiceUnavailable("Only this worker knows.")
    return worker.ledger.settled(KEY), worker.ledger.held(KEY)


async def until_counted(worker: Worker, settled: int, held: int) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                if await counted(worker) == (settled, held):
                    return
            except ServiceUnavailable:
                pass
            await asyncio.sleep(0.02)


async def epoch_after(worker: Worker, epoch: str) -> None:
    await eventually(lambda: worker.ledger._wire.epoch != epoch and worker.ledger.is_open)


async def test_a_redis_that_forgot_everything_is_told_again(
    make_worker: Make, redis_server: RedisServer, books: Books
) -> None:
    one, other = make_worker("a"), make_worker("b")
    await one.open()
    await other.open()
    await spend(one, 100)
    one.drain()
    await spend(one, 20)
    await spend(other, 3)
    held = await other.take(WHO, 50)
    epoch = one.ledger._wire.epoch
    redis_server.flush()
    await epoch_after(one, epoch)
    await epoch_after(other, epoch)
    assert await counted(one) == await counted(other) == (123, 50)
    await other.settle(held, 40)
    assert await counted(one) == (163, 0)
    assert books.totals[KEY] + one.undrained.get(KEY, 0) + other.undrained.get(KEY, 0) == 163


async def test_all_begin_together_whoever_hears_of_it_first(
    make_worker: Make, redis_server: RedisServer
) -> None:
    """One worker asks often and the other seldom: the first is ready long before the second asks again."""
    one, other = make_worker("a"), make_worker("b", timing=msgspec.structs.replace(QUICK, poll=0.5))
    await one.open()
    await other.open()
    for cost in (3, 4):
        await spend(one, cost)
        await spend(other, cost)
        epoch = one.ledger._wire.epoch
        with capture_logs() as lines:
            redis_server.flush()
            await epoch_after(one, epoch)
            await epoch_after(other, epoch)
        assert len({line["epoch"] for line in lines if line["event"] == "shared_limits_join"}) == 1
    assert await counted(one) == await counted(other) == (14, 0)


async def test_a_worker_that_is_heard_of_too_late_makes_all_begin_again(
    make_worker: Make, redis_server: RedisServer
) -> None:
    one, other = make_worker("a"), make_worker("b")
    await one.open()
    await other.open()
    await spend(one, 100)
    await spend(other, 20)
    await other.stop_beating()
    epoch = one.ledger._wire.epoch
    redis_server.flush()
    await epoch_after(one, epoch)
    assert await counted(one) == (100, 0)
    epoch = one.ledger._wire.epoch
    other.running = asyncio.create_task(other.membership.run())
    await epoch_after(other, epoch)
    await epoch_after(one, epoch)
    assert await counted(one) == await counted(other) == (120, 0)


async def test_what_a_worker_charged_before_it_was_ever_heard_of_is_counted(make_worker: Make) -> None:
    one, other = make_worker("a"), make_worker("b")
    await one.open()
    await spend(one, 100)
    part = other.ledger.plans.find(WHO, (), "m", "m")
    hold = other.ledger.adopt(part, Want(WHO, 20, (0, 0, 0), is_free=False), new_charge_id())
    await other.settle(hold, 20)
    await other.open()
    await until_counted(one, 120, 0)
    await until_counted(other, 120, 0)


async def test_who_stops_waiting_for_the_others_is_waited_for_again(
    make_worker: Make, redis_server: RedisServer
) -> None:
    """What a worker brought in does not count once it goes on charging."""
    one, other = make_worker("a"), make_worker("b")
    await one.open()
    await other.open()
    await one.stop_beating()
    await other.stop_beating()
    redis_server.flush()
    joining = asyncio.create_task(other.membership._turn())
    await eventually(lambda: redis_phases(redis_server).get(b"b") == b"flushed")
    joining.cancel()
    await asyncio.gather(joining, return_exceptions=True)
    other.undrained[KEY] = 20
    one.running = asyncio.create_task(one.membership.run())
    await eventually(lambda: one.ledger.is_open)
    other.running = asyncio.create_task(other.membership.run())
    await until_counted(one, 20, 0)
    await until_counted(other, 20, 0)


def redis_phases(redis_server: RedisServer) -> dict[bytes, bytes]:
    client = redis_server.client()
    found = client.hgetall(Names("test").phases)
    client.close()
    return found


async def test_a_request_that_ends_while_all_is_counted_anew_is_counted_once(
    make_worker: Make, redis_server: RedisServer
) -> None:
    one = make_worker("a")
    await one.open()
    await spend(one, 5)
    holds = [await one.take(WHO, 10) for _ in range(20)]
    epoch = one.ledger._wire.epoch
    redis_server.flush()

    async def end_at_some_time(number: int) -> None:
        await asyncio.sleep(number * QUICK.gathering / 10)
        await one.settle(holds[number], 7)

    await asyncio.gather(*(end_at_some_time(number) for number in range(20)))
    await epoch_after(one, epoch)
    await until_counted(one, 5 + 20 * 7, 0)


async def test_what_a_dead_worker_holds_is_settled_by_another(make_worker: Make) -> None:
    one, other = make_worker("a"), make_worker("b")
    await one.open()
    await other.open()
    who = caller(budget(1_000), slots(1))
    await one.take(who, 30)
    with pytest.raises(RateLimited):
        await other.take(who, 1)
    await one.stop_beating()
    one.ledger.holds.clear()
    await until_counted(other, 30, 0)
    assert other.membership.reaper.reaped == 1
    await other.take(who, 1)


async def test_a_worker_that_seemed_dead_and_comes_back_charges_what_it_did_cost(make_worker: Make) -> None:
    one, other = make_worker("a"), make_worker("b")
    await one.open()
    await other.open()
    hold, kept = await one.take(WHO, 30), await one.take(WHO, 5)
    await one.stop_beating()
    await until_counted(other, 35, 0)
    await one.settle(hold, 22)
    await one.settle(kept, 9)
    assert await counted(other) == (31, 0)
    await hold.settle(1, 0, 0)
    assert await counted(other) == (31, 0)


async def test_a_dead_worker_is_settled_by_what_its_journal_says(make_worker: Make) -> None:
    one, other = make_worker("a"), make_worker("b")
    await one.open()
    await other.open()
    who = caller(budget(1_000), slots(3))
    served, interrupted, unopened = [await one.take(who, 30) for _ in range(3)]
    await one.stop_beating()
    one.ledger.holds.clear()
    costs = {served.id: 22, interrupted.id: 4}

    async def find_costs(charge_ids: Collection[str]) -> tuple[dict[str, int], bool]:
        assert set(charge_ids) == {served.id, interrupted.id, unopened.id}
        return costs, True

    for _ in range(2):
        assert await other.membership.settle_holds("a", find_costs)
        await until_counted(other, 26, 0)
    for _ in range(3):
        await other.take(who, 1)


async def test_what_was_settled_for_a_dead_worker_is_corrected_by_its_journal(make_worker: Make) -> None:
    one, other = make_worker("a"), make_worker("b")
    await one.open()
    await other.open()
    served = await one.take(WHO, 30)
    await one.stop_beating()
    one.ledger.holds.clear()
    await until_counted(other, 30, 0)

    async def find_costs(_: Collection[str]) -> tuple[dict[str, int], bool]:
        return {served.id: 22}, False

    assert await other.membership.settle_holds("a", find_costs)
    await until_counted(other, 22, 0)


async def test_a_frozen_redis_is_answered_within_the_deadline(
    worker: Worker, redis_server: RedisServer
) -> None:
    await spend(worker, 5)
    redis_server.freeze()
    began = time.monotonic()
    with pytest.raises(ServiceUnavailable) as refused:
        await worker.take(WHO, 5)
    assert time.monotonic() - began < 2
    assert refused.value.headers["retry-after"] == "1"
    await eventually(lambda: not worker.link.is_trusted)
    trips = worker.link.round_trips
    began = time.monotonic()
    for _ in range(200):
        with pytest.raises(ServiceUnavailable):
            await worker.take(WHO, 5)
    assert time.monotonic() - began < 2
    assert worker.link.round_trips - trips < 10
    redis_server.thaw()
    await until_counted(worker, 5, 0)


async def test_what_ends_while_redis_is_frozen_is_counted_afterwards(
    worker: Worker, redis_server: RedisServer
) -> None:
    holds = [await worker.take(WHO, 10) for _ in range(5)]
    redis_server.freeze()
    for hold in holds:
        await worker.settle(hold, 7)
    redis_server.thaw()
    await until_counted(worker, 35, 0)


async def test_a_redis_that_dies_and_starts_empty_is_told_again(
    worker: Worker, redis_server: RedisServer
) -> None:
    await spend(worker, 11)
    held = await worker.take(WHO, 50)
    redis_server.kill()
    with pytest.raises(ServiceUnavailable):
        await worker.take(WHO, 5)
    redis_server.start()
    await until_counted(worker, 11, 50)
    await worker.settle(held, 1)
    assert await counted(worker) == (12, 0)


async def test_without_redis_an_allowance_is_all_that_a_scope_may_hold(
    make_worker: Make, redis_server: RedisServer
) -> None:
    worker = make_worker(allowance=100)
    await worker.open()
    who = caller(budget(USD), budget(USD, TEAM))
    await worker.settle(await worker.take(who, 5), 5)
    redis_server.freeze()
    admitted = [await worker.take(who, 30) for _ in range(3)]
    with pytest.raises(ServiceUnavailable):
        await worker.take(who, 30)
    admitted.append(await worker.take(who, 10))
    await worker.settle(admitted[0], 25)
    redis_server.thaw()
    await until_counted(worker, 30, 70)
    for hold in admitted[1:]:
        await worker.settle(hold, 20)
    await until_counted(worker, 90, 0)


async def test_what_is_known_to_be_spent_is_refused_without_redis_too(
    make_worker: Make, redis_server: RedisServer
) -> None:
    worker = make_worker(allowance=10_000)
    await worker.open()
    who = caller(budget(10), rate(LimitKind.REQUESTS, 5))
    await worker.settle(await worker.take(who, 10), 10)
    redis_server.freeze()
    with pytest.raises(BudgetExceeded):
        await worker.take(who, 1)


async def test_an_allowance_keeps_to_rates_as_this_worker_sees_them(
    make_worker: Make, redis_server: RedisServer
) -> None:
    worker = make_worker(allowance=10_000)
    await worker.open()
    who = caller(rate(LimitKind.REQUESTS, 3))
    await worker.take(who)
    redis_server.freeze()
    await worker.take(who)
    await worker.take(who)
    with pytest.raises(RateLimited):
        await worker.take(who)


async def test_who_has_no_limits_is_served_without_redis(worker: Worker, redis_server: RedisServer) -> None:
    await spend(worker, 5)
    redis_server.freeze()
    hold = await worker.take(caller(), 3)
    await worker.settle(hold, 2)
    redis_server.thaw()
    await until_counted(worker, 7, 0)


async def test_a_hold_of_which_nobody_knows_is_given_back(
    make_worker: Make, redis_server: RedisServer
) -> None:
    worker = make_worker()
    await worker.open()
    hold = await worker.take(WHO, 30)
    client = redis_server.client()
    (name,) = client.keys("*:h:a")
    old = "01900000-0000-7000-8000-000000000000"
    client.hset(name, old, client.hget(name, hold.id))
    client.hdel(name, hold.id)
    client.close()
    worker.ledger.holds.clear()
    await until_counted(worker, 0, 0)


async def test_a_worker_that_leaves_is_not_waited_for(make_worker: Make, redis_server: RedisServer) -> None:
    one, other = make_worker("a"), make_worker("b")
    await one.open()
    await other.open()
    await one.close()
    epoch = other.ledger._wire.epoch
    redis_server.flush()
    await epoch_after(other, epoch)
    await spend(other, 5)


async def test_random_outages_lose_and_double_nothing(
    make_worker: Make, redis_server: RedisServer, books: Books
) -> None:
    """Requests go on while Redis is emptied, frozen and killed; in the end all agree to the nano-dollar."""
    workers = [make_worker(name, allowance=USD) for name in "ab"]
    for one in workers:
        await one.open()
    is_over = asyncio.Event()
    spent = 0

    async def serve(worker: Worker, cost: int) -> None:
        nonlocal spent
        while not is_over.is_set():
            try:
                hold = await worker.take(caller(budget(USD)), cost + 3)
            except ServiceUnavailable:
                await asyncio.sleep(0.01)
                continue
            await asyncio.sleep(0.005)
            await worker.settle(hold, cost)
            spent += cost
            if spent % 7 == 0:
                worker.drain()

    serving = [asyncio.create_task(serve(worker, cost)) for worker in workers for cost in range(1, 9)]
    for trouble in (
        redis_server.flush,
        redis_server.freeze,
        redis_server.thaw,
        redis_server.kill,
        redis_server.start,
    ):
        await asyncio.sleep(0.6)
        trouble()
    await asyncio.sleep(0.6)
    is_over.set()
    await asyncio.gather(*serving)
    assert spent > 0
    await until_counted(workers[0], spent, 0)
    await until_counted(workers[1], spent, 0)
    for one in workers:
        one.drain()
    assert books.totals[KEY] == spent
