"""The SQL of totals: what was spent per day, key, model, provider, team, tag and customer."""

from collections.abc import Sequence

from gateway.db.connection import Record
from gateway.spend.reporting.daily_store import TABLES
from gateway.spend.reporting.dates import Period
from gateway.spend.reporting.reader_store import ReportReader

__all__ = ["TotalsStore"]

_NANOS = "sum(round(spend * 1e9::float8)::bigint)::bigint AS nanos"
_TOKENS = "sum(prompt_tokens + completion_tokens)::bigint AS total_tokens"
_COUNT = "sum(api_requests)::bigint AS api_requests"
_USERS = TABLES["user"].name
_DAYS = "date >= $1 AND date <= $2"


class TotalsStore:
    """Reads daily tables, a bounded number of rows each. Raises what `ReportReader` does."""

    def __init__(self, reader: ReportReader) -> None:
        self._reader = reader

    async def total_of_days(self, period: Period, api_key: str | None, user_id: str | None) -> list[Record]:
        """Nano-dollars, requests and tokens per day, the oldest first; of a key or a user, or of all."""
        sql = f"""
            SELECT date, {_NANOS}, {_COUNT}, {_TOKENS} FROM "{_USERS}"
            WHERE {_DAYS}{_only("api_key", 3, api_key)}{_only("user_id", 3 + bool(api_key), user_id)}
            GROUP BY date ORDER BY date"""  # noqa: S608  constants of this module
        given = [value for value in (api_key, user_id) if value]
        return await self._reader.fetch(sql, *period.bounds, *given)

    async def total_of_provider(self, period: Period, provider: str) -> list[Record]:
        """Nano-dollars per day of a provider's models, the oldest first."""
        sql = f"""
            SELECT date, {_NANOS} FROM "{_USERS}" WHERE {_DAYS} AND custom_llm_provider = $3
            GROUP BY date ORDER BY date"""  # noqa: S608  constants of this module
        return await self._reader.fetch(sql, *period.bounds, provider)

    async def total_of_models(self, period: Period, user_id: str | None, limit: int) -> list[Record]:
        """Requests and tokens per model group and day, of the models that were asked most."""
        of_user = _only("user_id", 4, user_id)
        sql = f"""
            WITH chosen AS MATERIALIZED (
                SELECT COALESCE(NULLIF(model_group, ''), model) AS model, date, {_COUNT}, {_TOKENS}
                FROM "{_USERS}" WHERE {_DAYS}{of_user} GROUP BY 1, 2
            ), top AS (
                SELECT model, row_number() OVER (ORDER BY sum(api_requests) DESC, model) AS place
                FROM chosen WHERE model <> '' GROUP BY model ORDER BY place LIMIT $3
            )
            SELECT model, date, api_requests, total_tokens FROM chosen JOIN top USING (model)
            ORDER BY place, date"""  # noqa: S608  constants of this module
        return await self._reader.fetch(sql, *period.bounds, limit, *([user_id] if user_id else []))

    async def top_keys(self, period: Period, limit: int) -> list[Record]:
        """The keys that spent most, with their names."""
        sql = f"""
            SELECT top.api_key, k.key_alias, k.key_name, top.nanos FROM (
                SELECT api_key, {_NANOS} FROM "{_USERS}" WHERE {_DAYS}
                GROUP BY api_key ORDER BY nanos DESC, api_key LIMIT $3
            ) top LEFT JOIN "LiteLLM_VerificationToken" k ON k.token = top.api_key
            ORDER BY top.nanos DESC, top.api_key"""  # noqa: S608  constants of this module
        return await self._reader.fetch(sql, *period.bounds, limit)

    async def top_of(
        self, kind: str, column: str, period: Period, limit: int, *, api_key: str | None = None
    ) -> list[Record]:
        """Totals per value of a column of the daily table of a kind, the dearest first, as `name`."""
        sql = f"""
            SELECT {column} AS name, {_NANOS}, {_COUNT} FROM "{TABLES[kind].name}"
            WHERE {_DAYS} AND {column} <> ''{_only("api_key", 4, api_key)}
            GROUP BY {column} ORDER BY nanos DESC, 1 LIMIT $3"""  # noqa: S608  constants of callers
        return await self._reader.fetch(sql, *period.bounds, limit, *([api_key] if api_key else []))

    async def total_of_tags(self, period: Period, tags: Sequence[str] | None, limit: int) -> list[Record]:
        """Totals per tag, of some tags or of those that spent most."""
        named = " AND tag = ANY($4::text[])" if tags else ""
        sql = f"""
            SELECT tag AS name, {_NANOS}, {_COUNT} FROM "{TABLES["tag"].name}"
            WHERE {_DAYS} AND tag <> ''{named} GROUP BY tag ORDER BY nanos DESC, 1 LIMIT $3
            """  # noqa: S608  constants of this module
        return await self._reader.fetch(sql, *period.bounds, limit, *([list(tags)] if tags else []))

    async def tags_of_keys(self, period: Period, user_id: str | None, limit: int) -> list[Record]:
        """Totals per tag of all requests, or of those with the keys of one user."""
        narrowed = ""
        if user_id:
            narrowed = ' AND api_key IN (SELECT token FROM "LiteLLM_VerificationToken" WHERE user_id = $4)'
        sql = f"""
            SELECT tag AS name, {_NANOS}, {_COUNT} FROM "{TABLES["tag"].name}"
            WHERE {_DAYS} AND tag <> ''{narrowed} GROUP BY tag ORDER BY nanos DESC, 1 LIMIT $3
            """  # noqa: S608  constants of this module
        given = [user_id] if user_id else []
        return await self._reader.fetch(sql, *period.bounds, limit, *given)

    async def list_entities(self, kind: str, limit: int) -> list[str]:
        """The names in the daily table of a kind, sorted; each is one step in an index."""
        table, name = TABLES[kind].name, TABLES[kind].entity
        sql = f"""
            WITH RECURSIVE found AS (
                SELECT min({name}) AS name FROM "{table}"
                UNION ALL
                SELECT (SELECT min(t.{name}) FROM "{table}" t WHERE t.{name} > found.name) FROM found
                WHERE found.name IS NOT NULL
            )
            SELECT name FROM found WHERE name <> '' LIMIT $1"""  # noqa: S608  constants of this module
        return [row["name"] for row in await self._reader.fetch(sql, limit)]

    async def total_of_teams(self, period: Period, most: int) -> list[Record]:
        """Totals per team and day, of the teams that spent most; `name` is the alias or the id."""
        sql = f"""
            WITH chosen AS MATERIALIZED (
                SELECT team_id, date, {_NANOS} FROM "{TABLES["team"].name}"
                WHERE {_DAYS} AND team_id <> '' GROUP BY 1, 2
            ), top AS (
                SELECT team_id, sum(nanos) AS total FROM chosen GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT $3
            )
            SELECT team_id, date, nanos, COALESCE(NULLIF(t.team_alias, ''), team_id) AS name
            FROM chosen JOIN top USING (team_id) LEFT JOIN "LiteLLM_TeamTable" t USING (team_id)
            ORDER BY date, top.total DESC, team_id"""  # noqa: S608  constants of this module
        return await self._reader.fetch(sql, *period.bounds, most)

    async def total_of_routes(self, period: Period) -> list[Record]:
        """Requests per day and endpoint that went well and that failed."""
        sql = f"""
            SELECT date, COALESCE(NULLIF(endpoint, ''), 'unknown') AS route,
                sum(successful_requests)::bigint AS successful, sum(failed_requests)::bigint AS failed
            FROM "{_USERS}" WHERE {_DAYS} GROUP BY 1, 2 ORDER BY 1, 2 LIMIT 20000
            """  # noqa: S608  constants of this module
        return await self._reader.fetch(sql, *period.bounds)


def _only(column: str, place: int, value: str | None) -> str:
    return f" AND {column} = ${place}" if value else ""
