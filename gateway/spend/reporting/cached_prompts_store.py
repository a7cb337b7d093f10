"""The SQL of requests whose prompts were read from, or written to, caches of providers."""

from datetime import datetime
from typing import Literal

import msgspec

from gateway.db.connection import Record
from gateway.spend.reporting.reader_store import ReportReader

__all__ = ["MOST_ROWS", "CachedPromptsStore", "PromptChoice"]

MOST_ROWS = 20_000
"""So many rows are looked at for a page: no index knows the counts of the metadata."""

# Rows that another program wrote may say anything there.
_COUNT = """CASE WHEN jsonb_typeof(metadata #> '{{additional_usage_values,{name}}}') = 'number'
    THEN LEAST((metadata #>> '{{additional_usage_values,{name}}}')::numeric, 1e15)::bigint ELSE 0 END"""
_READ = _COUNT.format(name="cache_read_input_tokens")
_WRITTEN = _COUNT.format(name="cache_creation_input_tokens")
_KINDS = {"all": "cache_read > 0 OR cache_written > 0", "hits": "cache_read > 0"}


class PromptChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Requests between two naive times of UTC; with `before` those behind the last one of a page."""

    start: datetime
    end: datetime
    kind: Literal["all", "injected", "hits"] = "all"
    before: datetime | None = None
    before_id: str | None = None


class CachedPromptsStore:
    """Reads spend rows, a bounded number of them. Raises what `ReportReader` does."""

    def __init__(self, reader: ReportReader) -> None:
        self._reader = reader

    async def list_page(self, choice: PromptChoice, limit: int) -> list[Record]:
        """The newest that match, at most `limit`, behind them the row at which looking ended.

        That one has `is_end`, and is there when more rows may be behind the ones that were looked at.
        """
        sql = f"""
            WITH newest AS MATERIALIZED (
                SELECT request_id, "startTime" AS started, model, model_group, custom_llm_provider, api_key,
                    team_id, "user", spend, prompt_tokens, completion_tokens,
                    {_READ} AS cache_read, {_WRITTEN} AS cache_written
                FROM "LiteLLM_SpendLogs"
                WHERE "startTime" >= $1 AND "startTime" <= $2
                    AND ($3::timestamp IS NULL OR ("startTime", request_id) < ($3::timestamp, $4::text))
                ORDER BY "startTime" DESC, request_id DESC LIMIT {MOST_ROWS}
            )
            (SELECT *, false AS is_end FROM newest WHERE {_KINDS[choice.kind]}
                ORDER BY started DESC, request_id DESC LIMIT $5)
            UNION ALL
            (SELECT *, true FROM newest ORDER BY started DESC, request_id DESC
                OFFSET {MOST_ROWS - 1} LIMIT 1)
            """  # noqa: S608  constants of this module
        return await self._reader.fetch(sql, choice.start, choice.end, choice.before, choice.before_id, limit)
