"""The queries of `books check`: three comparisons, all in one snapshot of the database."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec

from gateway.db.connection import Connection
from gateway.db.engine import Database
from gateway.db.entities import Entity
from gateway.spend.books.attribution_store import IS_RECORD, attribute

__all__ = ["Difference", "check_days", "check_records", "check_totals", "count_unopened", "snapshot"]

_ROWS = f'SELECT * FROM "LiteLLM_SpendLogs" WHERE {IS_RECORD}'  # noqa: S608  a constant
_NANOS = "round(COALESCE({}, 0) * 1e9::float8)::bigint"
_LONGEST_SECONDS = 24 * 3600.0
_ADJUSTED = """SELECT entity_type, entity_id, sum(nanos)::bigint AS nanos
    FROM gatewright.adjustment GROUP BY entity_type, entity_id"""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Something that should be equal and is not; amounts are nano-dollars.

    `books` is `total` (the column `spend` of an entity), `records` (the spend rows of an entity) or
    `daily:<table>` (one day of an entity, with `entity_id` as `<id>|<date>`). `found_nanos` is what stands
    there, `expected_nanos` what follows from the rest of the books.
    """

    books: str
    entity_type: str
    entity_id: str
    expected_nanos: int
    found_nanos: int

    @property
    def nanos(self) -> int:
        """By how much what is found is too large."""
        return self.found_nanos - self.expected_nanos

    @property
    def adjustment_type(self) -> str:
        """The `entity_type` of adjustments that account for differences of this sort."""
        if self.books == "total":
            return self.entity_type
        return f"records:{self.entity_type}" if self.books == "records" else self.books


@asynccontextmanager
async def snapshot(database: Database) -> AsyncGenerator[Connection]:
    """A transaction that sees everything as of one moment, and may take as long as it has to."""
    async with database.transaction() as connection:
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        await connection.execute("SET LOCAL statement_timeout = 0")
        yield connection


async def check_totals(connection: Connection, entity: Entity) -> list[Difference]:
    """Rows of one table: is `spend` = opening balance + records + adjustments, where an account is open."""
    sql = f"""
        SELECT x.entity_id, x.found, x.expected FROM (
            SELECT o.entity_id, {_NANOS.format("t.spend")} AS found,
                o.nanos + COALESCE(r.nanos, 0) + COALESCE(a.nanos, 0) AS expected
            FROM "{entity.table}" t
            JOIN gatewright.opening_balance o
                ON o.entity_type = '{entity.kind}' AND o.entity_id = {entity.id_sql}
            LEFT JOIN gatewright.recorded r ON r.entity_type = o.entity_type AND r.entity_id = o.entity_id
            LEFT JOIN ({_ADJUSTED}) a ON a.entity_type = o.entity_type AND a.entity_id = o.entity_id
        ) x WHERE x.found <> x.expected ORDER BY 1"""  # noqa: S608  names are constants
    rows = await connection.fetch(sql, timeout=_LONGEST_SECONDS)
    return [
        _difference("total", entity.kind, row["entity_id"], row["expected"], row["found"]) for row in rows
    ]


async def count_unopened(connection: Connection, entity: Entity) -> int:
    """Rows that have spent something for which nothing was ever booked or adjusted: no account is open."""
    sql = f"""
        SELECT count(*) FROM "{entity.table}" t
        LEFT JOIN gatewright.recorded r ON r.entity_type = '{entity.kind}' AND r.entity_id = {entity.id_sql}
        LEFT JOIN ({_ADJUSTED}) a ON a.entity_type = '{entity.kind}' AND a.entity_id = {entity.id_sql}
        WHERE {_NANOS.format("t.spend")} <> COALESCE(r.nanos, 0) + COALESCE(a.nanos, 0)
            AND NOT EXISTS (SELECT FROM gatewright.opening_balance o
                WHERE o.entity_type = '{entity.kind}' AND o.entity_id = {entity.id_sql})"""  # noqa: S608  the same
    return await connection.fetchval(sql, timeout=_LONGEST_SECONDS)


