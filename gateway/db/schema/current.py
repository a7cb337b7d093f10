"""Says cheaply, at every start, whether a database already has the schema of this release."""

import hashlib

from gateway.db.schema.catalog import Catalog, load_wanted_bytes, load_wanted_catalog
from gateway.db.schema.connection import SchemaConnection
from gateway.db.schema.own import OWN_TABLES
from gateway.db.schema.reader import read_schema_name
from gateway.db.schema.views import VIEWS

__all__ = ["is_current", "record_fingerprint", "schema_fingerprint"]

_HAS_STATE = "SELECT to_regclass('gatewright.schema_state') IS NOT NULL"

# One query: the recorded fingerprint, and how many of the needed columns are missing right now. The latter
# notices a schema that was changed behind our back, for example by going back to LiteLLM for a while.
_LOOK = """
SELECT (SELECT fingerprint FROM gatewright.schema_state WHERE id = 1) = $1 AND (
    SELECT count(*) FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid
    JOIN unnest($2::text[], $3::text[]) AS needed(relation, name) ON needed.relation = c.relname
                                                                AND needed.name = a.attname
    WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $5) AND c.relkind IN ('r', 'p')
      AND NOT a.attisdropped
) = $4
"""

_RECORD = """
INSERT INTO gatewright.schema_state (id, fingerprint) VALUES (1, $1)
ON CONFLICT (id) DO UPDATE SET fingerprint = EXCLUDED.fingerprint, updated_at = now()
WHERE schema_state.fingerprint <> EXCLUDED.fingerprint
"""


def schema_fingerprint() -> str:
    """A SHA-256 over everything that an upgrade of this release makes; another release has another one."""
    digest = hashlib.sha256(load_wanted_bytes())
    for name, sql in (*OWN_TABLES.items(), *VIEWS.items()):
        digest.update(f"{name}\0{sql}\0".encode())
    return digest.hexdigest()


async def is_current(connection: SchemaConnection) -> bool:
    """Whether the last upgrade was this release's and every needed column is still there; three queries.

    False says only that `upgrade` has to look; a database can be False here and yet lack nothing.
    """
    if not await connection.fetchval(_HAS_STATE):
        return False
    relations, names = _needed_columns(load_wanted_catalog())
    schema = await read_schema_name(connection)
    found = await connection.fetchval(_LOOK, schema_fingerprint(), relations, names, len(names), schema)
    return bool(found)


async def record_fingerprint(connection: SchemaConnection) -> None:
    """Notes in our own schema that this release's upgrade is complete; writes nothing when it is noted."""
    await connection.execute(_RECORD, schema_fingerprint())


def _needed_columns(wanted: Catalog) -> tuple[list[str], list[str]]:
    pairs = [(table.name, column.name) for table in wanted.tables for column in table.columns]
    return [relation for relation, _ in pairs], [name for _, name in pairs]
