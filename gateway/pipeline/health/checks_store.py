"""The SQL of LiteLLM_HealthCheckTable: what deployments answered, and when."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from gateway.db.connection import Connection, Record
from gateway.db.engine import Database
from gateway.ids import new_id

__all__ = ["MOST_COUNTED", "CheckRow", "ChecksStore"]

MOST_COUNTED = 10_000
"""More results are not counted, and not reached by `offset`."""

_INSERT = """
INSERT INTO "LiteLLM_HealthCheckTable" (
    health_check_id, model_name, model_id, status, healthy_count, unhealthy_count, error_message,
    response_time_ms, details, checked_by, checked_at, created_at, updated_at
)
SELECT n.id, n.model_name, n.model_id, n.status, (n.status = 'healthy')::int, (n.status <> 'healthy')::int,
    n.error_message, n.response_time_ms, n.details::jsonb, $7, $8, $8, $8
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::float8[], $6::text[], $9::text[])
    AS n (model_name, model_id, status, error_message, response_time_ms, details, id)
"""
_COLUMNS = """health_check_id, model_name, model_id, status, healthy_count, unhealthy_count, error_message,
    response_time_ms, details, checked_by, checked_at, created_at"""
_CHOSEN = "($1::text IS NULL OR model_name = $1) AND ($2::text IS NULL OR status = $2)"
_LATEST = f"""
SELECT found.* FROM unnest($1::text[], $2::text[]) AS d (model_id, model_name) CROSS JOIN LATERAL (
    SELECT {_COLUMNS} FROM "LiteLLM_HealthCheckTable" h
    WHERE h.model_id = d.model_id AND h.model_name = d.model_name ORDER BY h.checked_at DESC LIMIT 1
) found
"""  # noqa: S608  constants of this module


class CheckRow(msgspec.Struct, frozen=True, kw_only=True):
    """One result; `details` is JSON."""

    model_name: str
    model_id: str
    is_healthy: bool
    error_message: str | None
    response_time_ms: float
    details: str | None


class ChecksStore:
    """Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(
        self, connection: Connection, rows: Sequence[CheckRow], checked_by: str, now: datetime
    ) -> None:
        """Write results in one statement; `now` is naive UTC."""
        await connection.execute(
            _INSERT,
            [row.model_name for row in rows],
            [row.model_id for row in rows],
            ["healthy" if row.is_healthy else "unhealthy" for row in rows],
            [row.error_message for row in rows],
            [row.response_time_ms for row in rows],
            [row.details for row in rows],
            checked_by,
            now,
            [new_id() for _ in rows],
        )

    async def list_history(
        self, connection: Connection, model: str | None, status: str | None, limit: int, offset: int
    ) -> list[Record]:
        """Results, the newest first."""
        sql = f"""
            SELECT {_COLUMNS} FROM "LiteLLM_HealthCheckTable" WHERE {_CHOSEN}
            ORDER BY checked_at DESC, health_check_id LIMIT $3 OFFSET $4"""  # noqa: S608  constants
        return await connection.fetch(sql, model, status, limit, offset)

    async def count(self, connection: Connection, model: str | None, status: str | None) -> int:
        """How many results there are, at most `MOST_COUNTED`."""
        sql = f"""
            SELECT count(*) FROM (
                SELECT FROM "LiteLLM_HealthCheckTable" WHERE {_CHOSEN} LIMIT {MOST_COUNTED}
            ) found"""  # noqa: S608  constants of this module
        return await connection.fetchval(sql, model, status)

    async def list_latest(self, deployments: Sequence[tuple[str, str]]) -> list[Record]:
        """The latest result of each deployment, by its id and its model's name: one step in an index each."""
        ids, names = [one for one, _ in deployments], [name for _, name in deployments]
        return await self._database.fetch(_LATEST, ids, names)
