import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from gateway.db.embedded import EmbeddedPostgres
from gateway.db.engine import Database
from gateway.db.notify import MAX_PAYLOAD_BYTES, ChangeListener, notify
from gateway.db.url import ConnectionOptions, parse_database_url
from gateway.errors import ConfigError, DatabaseUnavailable

KILL_LISTENER = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = 'gatewright-listener' AND datname = current_database()
"""


class Heard:
    """What a listener was told, to be awaited with a bound."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[str] = asyncio.Queue()

    def payload(self, payload: str) -> None:
        self.events.put_nowait(payload)

    def gap(self) -> None:
        self.events.put_nowait("<gap>")

    async def next(self) -> str:
        async with asyncio.timeout(30):
            return await self.events.get()


@pytest.fixture
def options(database_url: str) -> ConnectionOptions:
    return parse_database_url(database_url)


@pytest.fixture
async def database(options: ConnectionOptions) -> AsyncIterator[Database]:
    database = Database(options)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
async def listener(options: ConnectionOptions, heard: Heard) -> AsyncIterator[ChangeListener]:
    listener = ChangeListener(options, "changes", heard.payload, heard.gap)
    await listener.start()
    yield listener
    await listener.stop()


async def send(database: Database, payload: str, channel: str = "changes") -> None:
    async with database.transaction() as connection:
        await notify(connection, channel, payload)


@pytest.mark.usefixtures("listener")
async def test_a_notification_arrives_when_its_transaction_commits(database: Database, heard: Heard) -> None:
    async with database.transaction() as connection:
        await notify(connection, "changes", "key:1")
        await connection.execute("SELECT 1")
        assert heard.events.empty()
    assert await heard.next() == "key:1"


@pytest.mark.usefixtures("listener")
async def test_nothing_is_heard_of_a_transaction_that_rolls_back(database: Database, heard: Heard) -> None:
    with pytest.raises(ZeroDivisionError):  # noqa: PT012  the block is what fails
        async with database.transaction() as connection:
            await notify(connection, "changes", "never")
            1 / 0  # noqa: B018
    await send(database, "elsewhere", channel="other")
    await send(database, "after")
    assert await heard.next() == "after"


@pytest.mark.usefixtures("listener")
async def test_payloads_are_parameters_and_not_sql(database: Database, heard: Heard) -> None:
    await send(database, "'); DROP TABLE x; --")
    assert await heard.next() == "'); DROP TABLE x; --"


async def test_a_payload_that_is_too_long_is_refused_before_it_is_sent(database: Database) -> None:
    async with database.transaction() as connection:
        with pytest.raises(ValueError, match="at most 7999 bytes"):
            await notify(connection, "changes", "ü" * MAX_PAYLOAD_BYTES)
        await notify(connection, "changes", "x" * MAX_PAYLOAD_BYTES)


async def test_a_listener_whose_backend_dies_reports_a_gap_and_goes_on(
    listener: ChangeListener, database: Database, heard: Heard
) -> None:
    for round_ in range(2):
        assert len(await database.fetch(KILL_LISTENER)) == 1
        assert await heard.next() == "<gap>"
        assert listener.is_listening
        await send(database, f"round {round_}")
        assert await heard.next() == f"round {round_}"


async def test_a_listener_outlives_a_restart_of_the_server(tmp_path: object, heard: Heard) -> None:
    with EmbeddedPostgres(tmp_path, settings={"fsync": "off"}) as server:  # type: ignore[arg-type] a Path
        options = parse_database_url(server.url)
        listener = ChangeListener(options, "changes", heard.payload, heard.gap)
        await listener.start()
        server.stop()
        async with asyncio.timeout(30):
            while listener.is_listening:  # noqa: ASYNC110  the event is inside the listener
                await asyncio.sleep(0)
        server.start()
        assert await heard.next() == "<gap>"
        await listener.stop()


async def test_a_listener_can_start_before_the_server(tmp_path: object, heard: Heard) -> None:
    server = EmbeddedPostgres(tmp_path, settings={"fsync": "off"})  # type: ignore[arg-type] a Path
    options = parse_database_url(server.start())
    server.stop()
    listener = ChangeListener(options, "changes", heard.payload, heard.gap)
    with pytest.raises(DatabaseUnavailable):
        await listener.start()
    await listener.start(require=False)
    assert not listener.is_listening
    server.start()
    assert await heard.next() == "<gap>"
    await listener.stop()
    server.stop()


async def test_a_connection_that_loses_notifications_is_refused_at_start(
    options: ConnectionOptions, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.db.notify._SELF_TEST_SECONDS", 0.05)
    listener = ChangeListener(options, "changes", heard.payload, heard.gap)

    async def listen_nowhere(connection: object, channel: str, callback: object) -> None:
        """As PgBouncer does in transaction mode: LISTEN ends with the transaction."""

    monkeypatch.setattr(asyncpg.Connection, "add_listener", listen_nowhere)
    with pytest.raises(ConfigError, match="DATABASE_DIRECT_URL"):
        await listener.start()
    assert not listener.is_listening


async def test_a_stopped_listener_is_silent_and_leaves_no_connection(
    listener: ChangeListener, database: Database, heard: Heard
) -> None:
    await listener.stop()
    await listener.stop()
    await send(database, "too late")
    async with asyncio.timeout(30):
        while await database.fetch(KILL_LISTENER):
            pass
    assert heard.events.empty()
    assert not listener.is_listening


async def test_a_silent_connection_is_asked_and_found_dead(
    listener: ChangeListener, database: Database, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "_on_termination", lambda connection: None)
    monkeypatch.setattr("gateway.db.notify._CHECK_SECONDS", 0.01)
    await listener.stop()
    await listener.start()
    await database.fetch(KILL_LISTENER)
    assert await heard.next() == "<gap>"
