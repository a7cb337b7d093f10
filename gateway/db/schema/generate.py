"""Writes wanted.json from the catalogs that LiteLLM's own migrations leave; developers run it."""

import asyncio
import sys
from pathlib import Path

from gateway.db.schema.additions import (
    ADDITIONAL_INDEXES,
    ADDITIONS,
    BASELINE_BEFORE,
    EXCLUDED_COLUMNS,
    EXCLUDED_TABLES,
    OWN_INDEXES,
)
from gateway.db.schema.catalog import Catalog, Column, Index, TableShape, encode_catalog
from gateway.db.schema.connection import SchemaConnection, open_connection
from gateway.db.schema.reader import read_catalog
from gateway.db.schema.rules import SUPERSEDED_INDEXES

__all__ = ["apply_migrations", "build_wanted", "list_migrations", "main"]

_RESERVED = frozenset({"user"})


def list_migrations(folder: Path) -> list[Path]:
    """LiteLLM's migration folders in the order in which Prisma applies them."""
    return sorted(path for path in folder.iterdir() if (path / "migration.sql").is_file())


async def apply_migrations(connection: SchemaConnection, folders: list[Path]) -> None:
    """Runs each folder's SQL as one implicit transaction, like Prisma; raises asyncpg.PostgresError."""
    for path in folders:
        await connection.execute((path / "migration.sql").read_text())


def build_wanted(base: Catalog, newest: Catalog) -> Catalog:
    """The needed schema: the baseline without the exclusions, with the additions as `newest` has them."""
    later = newest.by_name()
    tables = tuple(
        _with_additions(_without_exclusions(table), later[table.name])
        for table in base.tables
        if table.name not in EXCLUDED_TABLES
    )
    return Catalog(tables=tables, enums=base.enums)


def _without_exclusions(table: TableShape) -> TableShape:
    columns = tuple(column for column in table.columns if (table.name, column.name) not in EXCLUDED_COLUMNS)
    return _shape(table, columns, table.indexes)


def _with_additions(table: TableShape, later: TableShape) -> TableShape:
    added = tuple(
        column
        for column in later.columns
        if any(a.table == table.name and a.column == column.name for a in ADDITIONS)
    )
    replaced = {old for old, _ in SUPERSEDED_INDEXES}
    successors = {new for _, new in SUPERSEDED_INDEXES}
    indexes = (
        *(index for index in table.indexes if index.name not in replaced),
        *(index for index in later.indexes if index.name in successors),
        *(
            _build_index(owner, name, (column,))
            for owner, name, column in ADDITIONAL_INDEXES
            if owner == table.name
        ),
        *(_build_index(*spec) for spec in OWN_INDEXES if spec[0] == table.name),
    )
    return _shape(table, (*table.columns, *added), tuple(sorted(indexes, key=lambda index: index.name)))


def _build_index(table: str, name: str, columns: tuple[str, ...]) -> Index:
    keys = ", ".join(_write_key(column) for column in columns)
    return Index(
        name=name,
        definition=f'CREATE INDEX "{name}" ON "{table}" USING btree ({keys})',
        columns=tuple("" if "(" in column else column.partition(" ")[0] for column in columns),
    )


def _write_key(key: str) -> str:
    """As pg_get_indexdef() writes keys: names are quoted where they are reserved or have capitals."""
    if " " in key or (key.islower() and key not in _RESERVED):
        return key
    return f'"{key}"'


def _shape(table: TableShape, columns: tuple[Column, ...], indexes: tuple[Index, ...]) -> TableShape:
    # Statistics of the database that the file was made from say nothing about others.
    return TableShape(
        name=table.name,
        columns=columns,
        primary_key=table.primary_key,
        primary_key_name=table.primary_key_name,
        indexes=indexes,
        foreign_keys=table.foreign_keys,
    )


async def _read_after(dsn: str, folders: list[Path]) -> Catalog:
    async with open_connection(dsn) as connection:
        await apply_migrations(connection, folders)
        return await read_catalog(connection)


async def main(migrations: str, base_dsn: str, newest_dsn: str) -> None:
    """Applies LiteLLM's migrations to two empty databases and writes wanted.json beside this file."""
    folders = list_migrations(Path(migrations))
    base = await _read_after(base_dsn, [path for path in folders if path.name < BASELINE_BEFORE])
    newest = await _read_after(newest_dsn, folders)
    content = encode_catalog(build_wanted(base, newest))
    await asyncio.to_thread(Path(__file__).with_name("wanted.json").write_bytes, content)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
