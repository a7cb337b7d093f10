"""The SQL of what guardrails did: counts per day, and the requests that one of them saw."""

from collections.abc import Sequence

import msgspec

from gateway.db.connection import Record
from gateway.spend.reporting.dates import Period
from gateway.spend.reporting.reader_store import ReportReader

__all__ = ["GUARDRAILS", "POLICIES", "Counted", "GuardrailUsageStore", "LogChoice"]

_COUNTS = """sum(requests_evaluated)::bigint AS evaluated, sum(passed_count)::bigint AS passed,
    sum(blocked_count)::bigint AS blocked, sum(flagged_count)::bigint AS flagged"""
_MEANS = """sum(avg_score * requests_evaluated) / NULLIF(sum(requests_evaluated)
        FILTER (WHERE avg_score IS NOT NULL), 0) AS score,
    sum(avg_latency_ms * requests_evaluated) / NULLIF(sum(requests_evaluated)
        FILTER (WHERE avg_latency_ms IS NOT NULL), 0) AS latency"""


class Counted(msgspec.Struct, frozen=True):
    """What is counted per day: `name` for people, and the table with its key."""

    name: str
    table: str
    key: str


GUARDRAILS = Counted("guardrail", '"LiteLLM_DailyGuardrailMetrics"', "guardrail_id")
POLICIES = Counted("policy", '"LiteLLM_DailyPolicyMetrics"', "policy_id")


class LogChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Which requests: those that a guardrail or a policy saw, with one of `actions`; None narrows nothing."""

    guardrail: str | None = None
    policy: str | None = None
    actions: Sequence[str] | None = None


class GuardrailUsageStore:
    """Reads daily rows of guardrails or policies, and spend rows by their index.

    Raises what `ReportReader` does.
    """

    def __init__(self, reader: ReportReader, counted: Counted = GUARDRAILS) -> None:
        self._reader = reader
        self._counted = counted

    async def total(self, period: Period, limit: int) -> list[Record]:
        """Counts and means of each guardrail or policy, those with most requests first."""
        key, table = self._counted.key, self._counted.table
        sql = f"""
            SELECT {key} AS guardrail_id, {_COUNTS}, {_MEANS} FROM {table} WHERE date >= $1 AND date <= $2
            GROUP BY {key} ORDER BY evaluated DESC, {key} LIMIT $3"""  # noqa: S608  constants
        return await self._reader.fetch(sql, *period.bounds, limit)

    async def by_day(self, period: Period, guardrail: str | None) -> list[Record]:
        """Counts per day, of one guardrail or of all."""
        sql = f"""
            SELECT date, {_COUNTS}, {_MEANS} FROM {self._counted.table}
            WHERE date >= $1 AND date <= $2 AND ($3::text IS NULL OR {self._counted.key} = $3)
            GROUP BY date ORDER BY date"""  # noqa: S608  constants
        return await self._reader.fetch(sql, *period.bounds, guardrail)

    async def list_requests(
        self, period: Period, choice: LogChoice, limit: int, offset: int
    ) -> tuple[list[Record], int]:
        """A page of requests, the latest first, each with a run of the guardrail; and how many there are."""
        sql = """
            WITH seen AS MATERIALIZED (
                SELECT i.request_id, i.start_time, run
                FROM "LiteLLM_SpendLogGuardrailIndex" i
                JOIN "LiteLLM_SpendLogs" s ON s.request_id = i.request_id,
                LATERAL jsonb_array_elements(s.metadata -> 'guardrail_information') AS run
                WHERE i.start_time >= $1::text::timestamp
                    AND i.start_time < $2::text::timestamp + interval '1 day'
                    AND ($3::text IS NULL OR i.guardrail_id = $3)
                    AND ($4::text IS NULL OR i.policy_id = $4)
                    AND run ->> 'guardrail_name' = i.guardrail_id
                    AND ($5::text[] IS NULL OR run ->> 'guardrail_action' = ANY($5))
            ), page AS (
                SELECT * FROM seen ORDER BY start_time DESC, request_id, run ->> 'guardrail_mode'
                LIMIT $6 OFFSET $7
            )
            SELECT page.*, s.model, s.messages::text AS messages, s.response::text AS response, counted.rows
            FROM (SELECT count(*) AS rows FROM seen) counted LEFT JOIN page ON true
            LEFT JOIN "LiteLLM_SpendLogs" s USING (request_id)
            ORDER BY start_time DESC, request_id, run ->> 'guardrail_mode'"""
        actions = None if choice.actions is None else list(choice.actions)
        named = choice.guardrail, choice.policy, actions
        rows = await self._reader.fetch(sql, *period.bounds, *named, limit, offset)
        return [row for row in rows if row["request_id"] is not None], rows[0]["rows"]
