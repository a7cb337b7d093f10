"""The SQL of who uses what is tagged: users per tag and period, totals per tag, users of programs."""

from collections.abc import Sequence

import msgspec

from gateway.db.connection import Record
from gateway.spend.reporting.daily_store import TABLES
from gateway.spend.reporting.dates import Period
from gateway.spend.reporting.reader_store import ReportReader

__all__ = ["AGENT_TAG", "TagChoice", "TagUsersStore"]

AGENT_TAG = "User-Agent: "
"""How the tags begin that requests get from the header `User-Agent`."""

_TABLE = TABLES["tag"].name
_NANOS = "sum(round(t.spend * 1e9::float8)::bigint)::bigint AS nanos"
_COUNTS = """sum(api_requests)::bigint AS requests, sum(successful_requests)::bigint AS successful,
    sum(failed_requests)::bigint AS failed, sum(prompt_tokens + completion_tokens)::bigint AS tokens"""
# A key that is nobody's stands for one user; the daily rows of tags know keys only.
_USER = "COALESCE(NULLIF(k.user_id, ''), t.api_key)"
_CHOSEN = f"""
    FROM "{_TABLE}" t LEFT JOIN "LiteLLM_VerificationToken" k ON k.token = t.api_key
    WHERE date >= $1 AND date <= $2 AND tag <> ''
        AND ($3::text IS NULL OR strpos(lower(tag), lower($3)) > 0)
        AND ($4::text[] IS NULL OR tag = ANY($4))"""


class TagChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Which tags: those that contain `part`, in any case, and those of `names`; None narrows nothing."""

    part: str | None = None
    names: Sequence[str] | None = None


class TagUsersStore:
    """Reads daily rows of tags by their dates, in bounded groups. Raises what `ReportReader` does."""

    def __init__(self, reader: ReportReader) -> None:
        self._reader = reader

    async def count_users(self, period: Period, choice: TagChoice, days: int, limit: int) -> list[Record]:
        """Users per tag and step of so many days; `back` is 0 for the step that ends with the period."""
        sql = f"""
            SELECT tag, ($2::text::date - date::date) / $5 AS back, count(DISTINCT {_USER}) AS users
            {_CHOSEN}
            GROUP BY 1, 2 ORDER BY back, users DESC, tag LIMIT $6"""
        return await self._reader.fetch(sql, *_arguments(period, choice), days, limit)

    async def total_of_tags(self, period: Period, choice: TagChoice, limit: int) -> list[Record]:
        """Users, requests, tokens and nano-dollars per tag, of the tags with most requests."""
        sql = f"""
            SELECT tag, count(DISTINCT {_USER}) AS users, {_COUNTS}, {_NANOS}
            {_CHOSEN}
            GROUP BY tag ORDER BY requests DESC, tag LIMIT $5"""
        return await self._reader.fetch(sql, *_arguments(period, choice), limit)

    async def list_users(
        self, period: Period, choice: TagChoice, limit: int, offset: int
    ) -> tuple[list[Record], int]:
        """A page of users with the programs that they use, most requests first, and how many there are."""
        sql = f"""
            WITH found AS MATERIALIZED (
                SELECT {_USER} AS user_id, tag, {_COUNTS}, {_NANOS} {_CHOSEN} AND starts_with(tag, $5)
                GROUP BY 1, 2
            ), page AS (
                SELECT * FROM found ORDER BY requests DESC, user_id, tag LIMIT $6 OFFSET $7
            )
            SELECT page.*, u.user_email, counted.rows
            FROM (SELECT count(*) AS rows FROM found) counted
            LEFT JOIN page ON true LEFT JOIN "LiteLLM_UserTable" u USING (user_id)
            ORDER BY requests DESC, user_id, tag"""  # noqa: S608  constants of this module
        rows = await self._reader.fetch(sql, *_arguments(period, choice), AGENT_TAG, limit, offset)
        return [row for row in rows if row["user_id"] is not None], rows[0]["rows"]


def _arguments(period: Period, choice: TagChoice) -> tuple[object, ...]:
    names = None if choice.names is None else list(choice.names)
    return (*period.bounds, choice.part, names)
