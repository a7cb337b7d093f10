"""The SQL of calls of tools: the requests whose answers called one, and what these cost."""

from gateway.db.connection import Record
from gateway.spend.reporting.dates import Period
from gateway.spend.reporting.reader_store import ReportReader

__all__ = ["ToolUsageStore"]

_WITHIN = """i.start_time >= $1::text::timestamp AND i.start_time < $2::text::timestamp + interval '1 day'"""


class ToolUsageStore:
    """Reads spend rows by the index of tools. Raises what `ReportReader` does."""

    def __init__(self, reader: ReportReader) -> None:
        self._reader = reader

    async def list_requests(
        self, period: Period, name: str, limit: int, offset: int
    ) -> tuple[list[Record], int]:
        """A page of the requests whose answers called a tool, and how many there are."""
        sql = f"""
            WITH seen AS MATERIALIZED (
                SELECT i.request_id, i.start_time FROM "LiteLLM_SpendLogToolIndex" i
                WHERE i.tool_name = $3 AND {_WITHIN}
            ), page AS (SELECT * FROM seen ORDER BY start_time DESC, request_id LIMIT $4 OFFSET $5)
            SELECT page.*, s.model, s.spend, s.team_id, s.api_key, s."user" AS user_id, s.status, counted.rows
            FROM (SELECT count(*) AS rows FROM seen) counted LEFT JOIN page ON true
            LEFT JOIN "LiteLLM_SpendLogs" s USING (request_id)
            ORDER BY start_time DESC, request_id"""  # noqa: S608  constants of this module
        rows = await self._reader.fetch(sql, *period.bounds, name, limit, offset)
        return [row for row in rows if row["request_id"] is not None], rows[0]["rows"]

    async def total(self, period: Period, limit: int) -> list[Record]:
        """Calls and nano-dollars per tool and day, the dearest first."""
        sql = f"""
            SELECT i.tool_name, to_char(i.start_time, 'YYYY-MM-DD') AS date, count(*) AS calls,
                sum(round(s.spend * 1e9::float8)::bigint)::bigint AS nanos
            FROM "LiteLLM_SpendLogToolIndex" i JOIN "LiteLLM_SpendLogs" s USING (request_id)
            WHERE {_WITHIN} GROUP BY 1, 2 ORDER BY nanos DESC, 1, 2 LIMIT $3"""  # noqa: S608  constants
        return await self._reader.fetch(sql, *period.bounds, limit)
