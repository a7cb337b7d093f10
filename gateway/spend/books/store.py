"""Adjustments of what entities have spent: the only way in which a total changes without a request."""

from collections.abc import Sequence

import msgspec

from gateway.db.connection import Connection
from gateway.db.entities import Entity

__all__ = ["Adjustment", "SpendRow", "adjust", "insert_adjustments", "lock_rows"]


class SpendRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row that carries spend, in nano-dollars; `owner_id` is empty but for memberships."""

    id: str
    owner_id: str = ""
    nanos: int

    @property
    def entity_id(self) -> str:
        """The id as scopes have it."""
        return f"{self.id}:{self.owner_id}" if self.owner_id else self.id


class Adjustment(msgspec.Struct, frozen=True, kw_only=True):
    """What the spend of a locked row becomes, in nano-dollars; `id` makes it happen once."""

    row: SpendRow
    id: str
    to_nanos: int


async def lock_rows(connection: Connection, entity: Entity, ids: Sequence[tuple[str, str]]) -> list[SpendRow]:
    """The rows with these (id, owner id), held until the transaction ends; those that exist."""
    owner = f"t.{entity.owner_key}" if entity.owner_key else "''"
    sql = f"""
        SELECT t.{entity.key} AS id, {owner} AS owner_id, t.spend AS spend,
            round(COALESCE(t.spend, 0) * 1e9::float8)::bigint AS nanos
        FROM "{entity.table}" t
        JOIN unnest($1::text[], $2::text[]) AS w (id, owner_id) ON {entity.match_sql("w")}
        ORDER BY {entity.order_sql} FOR NO KEY UPDATE OF t"""  # noqa: S608  names are constants
    rows = await connection.fetch(sql, [one for one, _ in ids], [owner for _, owner in ids])
    return [SpendRow(id=row["id"], owner_id=row["owner_id"], nanos=row["nanos"]) for row in rows]


async def adjust(
    connection: Connection, entity: Entity, changes: Sequence[Adjustment], *, reason: str, actor: str
) -> None:
    """Set the spend of rows that this transaction has locked, and write down by how much it changed.

    A change whose id was written before is left out, so that a job that is run again does nothing twice.
    """
    sql = f"""
        WITH wanted AS (
            SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[])
                AS w (adjustment_id, id, owner_id, was, nanos)
        ), written AS (
            INSERT INTO gatewright.adjustment (id, entity_type, entity_id, nanos, reason, actor)
            SELECT w.adjustment_id, '{entity.kind}', {_ID}, w.nanos - w.was, $6, $7 FROM wanted w
            WHERE w.nanos <> w.was
            ON CONFLICT (id) DO NOTHING RETURNING id
        )
        UPDATE "{entity.table}" t SET spend = w.nanos / 1e9::float8
        FROM wanted w WHERE {entity.match_sql("w")} AND w.adjustment_id IN (SELECT id FROM written)
        """  # noqa: S608  names are constants
    await connection.execute(
        sql,
        [change.id for change in changes],
        [change.row.id for change in changes],
        [change.row.owner_id for change in changes],
        [change.row.nanos for change in changes],
        [change.to_nanos for change in changes],
        reason,
        actor,
    )


async def insert_adjustments(
    connection: Connection, changes: Sequence[tuple[str, str, str, int]], *, reason: str, actor: str
) -> None:
    """Write down adjustments (id, entity type, entity id, nano-dollars) of what has changed already."""
    sql = """
        INSERT INTO gatewright.adjustment (id, entity_type, entity_id, nanos, reason, actor)
        SELECT w.*, $5, $6 FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS w"""
    columns = [list(column) for column in zip(*changes, strict=True)] or [[], [], [], []]
    await connection.execute(sql, *columns, reason, actor)


_ID = "w.id || CASE w.owner_id WHEN '' THEN '' ELSE ':' || w.owner_id END"
