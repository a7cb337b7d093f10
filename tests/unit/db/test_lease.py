import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.db.engine import Database
from gateway.db.lease import Lease, LeaseLostError
from gateway.db.url import parse_database_url

EXPIRE = "UPDATE gatewright.lease SET expires_at = now() - interval '1 second'"


@pytest.fixture
async def database(migrated_database_url: str) -> AsyncIterator[Database]:
    database = Database(parse_database_url(migrated_database_url))
    await database.open()
    yield database
    await database.close()


async def test_only_one_of_many_gets_the_lease(database: Database) -> None:
    leases = [Lease(database, "job", f"worker-{number}") for number in range(8)]

    taken = await asyncio.gather(*(lease.acquire() for lease in leases))

    assert sum(taken) == 1


async def test_renewing_keeps_the_token_and_taking_over_changes_it(database: Database) -> None:
    one, two = Lease(database, "job", "one"), Lease(database, "job", "two")
    assert await one.acquire()
    assert await one.acquire()
    assert one.token == 1
    await database.execute(EXPIRE)

    assert await two.acquire()
    assert two.token == 2
    assert not await one.acquire()


async def test_a_lease_that_ran_out_gets_a_new_token_from_its_former_holder_too(database: Database) -> None:
    one = Lease(database, "job", "one")
    await one.acquire()
    await database.execute(EXPIRE)

    assert await one.acquire()
    assert one.token == 2


async def test_a_transaction_of_the_former_holder_is_refused(database: Database) -> None:
    one, two = Lease(database, "job", "one"), Lease(database, "job", "two")
    await one.acquire()
    await database.execute(EXPIRE)
    await two.acquire()

    with pytest.raises(LeaseLostError):
        async with database.transaction() as connection:
            await one.fence(connection)
    assert not one.is_held


async def test_a_successor_waits_for_a_transaction_that_is_under_way(database: Database) -> None:
    one, two = Lease(database, "job", "one", seconds=0.001), Lease(database, "job", "two")
    await one.acquire()
    order: list[str] = []

    async def take_over() -> None:
        while not await two.acquire():  # noqa: ASYNC110  a database sets no event
            await asyncio.sleep(0)
        order.append("two has it")

    async with asyncio.timeout(30), database.transaction() as connection:
        one_is_inside = Lease(database, "job", "one", seconds=30)
        one_is_inside.token = one.token
        await one_is_inside.fence(connection)
        # Within the transaction only: for everybody else the lease has run out.
        await connection.execute(EXPIRE)
        waiter = asyncio.create_task(take_over())
        while not await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):  # noqa: ASYNC110  a database sets no event
            await asyncio.sleep(0)
        order.append("one is done")
    async with asyncio.timeout(30):
        await waiter

    assert order == ["one is done", "two has it"]


async def test_a_holder_that_freezes_within_a_transaction_is_cut_off(database: Database) -> None:
    one, two = Lease(database, "job", "one", seconds=0.05), Lease(database, "job", "two", seconds=30)
    await one.acquire()

    async def take_over() -> None:
        while not await two.acquire():  # noqa: ASYNC110  a database sets no event
            await asyncio.sleep(0.01)

    async def freeze() -> None:
        async with database.transaction() as connection:
            await one.fence(connection)
            await connection.execute(EXPIRE)
            await asyncio.create_task(take_over())
            await connection.execute("SELECT 1")

    async with asyncio.timeout(20):
        with pytest.raises(Exception, match=r"idle|closed|reach"):
            await freeze()
    assert two.token == 2


async def test_the_contracts_table_says_who_holds_what(database: Database) -> None:
    lease = Lease(database, "job", "one")
    await lease.acquire()
    lasts = "ttl > now() AT TIME ZONE 'UTC' + interval '1 s'"
    sql = f'SELECT pod_id, status::text, {lasts} AS lasts FROM "LiteLLM_CronJob"'
    held = await database.fetch_row(sql)
    await lease.release()
    given_back = await database.fetch_row(sql)

    assert held is not None
    assert given_back is not None
    assert tuple(held) == ("one", "ACTIVE", True)
    assert tuple(given_back) == ("one", "INACTIVE", False)


async def test_a_lease_given_back_can_be_taken_at_once(database: Database) -> None:
    one, two = Lease(database, "job", "one"), Lease(database, "job", "two")
    await one.acquire()
    await one.release()

    assert await two.acquire()
