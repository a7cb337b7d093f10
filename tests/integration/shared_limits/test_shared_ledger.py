"""The ledger in Redis does what the ledger of one process does, and several workers see one ledger."""

import asyncio

import pytest

from gateway.admission.options import LedgerOptions
from gateway.admission.shared.names import Names
from gateway.domain import LimitKind, Scope
from gateway.errors import BudgetExceeded, RateLimited
from tests.integration.shared_limits.conftest import Books, Make, Worker, eventually
from tests.redis_servers import RedisServer
from tests.unit.admission.conftest import KEY, TEAM, USD, budget, caller, rate, slots


async def test_a_request_is_one_round_trip_to_admit_and_one_to_settle(worker: Worker) -> None:
    who = caller(budget(USD), rate(LimitKind.REQUESTS, 9), rate(LimitKind.TOKENS, 99, TEAM), slots(3))
    await worker.settle(await worker.take(who, 5, (3, 1, 2)), 4, 1, 1)
    before = worker.ledger._wire.calls
    hold = await worker.take(who, 5, (3, 1, 2))
    assert worker.ledger._wire.calls == before + 1
    await worker.settle(hold, 4, 1, 1)
    assert worker.ledger._wire.calls == before + 2


async def test_requests_of_one_turn_are_admitted_together(worker: Worker) -> None:
    who = caller(budget(USD))
    await worker.settle(await worker.take(who, 5), 4)
    before = worker.ledger._wire.calls
    holds = await asyncio.gather(*(worker.take(who, 5) for _ in range(40)))
    assert worker.ledger._wire.calls == before + 1
    await asyncio.gather(*(worker.settle(hold, 4) for hold in holds))
    assert worker.ledger._wire.calls == before + 2
    assert (worker.ledger.settled(KEY), worker.ledger.held(KEY)) == (41 * 4, 0)


async def test_what_requests_of_one_turn_have_in_common_is_read_and_written_once(
    worker: Worker, redis_server: RedisServer
) -> None:
    who = caller(
        budget(USD),
        rate(LimitKind.REQUESTS, 99),
        rate(LimitKind.TOKENS, 999, TEAM),
        slots(99),
        budget(USD, TEAM),
    )
    await worker.settle(await worker.take(who, 5, (3, 1, 2)), 4, 1, 1)
    before = _commands(redis_server)
    holds = await asyncio.gather(*(worker.take(who, 5, (3, 1, 2)) for _ in range(40)))
    await asyncio.gather(*(worker.settle(hold, 4, 1, 1) for hold in holds))
    after = _commands(redis_server)
    # Each call: the holds, two moneys, and the windows; a settlement has no request to correct.
    assert after["hmget"] - before["hmget"] == (1 + 2 + 2) + (1 + 2 + 1)
    # To hold: two moneys, two windows; to settle: what was settled and held of two moneys, one window.
    assert after["hincrby"] - before["hincrby"] == 4 + 5
    assert after["incrby"] - before["incrby"] == 2
    assert (worker.ledger.settled(TEAM), worker.ledger.held(TEAM)) == (41 * 4, 0)


async def test_more_than_a_double_can_count_is_counted_exactly(
    worker: Worker, books: Books, redis_server: RedisServer
) -> None:
    books.totals[KEY] = 2**53 + 1
    await worker.settle(await worker.take(caller(), 5), 4)
    books.adjust("refund-1", KEY, -(2**53) - 3)
    books.adjust("refund-2", KEY, 2**53 + 3)
    await worker.membership._seeds.adjust([KEY])
    client = redis_server.client()
    assert client.hget(Names("test").money(worker.ledger._wire.epoch, KEY), "s") == b"%d" % (2**53 + 5)
    client.close()


async def test_a_counter_that_redis_lost_is_read_anew_from_the_database(
    worker: Worker, books: Books, redis_server: RedisServer
) -> None:
    books.totals[KEY] = 60
    hold = await worker.take(caller(), 5)
    client = redis_server.client()
    client.delete(Names("test").money(worker.ledger._wire.epoch, KEY))
    client.close()
    await worker.settle(hold, 4)
    worker.drain()
    await worker.take(caller(), 1)
    assert (worker.ledger.settled(KEY), worker.ledger.held(KEY)) == (64, 1)


