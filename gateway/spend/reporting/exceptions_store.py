"""The SQL of errors per day: answers 429 of a model group's deployments, from the error logs."""

from datetime import timedelta

from gateway.db.connection import Record
from gateway.spend.reporting.dates import Period
from gateway.spend.reporting.reader_store import ReportReader

__all__ = ["ExceptionsStore"]

_RATE_LIMITED = "429"
_CHOSEN = """model_group = $1 AND "startTime" >= $2 AND "startTime" < $3 AND status_code = $4"""


class ExceptionsStore:
    """Reads LiteLLM_ErrorLogs by its index on model group and time. Raises what `ReportReader` does."""

    def __init__(self, reader: ReportReader) -> None:
        self._reader = reader

    async def count_by_day(self, model_group: str, period: Period) -> list[Record]:
        """How often each day, the oldest first."""
        sql = f"""
            SELECT "startTime"::date AS date, count(*) AS count FROM "LiteLLM_ErrorLogs"
            WHERE {_CHOSEN} GROUP BY 1 ORDER BY 1"""  # noqa: S608  constants of this module
        return await self._reader.fetch(sql, *_arguments(model_group, period))

    async def count_by_deployment(self, model_group: str, period: Period, limit: int) -> list[Record]:
        """How often each day and deployment: those of the most first."""
        sql = f"""
            WITH found AS MATERIALIZED (
                SELECT COALESCE(NULLIF(api_base, ''), model_id) AS api_base, "startTime"::date AS date,
                    count(*) AS count
                FROM "LiteLLM_ErrorLogs" WHERE {_CHOSEN} GROUP BY 1, 2
            ), top AS (
                SELECT api_base, sum(count) AS total FROM found GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT $5
            )
            SELECT found.* FROM found JOIN top USING (api_base) ORDER BY top.total DESC, api_base, date
            """  # noqa: S608  constants of this module
        return await self._reader.fetch(sql, *_arguments(model_group, period), limit)


def _arguments(model_group: str, period: Period) -> tuple[object, ...]:
    # The columns are TIMESTAMP without time zone and hold UTC; the last day is included.
    return model_group, period.start, period.end + timedelta(days=1), _RATE_LIMITED
