"""The SQL of what models are used for: daily totals of the models, or endpoints, that were used most."""

from collections.abc import Mapping
from typing import Literal

from gateway.db.connection import Record
from gateway.spend.reporting.daily_store import TABLES
from gateway.spend.reporting.dates import Period
from gateway.spend.reporting.reader_store import ReportReader

__all__ = ["InsightsStore", "Metric"]

Metric = Literal["requests", "spend", "tokens"]
"""What models are compared by."""

_ORDER: Mapping[Metric, str] = {"requests": "requests", "spend": "nanos", "tokens": "tokens"}
_MODEL = "COALESCE(NULLIF(model_group, ''), model)"
_SUMS = """
    sum(round(spend * 1e9::float8)::bigint)::bigint AS nanos, sum(api_requests)::bigint AS requests,
    sum(failed_requests)::bigint AS failed, sum(prompt_tokens)::bigint AS prompt_tokens,
    sum(completion_tokens)::bigint AS completion_tokens,
    sum(prompt_tokens + completion_tokens)::bigint AS tokens"""
_DAYS = f'"{TABLES["user"].name}" WHERE date >= $1 AND date <= $2'


class InsightsStore:
    """Reads the daily table of users, which has every request. Raises what `ReportReader` does."""

    def __init__(self, reader: ReportReader) -> None:
        self._reader = reader

    async def total_of_models(self, period: Period, metric: Metric, limit: int) -> list[Record]:
        """Totals per model and day, of the models that lead by the metric; these first, then by day."""
        sql = f"""
            WITH chosen AS MATERIALIZED (
                SELECT {_MODEL} AS name, date, {_SUMS} FROM {_DAYS} GROUP BY 1, 2
            ), top AS (
                SELECT name, row_number() OVER (ORDER BY sum({_ORDER[metric]}) DESC, name) AS place
                FROM chosen WHERE name <> '' GROUP BY name ORDER BY place LIMIT $3
            )
            SELECT chosen.* FROM chosen JOIN top USING (name) ORDER BY place, date
            """  # noqa: S608  constants of this module
        return await self._reader.fetch(sql, *period.bounds, limit)

    async def total_of_tasks(self, period: Period, metric: Metric, limit: int) -> list[Record]:
        """Totals per endpoint and model, of the pairs that lead by the metric."""
        sql = f"""
            SELECT endpoint AS task, {_MODEL} AS name, {_SUMS} FROM {_DAYS}
                AND endpoint <> '' AND {_MODEL} <> ''
            GROUP BY 1, 2 ORDER BY {_ORDER[metric]} DESC, 1, 2 LIMIT $3
            """  # noqa: S608  constants of this module
        return await self._reader.fetch(sql, *period.bounds, limit)
