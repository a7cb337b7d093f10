"""Runs the pending migrations with Piccolo's runner, recorded in our own schema instead of `public`."""

import io
import sys
from collections.abc import Generator
from contextlib import contextmanager, redirect_stdout

from piccolo.apps.migrations.commands.forwards import ForwardsMigrationManager
from piccolo.apps.migrations.tables import Migration
from piccolo.engine.postgres import PostgresEngine

from gateway.db.piccolo_app import APP_CONFIG
from gateway.db.schema.connection import SchemaConnection
from gateway.db.schema.migration import ACTIVE_UPGRADE, ActiveUpgrade
from gateway.db.schema.own import OWN_SCHEMA
from gateway.errors import SchemaError

__all__ = ["run_pending_migrations"]


async def run_pending_migrations(engine: PostgresEngine, connection: SchemaConnection) -> tuple[str, ...]:
    """Runs and records every migration that is not recorded, inside the engine's open transaction.

    `connection` is that transaction's. Returns the warnings; raises SchemaError when a file is unusable.
    """
    active = ActiveUpgrade(connection)
    token = ACTIVE_UPGRADE.set(active)
    try:
        with _records_bound(engine), redirect_stdout(io.StringIO()):
            # Piccolo reports progress with print().
            result = await ForwardsMigrationManager(APP_CONFIG.app_name).run_migrations(APP_CONFIG)
    finally:
        ACTIVE_UPGRADE.reset(token)
    if not result.success:
        raise SchemaError(f"The migrations did not run: {result.message}")
    return tuple(active.warnings)


@contextmanager
def _records_bound(engine: PostgresEngine) -> Generator[None]:
    # Piccolo keeps its records in one class for all applications of a process. The advisory lock of the
    # database keeps two upgrades of one database apart; two databases at once in one process are refused.
    meta = Migration._meta  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] Piccolo names its settings so
    if meta.schema == OWN_SCHEMA:
        raise SchemaError("This process is upgrading another database already; do one after the other.")
    former_path = list(sys.path)
    former_schema, former_name = meta.schema, meta.tablename
    meta.db, meta.schema, meta.tablename = engine, OWN_SCHEMA, "schema_migration"
    try:
        yield
    finally:
        # The engine stays bound, Piccolo cannot unbind one; nothing else of the gateway uses this class.
        meta.schema, meta.tablename = former_schema, former_name
        sys.path[:] = former_path
