import asyncio
from collections.abc import AsyncIterator

import asyncpg
import msgspec
import pytest
from piccolo.columns import Integer, Text
from piccolo.table import Table

from gateway.db.engine import Database
from gateway.db.failures import is_repeatable
from gateway.db.url import parse_database_url
from gateway.errors import DatabaseUnavailable, TransactionConflict


class Note(Table, tablename="note"):
    id = Integer(primary_key=True)
    body = Text()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    options = parse_database_url(f"{database_url}&connection_limit=3&pool_timeout=0.2")
    database = Database(options)
    await database.open()
    await database.execute("CREATE TABLE note (id integer PRIMARY KEY, body text)")
    database.bind([Note])
    yield database
    await database.close()


async def test_rows_values_and_statuses_come_back(database: Database) -> None:
    assert await database.execute("INSERT INTO note VALUES ($1, $2), (2, 'b')", 1, "a") == "INSERT 0 2"
    rows = await database.fetch("SELECT id, body FROM note ORDER BY id")
    assert [tuple(row) for row in rows] == [(1, "a"), (2, "b")]
    row = await database.fetch_row("SELECT * FROM note WHERE id = $1", 2)
    assert row is not None
    assert row["body"] == "b"
    assert await database.fetch_row("SELECT * FROM note WHERE id = 3") is None
    assert await database.fetch_value("SELECT count(*) FROM note") == 2


async def test_sessions_are_in_utc_with_timeouts_and_without_jit(database: Database) -> None:
    rows = await database.fetch(
        "SELECT name, setting FROM pg_settings WHERE name = ANY($1)",
        ["TimeZone", "application_name", "statement_timeout", "idle_in_transaction_session_timeout", "jit"],
    )
    assert dict(tuple(row) for row in rows) == {
        "TimeZone": "UTC",
        "application_name": "gatewright",
        "statement_timeout": "30000",
        "idle_in_transaction_session_timeout": "60000",
        "jit": "off",
    }


async def test_a_transaction_keeps_all_or_nothing(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):  # noqa: PT012  the block is what fails
        async with database.transaction() as connection:
            await connection.execute("INSERT INTO note VALUES (1, 'a')")
            1 / 0  # noqa: B018
    async with database.transaction() as connection:
        await connection.execute("INSERT INTO note VALUES (2, 'b')")
    assert await database.fetch_value("SELECT array_agg(id) FROM note") == [2]


async def test_a_transaction_inside_another_is_a_savepoint(database: Database) -> None:
    async with database.transaction():
        await database.execute("INSERT INTO note VALUES (1, 'a')")
        with pytest.raises(asyncpg.UniqueViolationError):
            async with database.transaction() as inner:
                await inner.execute("INSERT INTO note VALUES (1, 'again')")
        await database.execute("INSERT INTO note VALUES (2, 'b')")
    assert await database.fetch_value("SELECT count(*) FROM note") == 2


async def test_piccolo_and_raw_sql_share_a_transaction(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):  # noqa: PT012  the block is what fails
        async with database.transaction():
            await Note.insert(Note(id=1, body="a"))
            assert await database.fetch_value("SELECT count(*) FROM note") == 1
            1 / 0  # noqa: B018
    assert await Note.count() == 0
    async with database.engine.transaction():
        await Note.insert(Note(id=1, body="a"))
        await database.execute("UPDATE note SET body = 'b'")
    assert (await Note.select(Note.body).first()) == {"body": "b"}


async def test_a_task_started_inside_a_transaction_does_not_run_in_it(database: Database) -> None:
    async with database.transaction():
        await database.execute("INSERT INTO note VALUES (1, 'a')")
        seen = await asyncio.gather(
            asyncio.create_task(database.fetch_value("SELECT count(*) FROM note")), Note.count().run()
        )
    assert seen == [0, 0]


async def test_a_commit_that_fails_gives_its_connection_back(database: Database) -> None:
    await database.execute("CREATE TABLE child (note integer REFERENCES note DEFERRABLE INITIALLY DEFERRED)")
    for _ in range(5):
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            async with database.transaction() as connection:
                await connection.execute("INSERT INTO child VALUES (99)")
    assert database.pool.busy == 0
    assert database.engine.current_transaction.get() is None
    async with database.transaction() as connection:
        assert connection.is_in_transaction()


async def test_a_transaction_that_is_cancelled_is_rolled_back(database: Database) -> None:
    started = asyncio.Event()

    async def write() -> None:
        async with database.transaction() as connection:
            await connection.execute("INSERT INTO note VALUES (1, 'a')")
            started.set()
            await connection.execute("SELECT pg_sleep(60)")

    task = asyncio.create_task(write())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert database.pool.busy == 0
    assert await database.fetch_value("SELECT count(*) FROM note") == 0


async def test_an_exhausted_pool_is_unavailable_after_its_timeout(database: Database) -> None:
    async with database.acquire(), database.acquire(), database.acquire():
        with pytest.raises(DatabaseUnavailable):
            await database.fetch_value("SELECT 1")
        with pytest.raises(DatabaseUnavailable):
            await Note.count()
        with pytest.raises(DatabaseUnavailable):
            async with database.transaction():
                pytest.fail("there is no connection for it")
    assert await database.fetch_value("SELECT 1") == 1


