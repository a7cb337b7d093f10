"""The queries that delete old rows, and carry what they said over into the books."""

from datetime import date, datetime

from gateway.db.connection import Connection
from gateway.spend.books.attribution_store import IS_RECORD, attribute

__all__ = ["RetentionStore"]

_OLD_LOGS = """
SELECT request_id FROM "LiteLLM_SpendLogs" WHERE "startTime" < $1 ORDER BY "startTime" LIMIT $2
"""
# Sorted, so that drains and this job wait for each other in one order.
_DELETE_LOGS = f"""
WITH gone AS (
    DELETE FROM "LiteLLM_SpendLogs" WHERE request_id IN ({_OLD_LOGS}) RETURNING *
), carried AS (
    INSERT INTO gatewright.recorded AS r (entity_type, entity_id, nanos, rowless_nanos)
    SELECT entity_type, entity_id, 0, sum(nanos)::bigint
    FROM ({attribute(f"SELECT * FROM gone WHERE {IS_RECORD}")}) parts
    GROUP BY entity_type, entity_id ORDER BY entity_type COLLATE "C", entity_id COLLATE "C"
    ON CONFLICT (entity_type, entity_id) DO UPDATE
        SET rowless_nanos = r.rowless_nanos + EXCLUDED.rowless_nanos
), compared AS (
    UPDATE gatewright.books SET days_since = d.since, tag_days_since = GREATEST(tag_days_since, d.since)
    FROM (SELECT max("startTime")::date + 1 AS since FROM gone) d WHERE days_since < d.since
)
SELECT count(*) FROM gone
"""  # noqa: S608  only constants are put in
_DELETE_TAG_DAYS = """
WITH gone AS (
    DELETE FROM "LiteLLM_DailyTagSpend" WHERE id IN (
        SELECT id FROM "LiteLLM_DailyTagSpend" WHERE date < $1::text LIMIT $2) RETURNING date
), compared AS (
    UPDATE gatewright.books SET tag_days_since = d.since
    FROM (SELECT max(date)::date + 1 AS since FROM gone) d WHERE tag_days_since < d.since
)
SELECT count(*) FROM gone
"""


def _delete_older(table: str, column: str) -> str:
    """By the place of the row: these tables have keys of several columns, or none that is sorted by time."""
    return f"""
WITH gone AS (
    DELETE FROM "{table}" WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM "{table}" WHERE {column} < $1 LIMIT $2)) RETURNING 1
)
SELECT count(*) FROM gone
"""  # noqa: S608  only constants are put in


_DELETE_WITH_LOGS = (
    _delete_older("LiteLLM_SpendLogToolIndex", "start_time"),
    _delete_older("LiteLLM_SpendLogGuardrailIndex", "start_time"),
    _delete_older("LiteLLM_ErrorLogs", '"startTime"'),
)
_DELETE_CHECKS = _delete_older("LiteLLM_HealthCheckTable", "checked_at")


class RetentionStore:
    """Deletes at most so many rows per call, within the caller's transaction. Times are naive UTC.

    Returns how many it deleted.
    """

    async def limit_statements(self, connection: Connection, seconds: float) -> None:
        """Let no statement of the transaction take longer."""
        await connection.execute(f"SET LOCAL statement_timeout = {max(1, int(seconds * 1000))}")

    async def delete_logs(self, connection: Connection, before: datetime, limit: int) -> int:
        """Delete spend rows; their sums stay in the books as records whose rows are gone."""
        return await connection.fetchval(_DELETE_LOGS, before, limit)

    async def delete_beside_logs(self, connection: Connection, before: datetime, limit: int) -> int:
        """Delete rows of errors, and of the indexes of tools and guardrails."""
        return sum([await connection.fetchval(sql, before, limit) for sql in _DELETE_WITH_LOGS])

    async def delete_checks(self, connection: Connection, before: datetime, limit: int) -> int:
        """Delete results of health checks."""
        return await connection.fetchval(_DELETE_CHECKS, before, limit)

    async def delete_tag_days(self, connection: Connection, before: date, limit: int) -> int:
        """Delete days of tags; they are compared with spend rows from the day after the last one on."""
        return await connection.fetchval(_DELETE_TAG_DAYS, before.isoformat(), limit)
