"""Opens the books of a database: what is there already becomes opening balances."""

from gateway.db.entities import DAILY_TABLES, ENTITIES, Entity
from gateway.db.schema.connection import SchemaConnection

__all__ = ["open_books"]

# Days before the first one were somebody else's; with no day at all, every day will be ours.
_OPEN = f"""
INSERT INTO gatewright.books (id, days_since, tag_days_since)
SELECT 1, since, since FROM (SELECT CASE WHEN {
    " OR ".join(f'EXISTS (SELECT FROM "{table}")' for table, _ in DAILY_TABLES)
} THEN (now() AT TIME ZONE 'UTC')::date ELSE date '0001-01-01' END AS since) d
ON CONFLICT (id) DO NOTHING
"""  # noqa: S608  only constants of this module are put in


def _open_entity(entity: Entity) -> str:
    kind = entity.kind
    return f"""
INSERT INTO gatewright.opening_balance AS o (entity_type, entity_id, nanos)
SELECT '{kind}', t.id, t.nanos - COALESCE((SELECT sum(a.nanos) FROM gatewright.adjustment a
    WHERE a.entity_type = '{kind}' AND a.entity_id = t.id), 0)::bigint
FROM (SELECT {entity.id_sql} AS id, round(t.spend * 1e9::float8)::bigint AS nanos
    FROM "{entity.table}" t WHERE t.spend <> 0) t
ON CONFLICT (entity_type, entity_id) DO UPDATE SET nanos = EXCLUDED.nanos, at = EXCLUDED.at
"""  # noqa: S608  only constants of this module are put in


def _open_day(table: str, entity: str) -> str:
    return f"""
INSERT INTO gatewright.opening_balance (entity_type, entity_id, nanos)
SELECT 'daily:{table}', COALESCE({entity}, '') || '|' || date, sum(round(spend * 1e9::float8)::bigint)::bigint
FROM "{table}" WHERE date >= (SELECT days_since FROM gatewright.books)::text AND spend <> 0 GROUP BY 2
ON CONFLICT (entity_type, entity_id) DO NOTHING
"""  # noqa: S608  only constants of this module are put in


async def open_books(connection: SchemaConnection) -> None:
    """Take the opening balances of everything that has spent something, once in the life of a database.

    Runs within the upgrade's transaction, after the tables are there. Amounts that somebody writes later
    without the gateway are differences.
    """
    if await connection.fetchval("SELECT EXISTS (SELECT FROM gatewright.books)"):
        return
    await connection.execute(_OPEN)
    for one in ENTITIES:
        await connection.execute(_open_entity(one))
    for table, entity in DAILY_TABLES:
        await connection.execute(_open_day(table, entity))
