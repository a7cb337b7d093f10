"""Writes the DDL statements that bring one missing object of a catalog into being; pure text."""

from collections.abc import Iterable

from gateway.db.schema.catalog import Column, ForeignKey, Index, TableShape

__all__ = [
    "add_columns",
    "add_foreign_key",
    "create_enum",
    "create_index",
    "create_table",
    "drop_index",
    "drop_not_null",
    "quote",
    "replace_foreign_key",
    "validate_foreign_key",
]

_SEQUENCE_PREFIX = "nextval("


def quote(name: str) -> str:
    """A quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def create_enum(name: str, labels: Iterable[str]) -> str:
    """CREATE TYPE has no IF NOT EXISTS; the advisory lock and the catalog read under it stand for that."""
    values = ", ".join("'" + label.replace("'", "''") + "'" for label in labels)
    return f"CREATE TYPE {quote(name)} AS ENUM ({values})"


def create_table(table: TableShape) -> str:
    """The table with its columns and its primary key, without indexes and foreign keys."""
    lines = [_column(column) for column in table.columns]
    key = ", ".join(quote(name) for name in table.primary_key)
    lines.append(f"CONSTRAINT {quote(table.primary_key_name)} PRIMARY KEY ({key})")
    return f"CREATE TABLE {quote(table.name)} (\n    " + ",\n    ".join(lines) + "\n)"


def add_columns(table: str, columns: Iterable[Column]) -> str:
    """One ALTER TABLE for all, so that the table is locked once; constant defaults rewrite nothing."""
    return f"ALTER TABLE {quote(table)} " + ", ".join(f"ADD COLUMN {_column(column)}" for column in columns)


def drop_not_null(table: str, columns: Iterable[str]) -> str:
    """Lets the columns be NULL."""
    return f"ALTER TABLE {quote(table)} " + ", ".join(
        f"ALTER COLUMN {quote(column)} DROP NOT NULL" for column in columns
    )


def create_index(index: Index, *, concurrently: bool = False) -> str:
    """The index's own definition; concurrently it must run outside a transaction."""
    if not concurrently:
        return index.definition
    return index.definition.replace("INDEX ", "INDEX CONCURRENTLY ", 1)


def drop_index(name: str, *, concurrently: bool = False) -> str:
    """Drops one of the contract's own indexes before its successor is made."""
    return f"DROP INDEX {'CONCURRENTLY ' if concurrently else ''}IF EXISTS {quote(name)}"


def add_foreign_key(table: str, key: ForeignKey, *, is_checked: bool) -> str:
    """Adds the key; unchecked, rows that are there already are not looked at and the lock is short."""
    suffix = "" if is_checked else " NOT VALID"
    return f"ALTER TABLE {quote(table)} ADD CONSTRAINT {quote(key.name)} {key.definition}{suffix}"


def replace_foreign_key(table: str, key: ForeignKey) -> str:
    """Exchanges the key's rule under the same name in one statement."""
    return (
        f"ALTER TABLE {quote(table)} DROP CONSTRAINT {quote(key.name)}, "
        f"ADD CONSTRAINT {quote(key.name)} {key.definition} NOT VALID"
    )


def validate_foreign_key(table: str, key: ForeignKey) -> str:
    """Checks the rows that were there before the key; fails when one of them has no parent."""
    return f"ALTER TABLE {quote(table)} VALIDATE CONSTRAINT {quote(key.name)}"


def _column(column: Column) -> str:
    if column.default is not None and column.default.startswith(_SEQUENCE_PREFIX):
        # Only int columns have a sequence in this schema; SERIAL makes it with the name that Prisma expects.
        return f"{quote(column.name)} SERIAL NOT NULL"
    default = "" if column.default is None else f" DEFAULT {column.default}"
    return f"{quote(column.name)} {column.type}{'' if column.nullable else ' NOT NULL'}{default}"
