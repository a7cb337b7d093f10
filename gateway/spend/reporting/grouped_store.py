"""The SQL of `spend/report`: per day and team or customer, and per key, each with its details."""

from collections.abc import Sequence

import msgspec

from gateway.db.connection import Record
from gateway.spend.reporting.daily_store import TABLES
from gateway.spend.reporting.dates import Period
from gateway.spend.reporting.reader_store import ReportReader

__all__ = ["GroupedStore", "KeyFilter"]

_NANOS = "sum(round(spend * 1e9::float8)::bigint)::bigint AS nanos"
_TOKENS = """sum(prompt_tokens)::bigint AS prompt_tokens,
    sum(completion_tokens)::bigint AS completion_tokens"""
_DAYS = "date >= $1 AND date <= $2"
_NAMES = {
    "team": """COALESCE(NULLIF((SELECT t.team_alias FROM "LiteLLM_TeamTable" t
        WHERE t.team_id = found.entity), ''), entity)""",
    "customer": "entity",
}


class KeyFilter(msgspec.Struct, frozen=True):
    """Whose keys: of which daily table, and whose id in it, or one key."""

    kind: str = "user"
    entity: str | None = None
    api_key: str | None = None


class GroupedStore:
    """Reads daily tables. Raises what `ReportReader` does."""

    def __init__(self, reader: ReportReader) -> None:
        self._reader = reader

    async def list_days(self, kind: str, period: Period, limit: int) -> list[Record]:
        """Totals per day and entity (`model` NULL), and of their keys and models; at most so many of each."""
        table = TABLES[kind]
        sql = f"""
            WITH chosen AS MATERIALIZED (
                SELECT date, {table.entity} AS entity, api_key, COALESCE(model, '') AS model, {_NANOS},
                    {_TOKENS}
                FROM "{table.name}" WHERE {_DAYS} AND {table.entity} <> '' GROUP BY 1, 2, 3, 4
            ), found AS (
                (SELECT date, entity, NULL::text AS api_key, NULL::text AS model, sum(nanos)::bigint AS nanos,
                    0::bigint AS total_tokens
                 FROM chosen GROUP BY date, entity ORDER BY date DESC, nanos DESC LIMIT $3)
                UNION ALL
                (SELECT date, entity, api_key, model, nanos, prompt_tokens + completion_tokens
                 FROM chosen ORDER BY date DESC, nanos DESC LIMIT $3)
            )
            SELECT *, {_NAMES[kind]} AS name FROM found
            ORDER BY date, model IS NOT NULL, nanos DESC, entity, api_key, model
            """  # noqa: S608  constants of this module
        return await self._reader.fetch(sql, *period.bounds, limit)

    async def list_keys(self, chosen: KeyFilter, period: Period, limit: int) -> list[Record]:
        """Totals per key and model, of the keys that spent most."""
        table = TABLES[chosen.kind]
        given: list[object] = [*period.bounds, limit]
        where: list[str] = [_DAYS]
        for column, value in ((table.entity, chosen.entity), ("api_key", chosen.api_key)):
            if value is not None:
                given.append(value)
                where.append(f"{column} = ${len(given)}")
        sql = f"""
            WITH chosen AS MATERIALIZED (
                SELECT api_key, COALESCE(model, '') AS model, {_NANOS}, {_TOKENS}
                FROM "{table.name}" WHERE {" AND ".join(where)} GROUP BY 1, 2
            ), top AS (
                SELECT api_key, sum(nanos) AS total FROM chosen GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT $3
            )
            SELECT chosen.* FROM chosen JOIN top USING (api_key)
            ORDER BY top.total DESC, api_key, nanos DESC, model"""  # noqa: S608  constants of this module
        return await self._reader.fetch(sql, *given)

    async def list_team_users(self, period: Period, teams: Sequence[str], limit: int) -> list[Record]:
        """Totals per team and user; the user is whom the key belongs to now, or did when it was deleted."""
        table = TABLES["team"]
        sql = f"""
            WITH chosen AS MATERIALIZED (
                SELECT team_id, api_key, {_NANOS}, {_TOKENS}, sum(api_requests)::bigint AS api_requests
                FROM "{table.name}" WHERE {_DAYS} AND team_id = ANY($4::text[]) GROUP BY 1, 2
            ), owned AS (
                SELECT c.*, COALESCE(
                    (SELECT k.user_id FROM "LiteLLM_VerificationToken" k WHERE k.token = c.api_key),
                    (SELECT d.user_id FROM "LiteLLM_DeletedVerificationToken" d WHERE d.token = c.api_key
                     ORDER BY d.deleted_at DESC LIMIT 1), '') AS user_id
                FROM chosen c
            )
            SELECT team_id, user_id, sum(nanos)::bigint AS nanos, sum(prompt_tokens)::bigint AS prompt_tokens,
                sum(completion_tokens)::bigint AS completion_tokens, sum(api_requests)::bigint AS api_requests
            FROM owned GROUP BY 1, 2 ORDER BY nanos DESC, 1, 2 LIMIT $3
            """  # noqa: S608  constants of this module
        return await self._reader.fetch(sql, *period.bounds, limit, list(teams))
