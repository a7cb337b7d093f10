"""Finds the differences in columns and keys that adding objects cannot mend, and those that do no harm."""

from collections.abc import Iterator

from gateway.db.schema.catalog import Catalog, Column, TableShape
from gateway.db.schema.rules import TOLERATED_COLUMNS, TOLERATED_TABLES, WIDENINGS

__all__ = ["find_column_conflicts", "find_column_warnings", "find_unknown_objects"]

# A database older than May 2025 counts in 32 bits; LiteLLM's own migration widens them, retyping is not ours.
_NARROWINGS = frozenset({("bigint", "integer")})


def find_column_conflicts(live: Catalog, wanted: Catalog) -> Iterator[str]:
    """Sentences about taken names, other types, other keys and mandatory columns of others."""
    present = live.by_name()
    for name in sorted({table.name for table in wanted.tables} & set(live.views)):
        yield f"{name} is a view here, not a table."
    for table in wanted.tables:
        have = present.get(table.name)
        if have is None:
            continue
        yield from _type_conflicts(have, table)
        yield from _key_conflicts(have, table)
        yield from _mandatory_columns(have, table)


def find_column_warnings(live: Catalog, wanted: Catalog) -> Iterator[str]:
    """Sentences about columns that work but hold less than they should, and about partitioned tables."""
    present = live.by_name()
    for table in wanted.tables:
        have = present.get(table.name)
        if have is None:
            continue
        for column in table.columns:
            old = have.find_column(column.name)
            if old is not None and (column.type, old.type) in _NARROWINGS:
                yield f"{table.name}.{column.name} is {old.type}, not {column.type}: it may overflow."
        if have.is_partitioned:
            yield f"{table.name} is partitioned: missing indexes are left to its owner."


def find_unknown_objects(live: Catalog, wanted: Catalog) -> Iterator[str]:
    """The tables and columns that this release does not know: signs of a newer LiteLLM."""
    needed = wanted.by_name()
    for table in live.tables:
        want = needed.get(table.name)
        if want is None:
            if table.name not in TOLERATED_TABLES:
                yield table.name
            continue
        for column in table.columns:
            if want.find_column(column.name) is None and (table.name, column.name) not in TOLERATED_COLUMNS:
                yield f"{table.name}.{column.name}"


def _type_conflicts(have: TableShape, want: TableShape) -> Iterator[str]:
    for column in want.columns:
        old = have.find_column(column.name)
        if old is not None and not _is_compatible(column, old):
            yield f"{want.name}.{column.name} has type {old.type}; this release uses {column.type}."


def _is_compatible(want: Column, have: Column) -> bool:
    pair = (want.type, have.type)
    return want.type == have.type or pair in WIDENINGS or pair in _NARROWINGS


def _key_conflicts(have: TableShape, want: TableShape) -> Iterator[str]:
    # PostgreSQL makes a partitioned table add its partition key to the primary key.
    is_extended = have.is_partitioned and set(have.primary_key) >= set(want.primary_key)
    if have.primary_key != want.primary_key and not is_extended:
        found = ", ".join(have.primary_key) or "nothing"
        expected = ", ".join(want.primary_key)
        yield f"The primary key of {want.name} is {found}; this release expects {expected}."


def _mandatory_columns(have: TableShape, want: TableShape) -> Iterator[str]:
    for column in have.columns:
        if want.find_column(column.name) is None and not column.nullable and column.default is None:
            yield f"{have.name}.{column.name} is unknown and mandatory without a default: inserts would fail."
