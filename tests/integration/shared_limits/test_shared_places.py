"""Budgets of deployments and providers that several workers count in Redis."""

import asyncio
from collections.abc import Collection

import pytest_asyncio

from gateway.admission.hold import Want
from gateway.admission.options import LedgerOptions
from gateway.admission.places import PlaceHold
from gateway.domain import Deployment, Meter, ScopeKind
from gateway.ids import new_charge_id
from gateway.settings.budgets import BudgetSetting
from tests.integration.shared_limits.conftest import Make, Worker, eventually
from tests.redis_servers import RedisServer
from tests.unit.admission.conftest import caller

DEPLOYMENT = Deployment(id="d1", group="m", provider="openai", model="x", urls={}, budget_nanos=300)
COST = 100
PROVIDER = Meter(ScopeKind.PROVIDER, "openai", "")
PLACE = Meter(ScopeKind.DEPLOYMENT, "d1", "")


@pytest_asyncio.fixture
async def two(make_worker: Make) -> tuple[Worker, Worker]:
    """Two workers whose deployment has a budget of 300 and whose provider one of 1,000."""
    return await open_two(make_worker, LedgerOptions())


async def open_two(make_worker: Make, options: LedgerOptions) -> tuple[Worker, Worker]:
    one, other = make_worker("a", options=options), make_worker("b", options=options)
    for worker in (one, other):
        await worker.open()
        worker.ledger.places.configure({"openai": BudgetSetting(1_000)}, have_deployments=True)
    return one, other


async def enter(worker: Worker, charge_id: str = "", deployment: Deployment = DEPLOYMENT) -> PlaceHold | None:
    want = Want(caller(), COST, (0, 0, 0))
    return await worker.ledger.places.enter(deployment, want, charge_id or new_charge_id())


async def settle(worker: Worker, held: PlaceHold, nanos: int) -> None:
    """End an attempt as the pipeline does: the journal first, then Redis."""
    for money in held.moneys:
        worker.undrained[money.key] = worker.undrained.get(money.key, 0) + nanos
    await worker.ledger.places.settle(held, held.moneys, nanos)


async def test_what_one_worker_holds_and_spends_the_other_counts(two: tuple[Worker, Worker]) -> None:
    one, other = two
    first = await enter(one)
    assert first is not None
    await settle(one, first, 99)
    assert await enter(other)
    assert await enter(one)
    assert await enter(other), "299 are spent and held: one more may begin"
    assert await enter(one) is None
    assert await enter(other) is None
    assert one.ledger.settled(PROVIDER) == other.ledger.settled(PROVIDER) == 99


async def test_of_many_at_once_no_more_enter_than_the_budget_fits(two: tuple[Worker, Worker]) -> None:
    held = await asyncio.gather(*(enter(two[number % 2]) for number in range(150)))
    assert sum(one is not None for one in held) == 3


async def test_strict_is_never_over(make_worker: Make) -> None:
    two = await open_two(make_worker, LedgerOptions(is_strict=True))
    deployment = Deployment(id="d1", group="m", provider="openai", model="x", urls={}, budget_nanos=299)
    held = await asyncio.gather(*(enter(two[number % 2], deployment=deployment) for number in range(150)))
    assert sum(one is not None for one in held) == 2


async def test_what_is_given_back_elsewhere_is_noticed(two: tuple[Worker, Worker]) -> None:
    one, other = two
    held = [await enter(one) for _ in range(3)]
    assert await enter(other) is None
    assert other.ledger.places.is_spent(DEPLOYMENT)
    for hold in held:
        assert hold is not None
        await one.ledger.places.settle(hold, (), 0)
    await eventually(lambda: not other.ledger.places.is_spent(DEPLOYMENT))


async def test_an_answer_of_another_place_is_charged_where_it_came_from(two: tuple[Worker, Worker]) -> None:
    one, other = two
    held = await enter(one)
    assert held is not None
    elsewhere = Deployment(id="d2", group="m", provider="openai", model="x", urls={}, budget_nanos=50)
    charged = one.ledger.places.charged_by(held, elsewhere)
    await one.ledger.places.settle(held, charged, 60)
    await one.ledger.tell_rest()
    await other.ledger.places.refresh([DEPLOYMENT, elsewhere])
    assert other.ledger.settled(PLACE) == other.ledger.held(PLACE) == 0
    assert other.ledger.settled(PROVIDER) == 60
    assert other.ledger.places.is_spent(elsewhere)


async def test_a_redis_that_forgot_is_told_what_places_hold_and_spent(
    two: tuple[Worker, Worker], redis_server: RedisServer
) -> None:
    one, other = two
    spent, held = await enter(one), await enter(other)
    assert spent is not None
    assert held is not None
    await settle(one, spent, 150)
    epoch = one.ledger._wire.epoch
    redis_server.flush()
    await eventually(lambda: one.ledger._wire.epoch != epoch and one.ledger.is_open and other.ledger.is_open)
    await one.ledger.places.refresh([DEPLOYMENT])
    assert (one.ledger.settled(PLACE), one.ledger.held(PLACE)) == (150, COST)


async def test_what_a_dead_worker_held_of_places_is_settled_by_its_journal(
    two: tuple[Worker, Worker],
) -> None:
    one, other = two
    charge_id = new_charge_id()
    assert await enter(one, charge_id)
    await one.stop_beating()
    one.ledger.holds.clear()

    async def find_costs(charge_ids: Collection[str]) -> tuple[dict[str, int], bool]:
        assert set(charge_ids) <= {charge_id}
        return {charge_id: 22}, True

    async def is_settled() -> bool:
        await other.ledger.places.refresh([DEPLOYMENT])
        return (other.ledger.settled(PLACE), other.ledger.held(PLACE)) == (22, 0)

    async with asyncio.timeout(30):
        while not await is_settled():
            assert await other.membership.settle_holds("a", find_costs)
            await asyncio.sleep(0.02)
