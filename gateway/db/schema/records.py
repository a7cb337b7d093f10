"""Which migrations this release brings and which a database has on record, without importing them."""

import re

from gateway.db.migrations_folder import MIGRATIONS_FOLDER
from gateway.db.schema.connection import SchemaConnection

__all__ = ["list_migration_ids", "read_recorded_ids"]

_ID = re.compile(r'^ID = "([^"]+)"$', re.MULTILINE)
_HAS_RECORDS = "SELECT to_regclass('gatewright.schema_migration') IS NOT NULL"
_RECORDS = "SELECT name FROM gatewright.schema_migration WHERE app_name = 'gateway'"


def list_migration_ids() -> tuple[str, ...]:
    """The ids of the migration files in order; importing them would import Piccolo's code formatter."""
    found = (_ID.search(path.read_text()) for path in MIGRATIONS_FOLDER.glob("*.py"))
    return tuple(sorted(match[1] for match in found if match))


async def read_recorded_ids(connection: SchemaConnection) -> frozenset[str]:
    """The ids that the database has on record; none before the first upgrade."""
    if not await connection.fetchval(_HAS_RECORDS):
        return frozenset()
    return frozenset(row["name"] for row in await connection.fetch(_RECORDS))