async def check_records(connection: Connection) -> list[Difference]:
    """Entities: is what was recorded the sum of the spend rows and of the rows that are gone."""
    sql = f"""
        SELECT x.entity_type, x.entity_id, x.found, x.expected FROM (
            SELECT COALESCE(r.entity_type, s.entity_type) AS entity_type,
                COALESCE(r.entity_id, s.entity_id) AS entity_id, COALESCE(s.nanos, 0) AS found,
                COALESCE(r.nanos - r.rowless_nanos, 0) + COALESCE(a.nanos, 0) AS expected
            FROM gatewright.recorded r
            FULL JOIN (
                SELECT entity_type, entity_id, sum(nanos)::bigint AS nanos
                FROM ({attribute(_ROWS)}) parts GROUP BY entity_type, entity_id
            ) s ON s.entity_type = r.entity_type AND s.entity_id = r.entity_id
            LEFT JOIN ({_ADJUSTED}) a
                ON a.entity_type = 'records:' || COALESCE(r.entity_type, s.entity_type)
                AND a.entity_id = COALESCE(r.entity_id, s.entity_id)
        ) x WHERE x.found <> x.expected ORDER BY 1, 2"""  # noqa: S608  constants
    rows = await connection.fetch(sql, timeout=_LONGEST_SECONDS)
    return [
        _difference("records", row["entity_type"], row["entity_id"], row["expected"], row["found"])
        for row in rows
    ]


async def check_days(connection: Connection, table: str, column: str) -> list[Difference]:
    """One daily table: is each day of each entity the sum of the spend rows, since the books are kept."""
    since = "tag_days_since" if column == "tag" else "days_since"
    sql = f"""
        WITH since AS MATERIALIZED (SELECT {since} AS date FROM gatewright.books),
        days AS (
            SELECT COALESCE({column}, '') || '|' || date AS id, sum({_NANOS.format("spend")})::bigint AS nanos
            FROM "{table}" WHERE date >= (SELECT date FROM since)::text GROUP BY 1
        ), rows AS (
            SELECT entity || '|' || date AS id, sum(nanos)::bigint AS nanos FROM ({_days_of(column)}) one
            WHERE entity <> '' OR '{column}' = 'user_id' GROUP BY 1
        ), other AS (
            SELECT entity_id AS id, sum(nanos)::bigint AS nanos FROM (
                SELECT entity_id, nanos FROM gatewright.opening_balance WHERE entity_type = $1
                UNION ALL SELECT entity_id, nanos FROM gatewright.adjustment WHERE entity_type = $1
            ) both_kinds GROUP BY 1
        )
        SELECT * FROM (
            SELECT id, COALESCE(days.nanos, 0) AS found,
                COALESCE(rows.nanos, 0) + COALESCE(other.nanos, 0) AS expected
            FROM days FULL JOIN rows USING (id) LEFT JOIN other USING (id)
        ) x WHERE found <> expected ORDER BY id"""  # noqa: S608  names are constants
    name = f"daily:{table}"
    rows = await connection.fetch(sql, name, timeout=_LONGEST_SECONDS)
    return [_difference(name, column, row["id"], row["expected"], row["found"]) for row in rows]


def _days_of(column: str) -> str:
    """(entity, date, nanos) of the spend rows, once for each tag where tags are asked for."""
    names = {"user_id": '"user"', "end_user_id": "end_user"}
    entity, source = names.get(column, column), '"LiteLLM_SpendLogs" l'
    if column == "tag":
        source += """ CROSS JOIN LATERAL
            (SELECT DISTINCT tag FROM jsonb_array_elements_text(l.request_tags) tag) tags"""
    return f"""
        SELECT COALESCE({entity}, '') AS entity, to_char(l."startTime", 'YYYY-MM-DD') AS date,
            (l.metadata -> 'gatewright' ->> 'cost_nanos')::bigint AS nanos
        FROM {source} WHERE l.{IS_RECORD} AND l."startTime" >= (SELECT date FROM since)"""  # noqa: S608  constants


def _difference(books: str, entity_type: str, entity_id: str, expected: int, found: int) -> Difference:
    return Difference(
        books=books,
        entity_type=entity_type,
        entity_id=entity_id,
        expected_nanos=expected,
        found_nanos=found,
    )
