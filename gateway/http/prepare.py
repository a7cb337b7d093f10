"""Makes sure, before anything is served, that the database has the schema of this release."""

import asyncio
import os
import sys
from collections.abc import Mapping
from typing import cast

import structlog

from gateway.db.engine import Database
from gateway.db.schema.connection import SchemaConnection
from gateway.db.schema.current import is_current
from gateway.errors import SchemaError

__all__ = ["prepare_database"]

_log = structlog.get_logger(__name__)


async def prepare_database(database: Database, environ: Mapping[str, str], *, may_upgrade: bool) -> None:
    """Look whether the schema is current; if not, upgrade it, or refuse to serve where that is not wanted.

    The upgrade runs in a process of its own, so that what it needs does not stay in this one's memory.
    Raises SchemaError, saying what to run.
    """
    async with database.acquire() as connection:
        if await is_current(cast("SchemaConnection", connection)):
            return
    if may_upgrade:
        await _upgrade(environ)
        return
    await _check(environ)


async def _upgrade(environ: Mapping[str, str]) -> None:
    _log.info("database_upgrade_begins")
    code, output = await _run(environ, "upgrade")
    if code:
        raise SchemaError(f"The database could not be upgraded: {output}")
    _log.info("database_upgrade_done")


async def _check(environ: Mapping[str, str]) -> None:
    code, output = await _run(environ, "status", "--can-serve")
    if code:
        raise SchemaError(f"This release cannot serve on this database as it is: {output}")


async def _run(environ: Mapping[str, str], *arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway.cli.main",
        "db",
        *arguments,
        env={**os.environ, **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode(errors="replace").strip()
