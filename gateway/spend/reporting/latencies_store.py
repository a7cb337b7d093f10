"""The SQL of how long deployments took, from the newest spend rows, and of what they failed with."""

from datetime import timedelta

import msgspec

from gateway.db.connection import Record
from gateway.spend.reporting.dates import Period
from gateway.spend.reporting.reader_store import ReportReader

__all__ = ["LatenciesStore", "MeasuredChoice"]

_MOST_ROWS = 20_000
_MOST_GROUPS = 2_000
_NAME = "COALESCE(NULLIF(api_base, ''), NULLIF(model_id, ''), model)"
# No index knows the model group: what is measured are the newest rows of the days, however many there are.
_NEWEST = f"""
    SELECT "startTime", "endTime", "completionStartTime", completion_tokens, {_NAME} AS name FROM (
        SELECT * FROM "LiteLLM_SpendLogs" WHERE "startTime" >= $1 AND "startTime" < $2
            AND ($4::text IS NULL OR api_key = $4) AND ($5::text IS NULL OR end_user = $5)
        ORDER BY "startTime" DESC LIMIT {_MOST_ROWS}
    ) newest
    WHERE ($3::text IS NULL OR model_group = $3) AND status IS DISTINCT FROM 'failure'
    """  # noqa: S608  constants of this module
_SECONDS = """EXTRACT(epoch FROM {} - "startTime")::float8"""


class MeasuredChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Requests of which days, and to whom and from whom; None narrows nothing."""

    period: Period
    model_group: str | None = None
    api_key: str | None = None
    end_user: str | None = None

    @property
    def arguments(self) -> tuple[object, ...]:
        """The first five arguments of every statement; the last day is included."""
        # The columns are TIMESTAMP without time zone and hold UTC.
        after = self.period.end + timedelta(days=1)
        return self.period.start, after, self.model_group, self.api_key, self.end_user


class LatenciesStore:
    """Deployments are named by their address, or else id. Raises what `ReportReader` does."""

    def __init__(self, reader: ReportReader) -> None:
        self._reader = reader

    async def seconds_per_token(self, choice: MeasuredChoice) -> list[Record]:
        """The mean of seconds per generated token, per day and deployment."""
        ended = _SECONDS.format('"endTime"')
        return await self._mean(choice, f"{ended} / completion_tokens", "completion_tokens > 0")

    async def seconds_to_first_token(self, choice: MeasuredChoice) -> list[Record]:
        """The mean of seconds until a stream began, per day and deployment."""
        streamed = '"completionStartTime" > "startTime" AND "completionStartTime" < "endTime"'
        return await self._mean(choice, _SECONDS.format('"completionStartTime"'), streamed)

    async def count_slow(self, choice: MeasuredChoice, seconds: float) -> list[Record]:
        """How many requests each deployment answered, and how many of them took longer than `seconds`."""
        sql = f"""
            SELECT name, count(*) AS total,
                count(*) FILTER (WHERE {_SECONDS.format('"endTime"')} > $6) AS slow
            FROM ({_NEWEST}) measured GROUP BY name ORDER BY slow DESC, name LIMIT {_MOST_GROUPS}
            """  # noqa: S608  constants of this module
        return await self._reader.fetch(sql, *choice.arguments, seconds)

    async def count_exceptions(self, period: Period, model_group: str | None) -> list[Record]:
        """How often each deployment failed with what: each model group is one range of an index."""
        sql = f"""
            WITH RECURSIVE groups AS (
                SELECT min(model_group) AS name FROM "LiteLLM_ErrorLogs"
                UNION ALL
                SELECT (
                    SELECT min(e.model_group) FROM "LiteLLM_ErrorLogs" e WHERE e.model_group > groups.name
                ) FROM groups WHERE groups.name IS NOT NULL
            )
            SELECT COALESCE(NULLIF(api_base, ''), NULLIF(model_id, ''), litellm_model_name) AS name,
                exception_type, count(*) AS count
            FROM groups JOIN "LiteLLM_ErrorLogs" ON model_group = groups.name
            WHERE "startTime" >= $1 AND "startTime" < $2 AND ($3::text IS NULL OR groups.name = $3)
            GROUP BY 1, 2 ORDER BY count DESC, 1, 2 LIMIT {_MOST_GROUPS}
            """  # noqa: S608  constants of this module
        return await self._reader.fetch(sql, period.start, period.end + timedelta(days=1), model_group)

    async def _mean(self, choice: MeasuredChoice, seconds: str, measurable: str) -> list[Record]:
        sql = f"""
            SELECT "startTime"::date AS date, name, avg({seconds}) AS seconds FROM ({_NEWEST}) measured
            WHERE {measurable} GROUP BY 1, 2 ORDER BY 1, 2 LIMIT {_MOST_GROUPS}
            """  # noqa: S608  constants of this module
        return await self._reader.fetch(sql, *choice.arguments)
