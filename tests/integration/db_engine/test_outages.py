import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from piccolo.columns import Integer
from piccolo.table import Table

from gateway.db import engine
from gateway.db.embedded import EmbeddedPostgres
from gateway.db.engine import Database
from gateway.db.url import parse_database_url
from gateway.errors import DatabaseUnavailable

KILL_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE pid <> pg_backend_pid() AND datname = current_database() AND backend_type = 'client backend'
"""


class Thing(Table, tablename="thing"):
    id = Integer(primary_key=True)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(parse_database_url(f"{database_url}&connection_limit=2&min_connections=2"))
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def killer(database_url: str) -> AsyncIterator[Database]:
    database = Database(parse_database_url(f"{database_url}&connection_limit=1"))
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(tmp_path, settings={"fsync": "off"}) as server:
        yield server


async def test_reads_survive_the_death_of_every_backend(database: Database, killer: Database) -> None:
    await killer.execute("CREATE TABLE thing (id integer PRIMARY KEY)")
    database.bind([Thing])
    for _ in range(3):
        assert len(await killer.fetch(KILL_OTHERS)) >= 1
        assert await database.fetch_value("SELECT 1") == 1
        assert len(await killer.fetch(KILL_OTHERS)) >= 1
        assert await Thing.count() == 0


async def test_a_transaction_whose_backend_dies_is_unavailable_and_frees_its_connection(
    database: Database, killer: Database
) -> None:
    for _ in range(5):
        with pytest.raises(DatabaseUnavailable):  # noqa: PT012  the block is what fails
            async with database.transaction() as connection:
                await killer.fetch(KILL_OTHERS)
                await connection.execute("SELECT 1")
        assert database.engine.current_transaction.get() is None
    assert database.pool.busy == 0
    assert await database.fetch_value("SELECT 1") == 1


async def test_a_backend_that_dies_before_commit_is_unavailable(database: Database, killer: Database) -> None:
    with pytest.raises(DatabaseUnavailable):
        async with database.transaction():
            await killer.fetch(KILL_OTHERS)
    assert database.pool.busy == 0
    assert await database.is_reachable()


async def test_a_write_is_not_sent_twice_when_its_backend_dies(database: Database, killer: Database) -> None:
    await killer.execute("CREATE SEQUENCE calls")
    await killer.execute("CREATE TABLE written (n bigint)")
    sql = "INSERT INTO written SELECT nextval('calls') FROM pg_sleep(60) RETURNING n"
    task = asyncio.create_task(database.fetch(sql))
    running = "SELECT count(*) FROM pg_stat_activity WHERE query = $1 AND state = 'active'"
    async with asyncio.timeout(30):
        while not await killer.fetch_value(running, sql):  # noqa: ASYNC110  it happens in another process
            await asyncio.sleep(0)
    async with database.count_statements() as counter:
        await killer.fetch(KILL_OTHERS)
        with pytest.raises(DatabaseUnavailable):
            await task
    assert counter.statements == []


async def test_an_open_database_outlives_a_restart_of_the_server(own_server: EmbeddedPostgres) -> None:
    database = Database(parse_database_url(own_server.url))
    await database.open()
    await database.execute("CREATE TABLE kept AS SELECT 7 AS n")
    own_server.stop()
    assert not await database.is_reachable()
    with pytest.raises(DatabaseUnavailable):
        await database.execute("SELECT 1")
    own_server.start()
    assert await database.fetch_value("SELECT n FROM kept") == 7
    await database.close()


def processes_of(server: EmbeddedPostgres) -> list[int]:
    first = server.process_id
    assert first is not None
    return [first, *map(int, Path(f"/proc/{first}/task/{first}/children").read_text().split())]


async def test_a_server_that_hangs_is_told_after_seconds_and_asked_once(
    own_server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_PROBE_SECONDS", 0.1)
    database = Database(parse_database_url(f"{own_server.url}&min_connections=3"))
    await database.open()
    processes = processes_of(own_server)
    try:
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        async with asyncio.timeout(30):
            assert not any(await asyncio.gather(*(database.is_reachable() for _ in range(5))))
        assert database.pool.busy == 1
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)
    async with asyncio.timeout(30):
        while not await database.is_reachable():
            pass
    await database.close()


async def test_a_database_opened_while_the_server_was_away_is_reached_later(
    own_server: EmbeddedPostgres,
) -> None:
    options = parse_database_url(own_server.url)
    own_server.stop()
    database = Database(options)
    await database.open(require=False)
    with pytest.raises(DatabaseUnavailable):
        await database.fetch_value("SELECT 1")
    own_server.start()
    assert await database.fetch_value("SELECT 1") == 1
    await database.close()