async def test_one_step_takes_everything_or_nothing(worker: Worker) -> None:
    limits = (budget(100), rate(LimitKind.REQUESTS, 5), rate(LimitKind.TOKENS, 50), slots(1))
    held = await worker.take(caller(*limits), 10, (5, 2, 3))
    with pytest.raises(RateLimited):
        await worker.take(caller(*limits), 10, (5, 2, 3))
    with pytest.raises(BudgetExceeded):
        await worker.take(caller(*limits, budget(0, TEAM)), 10)
    await held.settle(95, 1, 1)
    found = await worker.take(caller(*limits), 1, (1, 1, 0))
    assert (worker.ledger.settled(KEY), worker.ledger.held(KEY), worker.ledger.settled(TEAM)) == (95, 1, 95)
    headers = dict(found.headers())
    assert headers["x-ratelimit-api_key-remaining-requests"] == "3"
    assert headers["x-ratelimit-api_key-remaining-tokens"] == "47"
    assert headers["x-litellm-key-spend"] == "9.5e-08"


async def test_a_refusal_says_what_one_process_would_say(worker: Worker) -> None:
    who = caller(rate(LimitKind.REQUESTS, 1))
    await worker.take(who)
    with pytest.raises(RateLimited) as refused:
        await worker.take(who)
    assert 58 <= int(refused.value.headers["retry-after"]) <= 60
    with pytest.raises(BudgetExceeded) as spent:
        await worker.take(caller(budget(0)))
    assert spent.value.details["scope"] == "key"


async def test_two_workers_share_one_budget(make_worker: Make) -> None:
    workers = make_worker("a"), make_worker("b")
    for one in workers:
        await one.open()
    who = caller(budget(30))
    results = await asyncio.gather(
        *(workers[number % 2].take(who, 10) for number in range(100)), return_exceptions=True
    )
    admitted = [result for result in results if not isinstance(result, BaseException)]
    assert len(admitted) == 3
    assert {type(one) for one in results if isinstance(one, BaseException)} == {BudgetExceeded}


async def test_strict_never_goes_over_on_two_workers(make_worker: Make) -> None:
    workers = [make_worker(name, options=LedgerOptions(is_strict=True)) for name in "ab"]
    for one in workers:
        await one.open()
    who = caller(budget(100))

    async def serve(number: int) -> int:
        worker = workers[number % 2]
        try:
            hold = await worker.take(who, 9)
        except BudgetExceeded:
            return 0
        await worker.settle(hold, 7)
        return 7

    spent = sum(await asyncio.gather(*(serve(number) for number in range(200))))
    assert 77 <= spent <= 100


async def test_a_budget_that_fits_all_holds_refuses_none(make_worker: Make) -> None:
    workers = make_worker("a"), make_worker("b")
    for one in workers:
        await one.open()
    who = caller(budget(1_500 * 7), budget(1_500 * 7, TEAM))

    async def serve(number: int) -> None:
        worker = workers[number % 2]
        await worker.settle(await worker.take(who, 7), 7)

    for number in range(500):
        await serve(number)
    await asyncio.gather(*(serve(number) for number in range(1_000)))
    with pytest.raises(BudgetExceeded):
        await workers[0].take(who)
    assert workers[0].ledger.settled(KEY) == workers[0].ledger.settled(TEAM) == 10_500


async def test_what_the_database_says_is_read_once_for_all(make_worker: Make, books: Books) -> None:
    books.totals = {KEY: 70, TEAM: 20}
    workers = make_worker("a"), make_worker("b")
    for one in workers:
        await one.open()
    first = await workers[0].take(caller(budget(100)), 10)
    second = await workers[1].take(caller(budget(100)), 10)
    assert books.reads == 1
    assert (workers[1].ledger.settled(KEY), workers[1].ledger.held(KEY)) == (70, 20)
    await workers[0].settle(first, 10)
    await workers[1].settle(second, 20)
    with pytest.raises(BudgetExceeded):
        await workers[0].take(caller(budget(100)))


async def test_tokens_are_corrected_in_the_window_in_which_they_were_taken(worker: Worker) -> None:
    who = caller(rate(LimitKind.TOKENS, 100, window_seconds=1))
    late = await worker.take(who, 0, (60, 30, 30))
    await asyncio.sleep(1.05)  # The server's clock cannot be turned.
    await (await worker.take(who, 0, (10, 5, 5))).settle(0, 50, 49)
    await late.settle(0, 500, 500)
    await worker.take(who)


