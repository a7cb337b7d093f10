"""The SQL of what providers had in their caches, per key and model."""

from collections.abc import Sequence

from gateway.db.connection import Record
from gateway.spend.reporting.daily_store import TABLES
from gateway.spend.reporting.dates import Period
from gateway.spend.reporting.reader_store import ReportReader

__all__ = ["CacheStore"]


class CacheStore:
    """Reads the daily rows of users. Raises what `ReportReader` does."""

    def __init__(self, reader: ReportReader) -> None:
        self._reader = reader

    async def list_groups(
        self,
        period: Period,
        user_id: str | None,
        key_aliases: Sequence[str],
        models: Sequence[str],
        limit: int,
    ) -> list[Record]:
        """Sums per key and model, those with the most requests first; empty lists choose all."""
        given: list[object] = [*period.bounds, limit]
        conditions: list[str] = []
        for condition, value in (
            ("AND d.user_id = {}", user_id),
            ("AND d.model = ANY({}::text[])", list(models)),
            ("AND k.key_alias = ANY({}::text[])", list(key_aliases)),
        ):
            if value:
                given.append(value)
                conditions.append(condition.format(f"${len(given)}"))
        sql = f"""
            SELECT d.api_key, k.key_alias, COALESCE(d.model, '') AS model,
                sum(d.api_requests)::bigint AS requests, sum(d.failed_requests)::bigint AS failed,
                sum(d.prompt_tokens)::bigint AS prompt_tokens,
                sum(d.cache_read_input_tokens)::bigint AS cached_tokens,
                sum(d.completion_tokens)::bigint AS completion_tokens
            FROM "{TABLES["user"].name}" d LEFT JOIN "LiteLLM_VerificationToken" k ON k.token = d.api_key
            WHERE d.date >= $1 AND d.date <= $2 {" ".join(conditions)}
            GROUP BY 1, 2, 3 ORDER BY requests DESC, 1, 3 LIMIT $3"""  # noqa: S608  constants of this module
        return await self._reader.fetch(sql, *given)
