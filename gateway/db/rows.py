"""Rows of one table by their primary key, in Python's own values: aware times, objects, exact money."""

# Piccolo's query builders have type parameters that it leaves open; what they return is annotated here.
# pyright: reportUnknownMemberType=false

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, cast

import msgspec
from piccolo.columns import JSONB, Array, Column
from piccolo.query import OrderByRaw
from piccolo.table import Table

from gateway.db.columns import Money, TimestampMillis
from gateway.db.entities import ENTITIES
from gateway.money import nanos_from_usd, usd_from_nanos

__all__ = ["Columns", "Rows"]

Columns = dict[str, Any]
"""A row by the names of its columns."""

_CLOSE_ACCOUNTS = "DELETE FROM gatewright.opening_balance WHERE entity_type = {} AND entity_id = ANY ({})"
_decode_json = msgspec.json.Decoder().decode


class Rows:
    """Reads and writes whole rows of a table with one key column.

    Written are money as whole nano-dollars, times as UTC to the millisecond, JSON as text; None empties a
    list and, where the schema wants one, an object. Read are the same values, times with their zone. Inside
    `Database.transaction()` all of it is one step. Raises DatabaseUnavailable.
    """

    def __init__(self, table: type[Table]) -> None:
        self._table = table
        meta = table._meta  # noqa: SLF001  Piccolo's documented name  # pyright: ignore[reportPrivateUsage]  the same
        self._columns: dict[str, Column] = {column._meta.name: column for column in meta.columns}  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  the same
        self._key: Column = meta.primary_key
        kinds = (entity.kind.value for entity in ENTITIES if entity.table == meta.tablename)
        self._account_kind = next(kinds, None)

    async def find(self, identifier: str) -> Columns | None:
        """The row with this key."""
        row = await self._table.select().where(self._key == identifier).first()
        return None if row is None else self._read(row)

    async def lock(self, identifier: str) -> Columns | None:
        """The row with this key, held for change until the transaction ends."""
        rows: list[Columns] = await (
            self._table.select().where(self._key == identifier).lock_rows("NO KEY UPDATE")
        )
        return self._read(rows[0]) if rows else None

    async def hold(self, identifier: str) -> bool:
        """Whether there is such a row; it will not go away before the transaction ends."""
        rows: list[Columns] = await (
            self._table.select(self._key).where(self._key == identifier).lock_rows("KEY SHARE")
        )
        return bool(rows)

    async def find_all(self, column: str, value: object, most: int) -> list[Columns]:
        """At most so many rows in which a column has a value."""
        rows: list[Columns] = await (
            self._table.select().where(self._columns[column] == value).order_by(self._key).limit(most)
        )
        return [self._read(row) for row in rows]

    async def find_any(self, identifiers: list[str]) -> list[Columns]:
        """The rows with these keys, in the order of the keys."""
        if not identifiers:
            return []
        rows: list[Columns] = (
            await self._table.select().where(self._key.is_in(identifiers)).order_by(self._key)
        )
        return [self._read(row) for row in rows]

    async def list_first(self, most: int) -> list[Columns]:
        """At most so many rows, in the order of the keys."""
        rows: list[Columns] = await self._table.select().order_by(self._key).limit(most)
        return [self._read(row) for row in rows]

    async def list_after(self, after: str, most: int) -> list[Columns]:
        """At most so many rows whose keys come after this one, in the order of the keys."""
        rows: list[Columns] = (
            await self._table.select().where(self._key > after).order_by(self._key).limit(most)
        )
        return [self._read(row) for row in rows]

    async def lock_any(self, identifiers: list[str]) -> list[Columns]:
        """The rows with these keys, held for change until the transaction ends.

        They are locked in the order in which every writer locks them, so that nobody waits in a circle.
        """
        return await self._lock(identifiers, "NO KEY UPDATE")

    async def lock_to_delete(self, identifiers: list[str]) -> list[Columns]:
        """As `lock_any`; until the transaction ends, nobody makes a row that refers to these."""
        return await self._lock(identifiers, "UPDATE")

    async def insert(self, values: Mapping[str, Any]) -> Columns | None:
        """Store a new row and return it; None when the key is taken, and then nothing is stored."""
        made = await self.insert_all([values])
        return made[0] if made else None

    async def insert_all(self, rows: Sequence[Mapping[str, Any]]) -> list[Columns]:
        """Store new rows of the same columns, but for keys that are taken; returns those that are new."""
        if not rows:
            return []
        made: list[Columns] = await (
            self._table.insert(*(self._table(**self._written(values)) for values in rows))
            .on_conflict(target=self._key, action="DO NOTHING")
            .returning(*self._columns.values())
        )
        if made and self._account_kind is not None:
            # A row of this id that was deleted had an account; the new one begins with one of its own.
            name = self._key._meta.name  # noqa: SLF001  Piccolo's documented name  # pyright: ignore[reportPrivateUsage]  the same
            await self._table.raw(_CLOSE_ACCOUNTS, self._account_kind, [row[name] for row in made])
        return [self._read(row) for row in made]

    async def update(self, identifier: str, values: Mapping[str, Any]) -> Columns:
        """Change columns of a row that exists, and return the row."""
        changes = {self._columns[name]: value for name, value in self._written(values).items()}
        rows: list[Columns] = await (
            self._table.update(cast("dict[Any, Any]", changes))
            .where(self._key == identifier)
            .returning(*self._columns.values())
        )
        return self._read(rows[0])

    async def delete(self, identifier: str) -> None:
        """Remove a row."""
        await self._table.delete().where(self._key == identifier)

    async def delete_any(self, identifiers: list[str]) -> None:
        """Remove these rows."""
        if identifiers:
            await self._table.delete().where(self._key.is_in(identifiers))

    def read(self, row: Mapping[str, Any]) -> Columns:
        """A row of the table that other SQL has read, in Python's own values; other columns are left out."""
        return self._read({name: value for name, value in row.items() if name in self._columns})

    async def _lock(
        self, identifiers: list[str], strength: Literal["NO KEY UPDATE", "UPDATE"]
    ) -> list[Columns]:
        if not identifiers:
            return []
        name = self._key._meta.db_column_name  # noqa: SLF001  Piccolo's documented name  # pyright: ignore[reportPrivateUsage]  the same
        rows: list[Columns] = await (
            self._table.select()
            .where(self._key.is_in(identifiers))
            .order_by(OrderByRaw(f'"{name}" COLLATE "C"'))
            .lock_rows(strength)
        )
        return [self._read(row) for row in rows]

    def _written(self, values: Mapping[str, Any]) -> Columns:
        return {name: _write(self._columns[name], value) for name, value in values.items()}

    def _read(self, row: Columns) -> Columns:
        return {name: _read(self._columns[name], value) for name, value in row.items()}


def _write(column: Column, value: Any) -> Any:
    if isinstance(column, Array):
        return [] if value is None else list(value)
    if isinstance(column, JSONB):
        is_nullable: bool = column._meta.null  # noqa: SLF001  Piccolo's documented name  # pyright: ignore[reportPrivateUsage]  the same
        return None if value is None and is_nullable else msgspec.json.encode(value or {}).decode()
    if isinstance(column, Money) and value is not None:
        return usd_from_nanos(nanos_from_usd(value))
    if isinstance(column, TimestampMillis) and isinstance(value, datetime):
        utc = value.astimezone(UTC).replace(tzinfo=None)
        return utc.replace(microsecond=utc.microsecond // 1000 * 1000)
    return value


def _read(column: Column, value: Any) -> Any:
    if isinstance(column, JSONB):
        return None if value is None else _decode_json(value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC)
    return value
