"""Fixtures that start the real parts once per session: an embedded PostgreSQL, and fresh databases in it."""

import asyncio
import functools
import importlib.metadata
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import hypothesis
import pytest
import structlog

from gateway.db.embedded import EmbeddedPostgres
from gateway.db.schema.upgrade import upgrade

# Examples take as long as a busy machine lets them; that says nothing about the code. Every change is judged
# by the same examples: others, and many more of them, are for the night.
hypothesis.settings.register_profile(
    "change", deadline=None, derandomize=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.register_profile(
    "nightly", hypothesis.settings.get_profile("change"), derandomize=False, max_examples=20_000
)
hypothesis.settings.load_profile("change")


@pytest.fixture(scope="session", autouse=True)
def installed_once() -> Iterator[None]:
    """What is installed stays so while tests run; reading it takes 16 ms, thrice per configured gateway."""
    with pytest.MonkeyPatch.context() as patched:
        read = importlib.metadata.entry_points
        patched.setattr(importlib.metadata, "entry_points", functools.cache(read))
        yield


@pytest.fixture(scope="session", autouse=True)
def short_tracebacks() -> None:
    """structlog's default shows local variables, which takes seconds where one of them is a gateway."""
    console = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], console])


class DatabaseFactory:
    """Makes and drops databases of one server; a copy of a template takes some 30 ms of CPU."""

    def __init__(self, server_url: str) -> None:
        self._server_url = server_url
        self._count = 0

    def url_of(self, name: str) -> str:
        return urlunsplit(urlsplit(self._server_url)._replace(path=f"/{name}"))

    def create(self, template: str = "template0") -> str:
        return asyncio.run(self.create_async(template))

    def drop(self, name: str) -> None:
        asyncio.run(self.drop_async(name))

    async def create_async(self, template: str = "template0") -> str:
        self._count += 1
        name = f"test_{self._count}"
        # Copying by pages, as is usual, takes twice as long where nobody waits for a disk.
        await self._run(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        return name

    async def drop_async(self, name: str) -> None:
        await self._run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    async def _run(self, sql: str) -> None:
        connection = await asyncpg.connect(self._server_url)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """The one server of the session; it need not survive a power cut."""
    folder: Path = tmp_path_factory.mktemp("database")
    unsafe_and_fast = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
    with EmbeddedPostgres(folder, settings=unsafe_and_fast) as server:
        yield server


@pytest.fixture(scope="session")
def database_factory(postgres_server: EmbeddedPostgres) -> DatabaseFactory:
    return DatabaseFactory(postgres_server.url)


@pytest.fixture
def database_url(database_factory: DatabaseFactory) -> Iterator[str]:
    """The URL of a fresh, empty database."""
    name = database_factory.create()
    yield database_factory.url_of(name)
    database_factory.drop(name)


@pytest.fixture(scope="session")
def migrated_template(database_factory: DatabaseFactory) -> str:
    """The name of a database with the whole schema and no rows; copy it, do not connect to it."""
    name = database_factory.create()
    asyncio.run(upgrade(database_factory.url_of(name)))
    return name


@pytest.fixture
def migrated_database_url(database_factory: DatabaseFactory, migrated_template: str) -> Iterator[str]:
    """The URL of a fresh database with the whole schema."""
    name = database_factory.create(migrated_template)
    yield database_factory.url_of(name)
    database_factory.drop(name)
