"""The shape of a database as PostgreSQL's own catalog tells it, as frozen values."""

from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType

import msgspec

__all__ = [
    "Catalog",
    "Column",
    "ForeignKey",
    "Index",
    "TableShape",
    "decode_catalog",
    "encode_catalog",
    "load_wanted_bytes",
    "load_wanted_catalog",
]


class Column(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One column: `type` as format_type() writes it, `default` as pg_get_expr() does, None without one."""

    name: str
    type: str
    nullable: bool
    default: str | None = None


class Index(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One index besides the primary key's: `definition` as pg_get_indexdef() writes it, without the schema.

    `columns` are the key columns in order; an expression stands as an empty text. `is_valid` is False for
    what a failed CREATE INDEX CONCURRENTLY leaves behind.
    """

    name: str
    definition: str
    columns: tuple[str, ...]
    is_unique: bool = False
    is_valid: bool = True


class ForeignKey(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One foreign key: `definition` as pg_get_constraintdef() writes it, without schema and NOT VALID."""

    name: str
    definition: str
    is_validated: bool = True


class TableShape(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One table: columns in physical order, the primary key's columns, the size by statistics."""

    name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    primary_key_name: str
    indexes: tuple[Index, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    is_partitioned: bool = False
    estimated_rows: int = 0
    size_bytes: int = 0

    def find_column(self, name: str) -> Column | None:
        """The column of that name, if the table has it."""
        return next((column for column in self.columns if column.name == name), None)

    def find_index(self, name: str) -> Index | None:
        """The index of that name, if the table has it."""
        return next((index for index in self.indexes if index.name == name), None)

    def find_foreign_key(self, name: str) -> ForeignKey | None:
        """The foreign key of that name, if the table has it."""
        return next((key for key in self.foreign_keys if key.name == name), None)


class Catalog(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The tables of the contract, the labels of the enums and the names of the views in one schema."""

    tables: tuple[TableShape, ...] = ()
    enums: tuple[tuple[str, tuple[str, ...]], ...] = ()
    views: tuple[str, ...] = ()

    def by_name(self) -> Mapping[str, TableShape]:
        """The tables by name, read-only."""
        return MappingProxyType({table.name: table for table in self.tables})


def encode_catalog(catalog: Catalog) -> bytes:
    """A catalog as indented JSON, one file that a reviewer can read and git can compare."""
    return msgspec.json.format(msgspec.json.encode(catalog), indent=1) + b"\n"


def decode_catalog(content: bytes) -> Catalog:
    """The catalog that `encode_catalog` wrote; raises msgspec.ValidationError on another shape."""
    return msgspec.json.decode(content, type=Catalog)


def load_wanted_bytes() -> bytes:
    """The checked-in catalog file of the schema that the gateway needs, as it is on disk."""
    return resources.files("gateway.db.schema").joinpath("wanted.json").read_bytes()


def load_wanted_catalog() -> Catalog:
    """The schema that the gateway needs; about 2 ms."""
    return decode_catalog(load_wanted_bytes())
