"""Backing up and restoring the embedded database with the PostgreSQL tools that come with it."""

import asyncio
import datetime as dt
import tempfile
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import msgspec

from gateway.db.backup_archive import Manifest, digest, read_archive, write_archive
from gateway.db.connection import Connection, connect
from gateway.db.embedded_account import find_binaries
from gateway.db.failures import connecting
from gateway.db.url import ConnectionOptions, parse_database_url
from gateway.errors import ConfigError, StartupError

__all__ = ["BackupSummary", "backup", "restore"]

_MAINTENANCE_DATABASE = "template1"
_TABLES = """
SELECT n.nspname AS schema, c.relname AS name
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY 1, 2
"""
_SESSIONS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = $1 AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


class BackupSummary(msgspec.Struct, frozen=True):
    """What was backed up or restored."""

    tables: int
    rows: int


async def backup(url: str, file: Path) -> BackupSummary:
    """Write the whole database at `url`, as of one moment, to `file` (mode 0600); serving goes on.

    Raises DatabaseUnavailable, ConfigError for a database that wants TLS, which the bundled tools do not
    speak, and StartupError when the dump fails or the file cannot be written.
    """
    options = _prepare(url)
    with _private_folder(file.parent) as folder:
        dump = Path(folder, "database.dump")
        async with _session(options) as connection, _snapshot(connection) as snapshot:
            rows = await _count_rows(connection)
            version = await connection.fetchval("SHOW server_version")
            await _run_tool(options, "pg_dump", "--format=custom", f"--snapshot={snapshot}", f"--file={dump}")
        manifest = Manifest(
            rows=rows,
            sha256=await asyncio.to_thread(digest, dump),
            created_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            server_version=version,
        )
        await asyncio.to_thread(write_archive, file, manifest, dump)
    return _summary(rows)


async def restore(url: str, file: Path, *, force: bool = False) -> BackupSummary:
    """Put the backup `file` in place of the database at `url`; all of it or nothing.

    It is restored beside the database, its rows are counted against the backup, and only then the two
    change places. A backup is a program that runs with the rights of the database: restore only your own.

    Raises StartupError for a file that is no backup or is damaged, for a database that has tables unless
    `force` is given, for one that others use at this moment, and when counts differ.
    """
    options = _prepare(url)
    with _private_folder(None) as folder:
        dump = Path(folder, "database.dump")
        manifest = await asyncio.to_thread(read_archive, file, dump)
        async with _session(options) as connection:
            if not force and await connection.fetch(_TABLES):
                raise StartupError("The database is not empty. Use --force to replace what it holds.")
        async with _session(_on(options, _MAINTENANCE_DATABASE)) as server:
            await _replace(server, options, dump, manifest)
    return _summary(manifest.rows)


@asynccontextmanager
async def _snapshot(connection: Connection) -> AsyncGenerator[str]:
    """The name of a state of the database that this session and a tool see alike."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        yield await connection.fetchval("SELECT pg_export_snapshot()")


async def _replace(server: Connection, options: ConnectionOptions, dump: Path, manifest: Manifest) -> None:
    await _refuse_sessions(server, options.database)
    draft = _on(options, f"gatewright_restore_{uuid.uuid4().hex[:12]}")
    await server.execute(f"CREATE DATABASE {_quote(draft.database)} TEMPLATE template0")
    try:
        await _run_tool(
            draft, "pg_restore", "--exit-on-error", "--no-owner", "--dbname", draft.database, str(dump)
        )
        async with _session(draft) as connection:
            _compare(manifest.rows, await _count_rows(connection))
        await _refuse_sessions(server, options.database)
        await _swap(server, options.database, draft.database)
    finally:
        # After the swap this name belongs to the old database.
        await server.execute(f"DROP DATABASE IF EXISTS {_quote(draft.database)} WITH (FORCE)")


async def _swap(server: Connection, name: str, other: str) -> None:
    """Exchange the names of two databases in one transaction."""
    between = f"{other}_old"
    try:
        async with server.transaction():
            for old, new in ((name, between), (other, name), (between, other)):
                await server.execute(f"ALTER DATABASE {_quote(old)} RENAME TO {_quote(new)}")
    except asyncpg.ObjectInUseError as error:
        raise StartupError(f"The database '{name}' is in use. Stop the gateway, then restore.") from error


async def _refuse_sessions(server: Connection, database: str) -> None:
    count = await server.fetchval(_SESSIONS, database)
    if count:
        raise StartupError(
            f"The database '{database}' is in use ({count} sessions). Stop the gateway, then restore."
        )


async def _count_rows(connection: Connection) -> dict[str, int]:
    """Rows by table, `schema.table`."""
    rows: dict[str, int] = {}
    for table in await connection.fetch(_TABLES):
        schema, name = table["schema"], table["name"]
        rows[f"{schema}.{name}"] = await connection.fetchval(
            f"SELECT count(*) FROM {_quote(schema)}.{_quote(name)}"  # noqa: S608  names from the catalog, quoted
        )
    return rows


def _compare(expected: dict[str, int], found: dict[str, int]) -> None:
    different = sorted(
        name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)
    )
    if different:
        raise StartupError(
            f"The restored rows differ from the backup in {', '.join(different)}. Nothing changed."
        )


async def _run_tool(options: ConnectionOptions, name: str, *arguments: str) -> None:
    """Run a tool of the bundled PostgreSQL; the password goes by the environment, not the command line."""
    process = await asyncio.create_subprocess_exec(
        find_binaries(None) / name,
        "--no-password",
        *arguments,
        env=_tool_environment(options),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, errors = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        lines = errors.decode(errors="replace").strip().splitlines()[-3:]
        raise StartupError(f"{name} failed: {' | '.join(lines)}")


def _tool_environment(options: ConnectionOptions) -> dict[str, str]:
    return {
        "PATH": "/usr/bin:/bin",
        "LC_ALL": "C",
        "PGHOST": options.host,
        "PGPORT": str(options.port),
        "PGUSER": options.user,
        "PGDATABASE": options.database,
        "PGSSLMODE": "disable" if options.is_socket else options.tls.mode,
        **({"PGPASSWORD": options.password} if options.password else {}),
    }


@asynccontextmanager
async def _session(options: ConnectionOptions) -> AsyncGenerator[Connection]:
    with connecting():
        connection = await connect(options.connect_arguments())
    try:
        yield connection
    finally:
        await connection.close()


def _prepare(url: str) -> ConnectionOptions:
    """The options without time limits, which a large database would pass."""
    options = parse_database_url(url)
    if options.tls.is_certain and not options.is_socket:
        raise ConfigError(
            "The bundled pg_dump speaks no TLS. Back this database up with the tools of its server.",
            path="DATABASE_URL",
        )
    return msgspec.structs.replace(
        options,
        statement_timeout_seconds=None,
        idle_in_transaction_timeout_seconds=None,
        command_timeout_seconds=None,
        application_name="gatewright-backup",
    )


def _on(options: ConnectionOptions, database: str) -> ConnectionOptions:
    return msgspec.structs.replace(options, database=database)


def _private_folder(parent: Path | None) -> "tempfile.TemporaryDirectory[str]":
    """A folder of mode 0700. Raises StartupError when it cannot be made."""
    try:
        return tempfile.TemporaryDirectory(prefix=".gatewright-backup-", dir=parent)
    except OSError as error:
        raise StartupError(f"'{parent}' cannot be written: {error.strerror}.") from error


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _summary(rows: dict[str, int]) -> BackupSummary:
    return BackupSummary(tables=len(rows), rows=sum(rows.values()))
