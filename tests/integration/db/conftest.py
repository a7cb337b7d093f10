"""Databases as LiteLLM's own migrations leave them, made once per session and copied for each test."""

import asyncio
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

import asyncpg
import pytest

from gateway.db.schema.catalog import Catalog
from gateway.db.schema.connection import open_connection
from gateway.db.schema.generate import apply_migrations, list_migrations
from gateway.db.schema.reader import read_catalog
from gateway.db.schema.upgrade import upgrade

BASELINE = "20260602"
OLDER_SEED = "20250620"
NEWEST = "9"
CURRENT = "ours"

# One expression per column type; equal texts for row i everywhere make the foreign keys agree.
EXPRESSIONS = {
    "text": "'row-' || i",
    "text[]": "ARRAY['a', 'row-' || i]",
    "jsonb": "jsonb_build_object('n', i)",
    "boolean": "i % 2 = 0",
    "integer": "i",
    "bigint": "i",
    "double precision": "i + 0.125",
    "timestamp(3) without time zone": "'2026-01-02 03:04:05.678'::timestamp + i * interval '1 day'",
    "timestamp with time zone": "'2026-01-02 03:04:05.678+00'::timestamptz + i * interval '1 day'",
    '"JobStatus"': "'ACTIVE'::\"JobStatus\"",
    "bytea": "'\\x00ff'::bytea",
}


class LitellmDatabases:
    """Copies of databases to which LiteLLM's migrations were applied up to a point."""

    def __init__(self, factory) -> None:
        self._factory = factory
        self._templates: dict[str, str] = {}

    def copy(self, before: str) -> tuple[str, str]:
        """Name and URL of a copy of what the folders sorting before this name leave, or of ours."""
        if before not in self._templates:
            name = self._factory.create()
            url = self._factory.url_of(name)
            asyncio.run(upgrade(url) if before == CURRENT else self._migrate(url, before))
            self._templates[before] = name
        name = self._factory.create(template=self._templates[before])
        return name, self._factory.url_of(name)

    def drop(self, name: str) -> None:
        self._factory.drop(name)

    async def _migrate(self, url: str, before: str) -> None:
        async with open_connection(url) as connection:
            await apply_migrations(connection, [path for path in _migrations() if path.name < before])


def _migrations() -> list[Path]:
    return list_migrations(Path(str(resources.files("litellm_proxy_extras"))) / "migrations")


@pytest.fixture(scope="session")
def litellm_migrations() -> list[Path]:
    """LiteLLM's migration folders in order."""
    return _migrations()


@pytest.fixture(scope="session")
def litellm_databases(database_factory) -> LitellmDatabases:
    return LitellmDatabases(database_factory)


def _copy(databases: LitellmDatabases, before: str) -> Iterator[str]:
    name, url = databases.copy(before)
    yield url
    databases.drop(name)


@pytest.fixture
def current_url(litellm_databases: LitellmDatabases) -> Iterator[str]:
    """A database that the gateway made."""
    yield from _copy(litellm_databases, CURRENT)


@pytest.fixture
def older_url(litellm_databases: LitellmDatabases) -> Iterator[str]:
    """A database of mid-2025, as of the older seed schema."""
    yield from _copy(litellm_databases, OLDER_SEED)


@pytest.fixture
def base_url(litellm_databases: LitellmDatabases) -> Iterator[str]:
    """A database of the prescribed schema."""
    yield from _copy(litellm_databases, BASELINE)


@pytest.fixture
def newest_url(litellm_databases: LitellmDatabases) -> Iterator[str]:
    """A database of the newest LiteLLM migrations that are installed."""
    yield from _copy(litellm_databases, NEWEST)


AGES = (
    pytest.param(OLDER_SEED, id="older"),
    pytest.param(BASELINE, id="base", marks=pytest.mark.slow),
    pytest.param(NEWEST, id="newest"),
)


@pytest.fixture(params=AGES)
def litellm_url(request: pytest.FixtureRequest, litellm_databases: LitellmDatabases) -> Iterator[str]:
    """A database of each age in turn."""
    yield from _copy(litellm_databases, request.param)


async def _fill(url: str, rows: int = 3) -> Catalog:
    async with open_connection(url) as connection:
        catalog = await read_catalog(connection)
        # Tables come in any order; the keys agree once all are filled.
        await connection.execute("SET session_replication_role = replica")
        for table in catalog.tables:
            names = ", ".join(f'"{column.name}"' for column in table.columns)
            values = ", ".join(EXPRESSIONS[column.type] for column in table.columns)
            await connection.execute(
                f'INSERT INTO "{table.name}" ({names}) SELECT {values} FROM generate_series(1, {rows}) i'
            )
        return catalog


async def _checksums(url: str, catalog: Catalog) -> dict[str, str]:
    found: dict[str, str] = {}
    async with open_connection(url) as connection:
        for table in catalog.tables:
            row = "ROW(" + ", ".join(f't."{column.name}"' for column in table.columns) + ")::text"
            sql = f'SELECT count(*) || md5(string_agg({row}, chr(10) ORDER BY {row})) FROM "{table.name}" t'
            found[table.name] = await connection.fetchval(sql)
    return found


@pytest.fixture
def fill() -> Callable:
    """`await fill(url, rows=3)`: rows in every LiteLLM table; returns the catalog that was filled."""
    return _fill


@pytest.fixture
def checksums() -> Callable:
    """`await checksums(url, catalog)`: per table the count and the MD5 over the catalog's columns."""
    return _checksums


@pytest.fixture
def execute() -> Callable:
    """`await execute(url, sql)` on a connection of its own."""

    async def run(url: str, sql: str) -> None:
        async with open_connection(url) as connection:
            await connection.execute(sql)

    return run


@pytest.fixture
def read() -> Callable:
    """`await read(url)`: the live catalog."""

    async def run(url: str) -> Catalog:
        async with open_connection(url) as connection:
            return await read_catalog(connection)

    return run


@pytest.fixture
def fetchval() -> Callable:
    """`await fetchval(url, sql, *args)` on a connection of its own."""

    async def run(url: str, sql: str, *args: object) -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(sql, *args)
        finally:
            await connection.close()

    return run