async def test_a_slow_statement_is_unavailable_and_frees_its_connection(database_url: str) -> None:
    options = parse_database_url(f"{database_url}&statement_timeout=20")
    database = Database(options)
    await database.open()
    with pytest.raises(DatabaseUnavailable, match="too long"):
        await database.execute("SELECT pg_sleep(60)")
    await database.close()
    database = Database(
        msgspec.structs.replace(options, command_timeout_seconds=0.02, statement_timeout_seconds=None)
    )
    await database.open()
    with pytest.raises(DatabaseUnavailable, match="too long"):
        await database.fetch("SELECT pg_sleep(60)")
    assert database.pool.busy == 0
    await database.close()


async def test_errors_of_a_statement_stay_what_they_are(database: Database) -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        await database.fetch("SELECT * FROM missing")
    with pytest.raises(asyncpg.InterfaceError, match="expects 1 argument"):
        await database.fetch("SELECT $1::int")
    with pytest.raises(asyncpg.DataError):
        await database.fetch("SELECT $1::int", "text")


async def test_a_timeout_of_the_callers_own_passes_through(database: Database) -> None:
    with pytest.raises(TimeoutError):  # noqa: PT012  the block is what fails
        async with database.transaction():
            async with asyncio.timeout(0):
                await asyncio.Event().wait()


async def test_statements_are_counted_without_transaction_control(database: Database) -> None:
    async with database.count_statements() as counter:
        async with database.transaction() as connection:
            await connection.execute("INSERT INTO note VALUES (1, 'a')")
        await Note.count()
        await database.fetch("SELECT 1")
    assert len(counter) == 3
    assert counter.statements[0].startswith("INSERT")
    await database.fetch("SELECT 2")
    assert len(counter) == 3


async def test_one_read_is_one_statement(database: Database) -> None:
    async with database.count_statements() as counter:
        await database.fetch_value("SELECT 1")
        await database.fetch_value("SELECT 1")
    assert counter.statements == ["SELECT 1", "SELECT 1"]


async def test_two_databases_do_not_notice_each_other(database: Database, database_url: str) -> None:
    other = Database(parse_database_url(database_url))
    await other.open()
    async with database.transaction():
        await database.execute("INSERT INTO note VALUES (1, 'a')")
        assert await other.fetch_value("SELECT count(*) FROM note") == 0
    await other.close()
    assert await database.is_reachable()


async def test_a_closed_database_says_so_and_closes_twice(database: Database) -> None:
    await database.close()
    await database.close()
    with pytest.raises(DatabaseUnavailable, match="not open"):
        await database.fetch("SELECT 1")
    assert not await database.is_reachable()


async def test_closing_does_not_wait_for_ever_for_a_borrower(database: Database) -> None:
    with pytest.raises(DatabaseUnavailable):  # noqa: PT012  the block is what fails
        async with database.acquire() as connection:
            await database.close(timeout_seconds=0.01)
            await connection.execute("SELECT 1")


async def test_open_fails_when_the_server_is_away_unless_it_may_come_later(tmp_path: object) -> None:
    database = Database(parse_database_url(f"postgresql://llm@/x?host={tmp_path}"))
    with pytest.raises(DatabaseUnavailable):
        await database.open()
    await database.open(require=False)
    assert not await database.is_reachable()
    await database.close()


async def test_a_database_that_does_not_exist_is_unavailable(database_url: str) -> None:
    database = Database(parse_database_url(database_url.replace("/test_", "/missing_")))
    with pytest.raises(DatabaseUnavailable):
        await database.open()


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1", True),
        ("\n  with a as (select 1) select * from a", True),
        ("WITH a AS (DELETE FROM note RETURNING *) SELECT * FROM a", False),
        ("INSERT INTO note VALUES (1) RETURNING id", False),
        ("SELECTED", False),
        ("COMMIT", False),
    ],
)
def test_only_reads_are_sent_again(sql: str, expected: object) -> None:
    assert is_repeatable(sql) is expected


async def lose(database: Database) -> None:
    with pytest.raises(TransactionConflict) as raised:
        async with database.transaction() as connection:
            await connection.execute("DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '40P01'; END $$")
    assert (raised.value.status, raised.value.headers["retry-after"]) == (503, "1")
    assert database.pool.busy == 0


async def test_an_attempt_that_lost_may_be_repeated_while_nothing_is_committed(database: Database) -> None:
    with database.attempts.watch() as attempt:
        await database.fetch_value("SELECT count(*) FROM note")
        assert not attempt.may_repeat
        await lose(database)
        assert attempt.may_repeat
    await database.execute("INSERT INTO note VALUES (1, 'a')")
    assert attempt.may_repeat


@pytest.mark.parametrize("way", ["execute", "fetch", "transaction", "piccolo"])
async def test_an_attempt_that_changed_something_is_not_repeated(database: Database, way: str) -> None:
    with database.attempts.watch() as attempt:
        await lose(database)
        if way == "execute":
            await database.execute("INSERT INTO note VALUES (1, 'a')")
        elif way == "fetch":
            await database.fetch_row("INSERT INTO note VALUES (1, 'a') RETURNING id")
        elif way == "piccolo":
            await Note.insert(Note(id=1, body="a"))
        else:
            async with database.transaction():
                await database.execute("INSERT INTO note VALUES (1, 'a')")
        assert attempt.has_lost
        assert not attempt.may_repeat
