"""Compares the Piccolo tables with a live database: the promise that the code and the schema agree."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

import msgspec
from piccolo.columns import JSONB, Array, BigInt, Boolean, Bytea, Column, ForeignKey, Integer, Serial, Text
from piccolo.columns.base import ColumnMeta
from piccolo.table import Table

from gateway.db.columns import EnumText, Money, TimestampMillis
from gateway.db.schema.catalog import Catalog, TableShape
from gateway.db.schema.connection import ConnectTarget, open_connection
from gateway.db.schema.reader import read_catalog
from gateway.db.schema.status import survey
from gateway.db.tables import TABLES

__all__ = ["DriftReport", "check", "compare_tables"]

_PHYSICAL: Mapping[type[Column], str] = MappingProxyType(
    {
        Array: "text[]",
        BigInt: "bigint",
        Boolean: "boolean",
        Bytea: "bytea",
        Integer: "integer",
        JSONB: "jsonb",
        Money: "double precision",
        Serial: "integer",
        Text: "text",
        TimestampMillis: "timestamp(3) without time zone",
    }
)


class DriftReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found; `sentences` is empty when the code, the wanted catalog and the database agree."""

    sentences: tuple[str, ...]


async def check(target: ConnectTarget) -> DriftReport:
    """Compares the tables in the code, then the wanted catalog, with the database; reads only."""
    async with open_connection(target) as connection:
        found = await survey(connection)
        live = await read_catalog(connection)
    missing = tuple(f"{step.reason}." for step in found.steps)
    return DriftReport(sentences=(*compare_tables(TABLES, live), *missing, *found.plan.conflicts))


def compare_tables(tables: Iterable[type[Table]], live: Catalog) -> tuple[str, ...]:
    """One sentence per difference between Piccolo tables and a catalog, which may have further columns."""
    present = live.by_name()
    return tuple(sentence for table in tables for sentence in _compare(table, present))


def _compare(table: type[Table], present: Mapping[str, TableShape]) -> Iterator[str]:
    meta = table._meta  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] Piccolo names its settings so
    name = meta.tablename
    have = present.get(name)
    if have is None:
        yield f"Table {name} is missing."
        return
    for column in meta.columns:
        yield from _compare_column(name, column, have)
    keys = {column_meta.name for column_meta in map(_meta_of, meta.columns) if column_meta.primary_key}
    if keys != set(have.primary_key):
        yield f"The primary key of {name} is {have.primary_key}, not {sorted(keys)}."


def _compare_column(table: str, column: Column, have: TableShape) -> Iterator[str]:
    meta = _meta_of(column)
    found = have.find_column(meta.name)
    if found is None:
        yield f"{table}.{meta.name} is missing."
        return
    expected = _physical_type(column)
    if found.type != expected:
        yield f"{table}.{meta.name} has type {found.type}, not {expected}."
    if found.nullable != meta.null:
        yield f"{table}.{meta.name} {'may' if found.nullable else 'may not'} be NULL; the code differs."


def _meta_of(column: Column) -> ColumnMeta:
    return column._meta  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] Piccolo names its settings so


def _physical_type(column: Column) -> str:
    if isinstance(column, EnumText):
        return column.column_type
    if isinstance(column, ForeignKey):
        return "integer" if column.value_type is int else "text"
    return _PHYSICAL[type(column)]
