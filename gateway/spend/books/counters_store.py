"""The totals of some scopes in the database, and how far a journal is contained in them."""

from collections.abc import Iterable, Mapping

from gateway.db.engine import Database
from gateway.db.entities import ENTITIES
from gateway.domain import Scope
from gateway.spend.books.check_store import snapshot

__all__ = ["read_totals"]

_POSITION = "SELECT position FROM gatewright.journal_position WHERE journal = $1"


async def read_totals(
    database: Database, journal: str, scopes: Iterable[Scope]
) -> tuple[Mapping[Scope, int], int]:
    """Nano-dollars of those scopes that have a row, and the journal's drained position, as of one moment.

    Raises DatabaseUnavailable.
    """
    ids: dict[str, list[str]] = {}
    for scope in scopes:
        ids.setdefault(scope.kind, []).append(scope.id)
    totals: dict[Scope, int] = {}
    async with snapshot(database) as connection:
        position = await connection.fetchval(_POSITION, journal) or 0
        for entity in ENTITIES:
            if entity.kind not in ids:
                continue
            sql = f"""
                SELECT {entity.id_sql} AS id, round(COALESCE(t.spend, 0) * 1e9::float8)::bigint AS nanos
                FROM "{entity.table}" t WHERE {entity.id_sql} = ANY ($1)"""  # noqa: S608  names are constants
            rows = await connection.fetch(sql, ids[entity.kind])
            totals |= {Scope(entity.kind, row["id"]): row["nanos"] for row in rows}
    return totals, position
