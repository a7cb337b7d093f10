"""Reads the live catalog of a PostgreSQL schema: tables, columns, keys, indexes, enums and views."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from gateway.db.schema.catalog import Catalog, Column, ForeignKey, Index, TableShape
from gateway.db.schema.connection import SchemaConnection

__all__ = ["read_catalog", "read_schema_name"]

Row = Mapping[str, Any]

_PREFIX = r"LiteLLM\_%"

# The contract's tables are in the first schema of the search path. A role named like our own schema has that
# one first, by PostgreSQL's default search path `"$user", public`.
_SCHEMA = """
SELECT name FROM unnest(current_schemas(false)) WITH ORDINALITY AS path(name, position)
WHERE name <> 'gatewright' ORDER BY position LIMIT 1
"""
_COLUMNS = """
SELECT c.relname AS table, c.relkind = 'p' AS is_partitioned, a.attname AS name,
       format_type(a.atttypid, a.atttypmod) AS type, NOT a.attnotnull AS nullable,
       pg_get_expr(d.adbin, d.adrelid) AS default,
       greatest(c.reltuples, 0)::bigint AS estimated_rows, pg_relation_size(c.oid) AS size_bytes
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1)
  AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname LIKE $2
ORDER BY c.relname COLLATE "C", a.attnum
"""

_INDEXES = """
SELECT t.relname AS table, i.relname AS name, pg_get_indexdef(i.oid) AS definition,
       x.indisunique AS is_unique, x.indisprimary AS is_primary, x.indisvalid AS is_valid,
       quote_ident($1) AS schema,
       ARRAY(SELECT coalesce(a.attname::text, '')
             FROM unnest(x.indkey::int2[]) WITH ORDINALITY k(num, position)
             LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.num AND k.num > 0
             WHERE k.position <= x.indnkeyatts ORDER BY k.position) AS columns
FROM pg_index x
JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_class t ON t.oid = x.indrelid
WHERE t.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1)
  AND NOT t.relispartition AND t.relname LIKE $2
ORDER BY t.relname COLLATE "C", i.relname COLLATE "C"
"""

_FOREIGN_KEYS = """
SELECT t.relname AS table, k.conname AS name, pg_get_constraintdef(k.oid) AS definition,
       k.convalidated AS is_validated, quote_ident($1) AS schema
FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid
WHERE k.contype = 'f'
  AND t.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1)
  AND NOT t.relispartition AND t.relname LIKE $2
ORDER BY t.relname COLLATE "C", k.conname COLLATE "C"
"""

_ENUMS = """
SELECT t.typname AS name, array_agg(e.enumlabel::text ORDER BY e.enumsortorder) AS labels
FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid
WHERE t.typnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1)
GROUP BY t.typname ORDER BY t.typname COLLATE "C"
"""

_VIEWS = """
SELECT relname AS name FROM pg_class
WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1)
  AND relkind IN ('v', 'm') ORDER BY relname COLLATE "C"
"""


async def read_schema_name(connection: SchemaConnection) -> str:
    """The PostgreSQL schema of the contract's tables: `public` unless the search path says otherwise."""
    return await connection.fetchval(_SCHEMA) or "public"


async def read_catalog(connection: SchemaConnection) -> Catalog:
    """The LiteLLM tables, enums and views in the contract's schema; six queries, about 10 ms."""
    schema = await read_schema_name(connection)
    columns = await connection.fetch(_COLUMNS, schema, _PREFIX)
    indexes = await connection.fetch(_INDEXES, schema, _PREFIX)
    keys = await connection.fetch(_FOREIGN_KEYS, schema, _PREFIX)
    enums = await connection.fetch(_ENUMS, schema)
    views = await connection.fetch(_VIEWS, schema)
    return Catalog(
        tables=_build_tables(_group(columns), _group(indexes), _group(keys)),
        enums=tuple((row["name"], tuple(row["labels"])) for row in enums),
        views=tuple(row["name"] for row in views),
    )


def _group(rows: Iterable[Row]) -> dict[str, list[Row]]:
    groups: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["table"]].append(row)
    return groups


def _build_tables(
    columns: dict[str, list[Row]], indexes: dict[str, list[Row]], keys: dict[str, list[Row]]
) -> tuple[TableShape, ...]:
    return tuple(
        _build_table(name, rows, indexes.get(name, []), keys.get(name, [])) for name, rows in columns.items()
    )


def _build_table(name: str, columns: list[Row], indexes: list[Row], keys: list[Row]) -> TableShape:
    primary = next((row for row in indexes if row["is_primary"]), None)
    return TableShape(
        name=name,
        columns=tuple(_build_column(row) for row in columns),
        primary_key=tuple(primary["columns"]) if primary else (),
        primary_key_name=primary["name"] if primary else "",
        indexes=tuple(_build_index(row) for row in indexes if not row["is_primary"]),
        foreign_keys=tuple(_build_foreign_key(row) for row in keys),
        is_partitioned=columns[0]["is_partitioned"],
        estimated_rows=columns[0]["estimated_rows"],
        size_bytes=columns[0]["size_bytes"],
    )


def _build_column(row: Row) -> Column:
    return Column(name=row["name"], type=row["type"], nullable=row["nullable"], default=row["default"])


def _build_index(row: Row) -> Index:
    # PostgreSQL qualifies the table in an index definition whatever the search path says.
    definition = row["definition"].replace(f" ON {row['schema']}.", " ON ", 1)
    return Index(
        name=row["name"],
        definition=definition,
        columns=tuple(row["columns"]),
        is_unique=row["is_unique"],
        is_valid=row["is_valid"],
    )


def _build_foreign_key(row: Row) -> ForeignKey:
    definition = (
        row["definition"].removesuffix(" NOT VALID").replace(f"REFERENCES {row['schema']}.", "REFERENCES ", 1)
    )
    return ForeignKey(name=row["name"], definition=definition, is_validated=row["is_validated"])
