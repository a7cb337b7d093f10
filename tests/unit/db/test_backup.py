import io
import json
import stat
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from gateway.db.backup import BackupSummary, backup, restore
from gateway.db.backup_archive import read_archive
from gateway.errors import ConfigError, DatabaseUnavailable, StartupError

FILL = """
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE "LiteLLM_Thing" (id text PRIMARY KEY, tags text[], data jsonb, mood mood, spend float8);
CREATE INDEX "LiteLLM_Thing_lower_idx" ON "LiteLLM_Thing" (lower(id));
INSERT INTO "LiteLLM_Thing"
SELECT 'id' || n, ARRAY['ä', 'b'], '{"k": null}', 'bad', 0.1 * n FROM generate_series(1, 500) n;
CREATE SCHEMA gatewright;
CREATE TABLE gatewright.journal (position bigserial PRIMARY KEY);
INSERT INTO gatewright.journal DEFAULT VALUES;
CREATE VIEW "LiteLLM_View" AS SELECT id FROM "LiteLLM_Thing";
"""


async def run(url: str, sql: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql) if sql.startswith("SELECT") else await connection.execute(sql)
    finally:
        await connection.close()


def names_in(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()]


def mode_of(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def shorten(file: Path, count: int) -> None:
    file.write_bytes(file.read_bytes()[:-count])


@pytest.fixture
async def filled_url(database_url: str) -> str:
    await run(database_url, FILL)
    return database_url


@pytest.fixture
async def archive(filled_url: str, tmp_path: Path) -> Path:
    file = tmp_path / "backup.tar"
    await backup(filled_url, file)
    return file


@pytest.fixture
async def other_url(database_factory: Any) -> AsyncIterator[str]:
    name = await database_factory.create_async()
    yield database_factory.url_of(name)
    await database_factory.drop_async(name)


FINGERPRINT = "SELECT md5(string_agg(t::text, '' ORDER BY id)) FROM \"LiteLLM_Thing\" t"


async def test_a_backup_restores_every_table_of_every_schema(
    filled_url: str, other_url: str, tmp_path: Path
) -> None:
    summary = await backup(filled_url, tmp_path / "b.tar")
    assert summary == BackupSummary(tables=2, rows=501)
    assert await restore(other_url, tmp_path / "b.tar") == summary
    assert await run(other_url, FINGERPRINT) == await run(filled_url, FINGERPRINT)
    assert await run(other_url, 'SELECT count(*) FROM "LiteLLM_View"') == 500
    assert await run(other_url, "SELECT nextval('gatewright.journal_position_seq')") == 2


async def test_a_backup_is_readable_by_its_owner_only_and_leaves_no_drafts(archive: Path) -> None:
    assert mode_of(archive) == 0o600
    assert names_in(archive.parent) == [archive.name]


async def test_a_filled_database_is_replaced_only_by_force(archive: Path, filled_url: str) -> None:
    before = await run(filled_url, FINGERPRINT)
    await run(filled_url, 'DELETE FROM "LiteLLM_Thing"; CREATE TABLE later (id int)')
    with pytest.raises(StartupError, match="not empty"):
        await restore(filled_url, archive)
    await restore(filled_url, archive, force=True)
    assert await run(filled_url, FINGERPRINT) == before
    assert await run(filled_url, "SELECT to_regclass('later')") is None


async def test_a_database_that_is_in_use_is_not_replaced(archive: Path, filled_url: str) -> None:
    connection = await asyncpg.connect(filled_url)
    with pytest.raises(StartupError, match="in use"):
        await restore(filled_url, archive, force=True)
    await connection.close()


async def test_a_failed_restore_changes_nothing_and_leaves_no_database(
    archive: Path, filled_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await run(filled_url, FINGERPRINT)

    async def one_row_more(connection: object) -> dict[str, int]:
        return {"public.LiteLLM_Thing": 501}

    monkeypatch.setattr("gateway.db.backup._count_rows", one_row_more)
    with pytest.raises(
        StartupError, match=r"differ from the backup in gatewright\.journal, public\.LiteLLM_Thing"
    ):
        await restore(filled_url, archive, force=True)
    assert await run(filled_url, FINGERPRINT) == before
    assert await run(filled_url, "SELECT count(*) FROM pg_database WHERE datname LIKE '%restore%'") == 0


def rewrite(archive: Path, *, manifest: dict[str, object] | None = None, dump: bytes | None = None) -> None:
    with tarfile.open(archive) as old:
        contents = {name: old.extractfile(name).read() for name in old.getnames()}  # type: ignore[union-attr] files only
    if manifest is not None:
        contents["manifest.json"] = json.dumps({**json.loads(contents["manifest.json"]), **manifest}).encode()
    if dump is not None:
        contents["database.dump"] = dump
    with tarfile.open(archive, "w") as new:
        for name, data in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            new.addfile(entry, io.BytesIO(data))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"manifest": {"version": 2}}, "archive version 2; this release reads 1"),
        ({"manifest": {"format": "other"}}, "not a backup of Gatewright"),
        ({"manifest": {"rows": "many"}}, "not a backup of Gatewright"),
        ({"dump": b"PGDMP damaged"}, "checksum differs"),
    ],
)
async def test_an_archive_that_cannot_be_trusted_is_refused(
    archive: Path, other_url: str, change: dict[str, object], message: str
) -> None:
    rewrite(archive, **change)  # type: ignore[arg-type] parametrised
    with pytest.raises(StartupError, match=message):
        await restore(other_url, archive)
    assert (
        await run(other_url, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == 0
    )


@pytest.mark.parametrize("content", [b"", b"hello", b"\0" * 10_240])
def test_a_file_that_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(StartupError, match="not a complete backup"):
        read_archive(tmp_path / "file", tmp_path / "dump")


async def test_a_truncated_archive_is_refused(archive: Path, other_url: str) -> None:
    shorten(archive, 12_000)
    with pytest.raises(StartupError, match=r"not a complete backup|damaged"):
        await restore(other_url, archive)


async def test_a_missing_file_or_folder_is_said(filled_url: str, tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="cannot be written"):
        await backup(filled_url, tmp_path / "missing" / "b.tar")
    with pytest.raises(StartupError, match="cannot be read"):
        await restore(filled_url, tmp_path / "missing.tar")


async def test_a_server_that_is_away_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable):
        await backup(f"postgresql://llm@/x?host={tmp_path}", tmp_path / "b.tar")
    assert names_in(tmp_path) == []


async def test_a_database_that_requires_tls_is_left_to_its_own_tools(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no TLS"):
        await backup("postgresql://llm@h/x?sslmode=require", tmp_path / "b.tar")
