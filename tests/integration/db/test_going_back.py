"""LiteLLM's own migrations still apply to a database that the gateway made, adopted and used."""

import re
from pathlib import Path

import asyncpg
import pytest

from gateway.db.schema.connection import open_connection
from gateway.db.schema.plan import SchemaState
from gateway.db.schema.status import read_status
from gateway.db.schema.upgrade import upgrade

BASELINE = "20260602"
OLDER_SEED = "20250620"
NOT_OURS = "20260520120000_add_mcp_env_vars"

# LiteLLM's deploy step reads these answers as `applied already`, marks the migration so and goes on
# (litellm_proxy_extras.utils, the idempotent errors).
RECOVERED = re.compile("already exists|does not exist|duplicate key value violates", re.IGNORECASE)
KEY_TYPE = "20260713230852_add_key_type_to_litellm_verification_token"


async def deploy(url: str, folders: list[Path]) -> list[str]:
    """What `prisma migrate deploy` and LiteLLM's recovery do; returns the names that had to be recovered."""
    recovered = []
    # Prisma works in the schema that its URL names, `public` by default, whatever the role is called.
    prisma = {"dsn": url, "server_settings": {"search_path": "public"}}
    async with open_connection(prisma) as connection:
        for folder in folders:
            try:
                await connection.execute((folder / "migration.sql").read_text())
            except asyncpg.PostgresError as error:
                if not RECOVERED.search(str(error)):
                    raise
                recovered.append(folder.name)
    return recovered


async def assert_nothing_of_the_newest_is_missing(read, url: str, newest_url: str) -> None:
    live, newest = (await read(url)).by_name(), (await read(newest_url)).by_name()
    assert set(live) == set(newest)
    for name, want in newest.items():
        have = live[name]
        assert {(c.name, c.type) for c in want.columns} <= {(c.name, c.type) for c in have.columns}, name
        assert {c.name for c in have.columns} == {c.name for c in want.columns}, name
        assert {c.name for c in have.columns if not c.nullable} == {
            c.name for c in want.columns if not c.nullable
        }, name
        assert set(want.indexes) <= set(have.indexes), name
        assert set(want.foreign_keys) <= set(have.foreign_keys), name


async def test_a_database_made_by_the_gateway_takes_every_later_migration(
    current_url, newest_url, read, fill, checksums, litellm_migrations
):
    filled = await fill(current_url)
    before = await checksums(current_url, filled)
    later = [path for path in litellm_migrations if path.name >= BASELINE or path.name == NOT_OURS]
    recovered = await deploy(current_url, later)
    assert recovered == [KEY_TYPE]
    assert await checksums(current_url, filled) == before
    await assert_nothing_of_the_newest_is_missing(read, current_url, newest_url)


@pytest.mark.slow
async def test_an_adopted_database_of_the_prescribed_schema_takes_every_later_migration(
    base_url, newest_url, read, fill, checksums, litellm_migrations
):
    filled = await fill(base_url)
    before = await checksums(base_url, filled)
    await upgrade(base_url)
    recovered = await deploy(base_url, [path for path in litellm_migrations if path.name >= BASELINE])
    assert recovered == [KEY_TYPE]
    assert await checksums(base_url, filled) == before
    await assert_nothing_of_the_newest_is_missing(read, base_url, newest_url)


async def test_an_adopted_older_database_takes_every_later_migration(
    older_url, newest_url, read, fill, fetchval, litellm_migrations
):
    filled = await fill(older_url)
    await upgrade(older_url)
    recovered = await deploy(older_url, [path for path in litellm_migrations if path.name >= OLDER_SEED])
    assert [name for name in recovered if name >= BASELINE] == [KEY_TYPE]
    for table in filled.tables:
        assert await fetchval(older_url, f'SELECT count(*) FROM "{table.name}"') == 3
    await assert_nothing_of_the_newest_is_missing(read, older_url, newest_url)


async def test_an_adopted_newest_database_has_nothing_left_to_apply(newest_url, read):
    before = await read(newest_url)
    await upgrade(newest_url)
    after = await read(newest_url)
    assert [t.columns for t in after.tables] == [t.columns for t in before.tables]


@pytest.mark.slow
async def test_coming_back_after_the_newest_litellm_needs_no_statement(
    current_url, litellm_migrations, execute
):
    later = [path for path in litellm_migrations if path.name >= BASELINE or path.name == NOT_OURS]
    await deploy(current_url, later)
    status = await read_status(current_url)
    report = await upgrade(current_url)
    assert (status.state, status.can_serve) == (SchemaState.NEWER, True)
    assert report.steps == ()