async def test_a_slot_and_a_request_come_back_with_a_release(worker: Worker) -> None:
    who = caller(rate(LimitKind.REQUESTS, 1), rate(LimitKind.TOKENS, 5), slots(1), budget(50))
    hold = await worker.take(who, 10, (5, 2, 3))
    await hold.release()
    assert (worker.ledger.settled(KEY), worker.ledger.held(KEY)) == (0, 0)
    hold = await worker.take(who, 10, (1, 1, 0))
    await hold.settle(1, 0, 0)
    await hold.settle(1, 0, 0)
    await hold.release()
    assert (worker.ledger.settled(KEY), worker.ledger.held(KEY)) == (1, 0)


async def test_a_hold_is_extended_where_it_fits(worker: Worker) -> None:
    hold = await worker.take(caller(budget(100), budget(50, TEAM)), 10)
    assert not await hold.extend(41)
    assert await hold.extend(40)
    await worker.settle(hold, 7)
    assert (worker.ledger.settled(KEY), worker.ledger.held(KEY)) == (7, 0)
    assert (worker.ledger.settled(TEAM), worker.ledger.held(TEAM)) == (7, 0)


async def test_a_request_that_is_cancelled_while_it_is_admitted_holds_nothing(
    worker: Worker, redis_server: RedisServer
) -> None:
    who = caller(slots(1), budget(50))
    await (await worker.take(who, 10)).release()
    task = asyncio.create_task(worker.take(who, 10))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    async def is_free() -> bool:
        try:
            await (await worker.take(who, 10)).release()
        except RateLimited:
            return False
        return True

    async with asyncio.timeout(30):
        while not await is_free():  # noqa: ASYNC110  there is no event to wait on
            await asyncio.sleep(0.01)


async def test_an_adjustment_is_applied_once_however_many_workers_hear_of_it(
    make_worker: Make, books: Books
) -> None:
    workers = make_worker("a"), make_worker("b")
    for one in workers:
        await one.open()
    who = caller(budget(100))
    await workers[0].settle(await workers[0].take(who, 10), 100)
    workers[0].drain()
    with pytest.raises(BudgetExceeded):
        await workers[1].take(who, 10)
    books.adjust("reset-1", KEY, -100)
    for one in (*workers, *workers):
        one.membership.note_change([KEY])

    async def settled() -> int:
        hold = await workers[1].take(caller(), 0)
        await hold.release()
        return workers[1].ledger.settled(KEY)

    async with asyncio.timeout(30):
        while await settled() != 0:  # noqa: ASYNC110  there is no event to wait on
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    assert await settled() == 0
    await workers[0].take(who, 10)


async def test_an_adjustment_that_was_announced_before_anybody_counted_is_not_lost_or_doubled(
    worker: Worker, books: Books
) -> None:
    books.totals[KEY] = 100
    stale = await books.read([KEY])
    books.adjust("reset-1", KEY, -100)
    await worker.membership._seeds.adjust([KEY])
    # A seed that was read before the reset, and comes after its announcement.
    books.totals[KEY], kept = stale[KEY].nanos, books.adjustments
    books.adjustments = []
    await worker.membership._seeds.sow([KEY])
    books.totals[KEY], books.adjustments = 0, kept
    await (await worker.take(caller())).release()
    assert worker.ledger.settled(KEY) == 0
    await worker.membership._seeds.adjust([KEY])
    await (await worker.take(caller())).release()
    assert worker.ledger.settled(KEY) == 0


async def test_a_seed_that_contains_an_adjustment_is_not_adjusted_again(worker: Worker, books: Books) -> None:
    books.totals[KEY] = 100
    books.adjust("reset-1", KEY, -60)
    await (await worker.take(caller())).release()
    await worker.membership._seeds.adjust(None)
    await (await worker.take(caller())).release()
    assert worker.ledger.settled(KEY) == 40


async def test_other_scopes_do_not_matter(worker: Worker) -> None:
    assert await _settled_after_one(worker, TEAM) == 3


def _commands(redis_server: RedisServer) -> dict[str, int]:
    """How often the server ran each command so far, those of scripts included."""
    client = redis_server.client()
    found = client.info("commandstats")
    client.close()
    return {name.removeprefix("cmdstat_"): told["calls"] for name, told in found.items()}


async def _settled_after_one(worker: Worker, scope: Scope) -> int:
    await worker.settle(await worker.take(caller(), 5), 3)
    await eventually(lambda: not worker.ledger.holds)
    return worker.ledger.settled(scope)
