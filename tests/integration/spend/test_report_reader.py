"""What bounds reports: in time, in number, and in what they may do."""

import asyncio

import asyncpg
import pytest

from gateway.db.engine import Database
from gateway.errors import BadRequest, ServiceUnavailable
from gateway.spend.reporting.reader_store import ReportReader


async def test_a_statement_that_takes_too_long_is_ended_and_said_so(database: Database) -> None:
    reader = ReportReader(database, seconds=0.05)
    with pytest.raises(ServiceUnavailable, match="shorter period"):
        await reader.fetch("SELECT pg_sleep(20)")
    assert (await reader.fetch("SELECT 1 AS one"))[0]["one"] == 1


async def test_the_bound_of_a_report_ends_with_it(database: Database) -> None:
    await ReportReader(database, seconds=3.0).fetch("SELECT 1")
    assert await database.fetch_value("SHOW statement_timeout") != "3s"
    assert await database.fetch_value("SHOW transaction_read_only") == "off"


async def test_a_report_cannot_write(database: Database) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await ReportReader(database).fetch('DELETE FROM "LiteLLM_SpendLogs"')


async def test_a_value_that_postgresql_cannot_take_is_the_clients(database: Database) -> None:
    for value in ("\0", "\udcff"):
        with pytest.raises(BadRequest):
            await ReportReader(database).fetch("SELECT $1::text", value)


async def test_so_many_at_a_time_so_many_wait_and_the_rest_is_refused(database: Database) -> None:
    reader = ReportReader(database, at_once=1, waiting=1)
    inside, leave = asyncio.Event(), asyncio.Event()

    async def report() -> None:
        async with reader.reading():
            inside.set()
            await leave.wait()

    first = asyncio.create_task(report())
    await asyncio.wait_for(inside.wait(), 30)
    second = asyncio.create_task(reader.fetch("SELECT 1"))
    await asyncio.sleep(0)
    with pytest.raises(ServiceUnavailable) as refusal:
        await reader.fetch("SELECT 1")
    assert refusal.value.headers["retry-after"]
    leave.set()
    await first
    assert len(await second) == 1


async def test_who_waits_too_long_is_refused_and_frees_its_place(database: Database) -> None:
    reader = ReportReader(database, at_once=1, waiting=1, seconds=0.05)
    async with reader.reading():
        for _ in range(3):
            with pytest.raises(ServiceUnavailable):
                await asyncio.create_task(reader.fetch("SELECT 1"))
    assert len(await reader.fetch("SELECT 1")) == 1
