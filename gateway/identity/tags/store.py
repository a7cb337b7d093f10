"""The queries of tags: those that were made, and those that requests have carried."""

import msgspec

from gateway.db.engine import Database
from gateway.db.rows import Columns, Rows
from gateway.db.tables.budgets import TagTable

__all__ = ["Days", "TagRecords"]

# One step of an index per tag, however many rows a tag has; it ends when the page is full. The order is
# that of the steps: with EXISTS in the place of scalars a hash join could lose it.
_ALL = """
WITH RECURSIVE seen AS (
    (SELECT tag FROM "LiteLLM_DailyTagSpend" WHERE tag > $1 ORDER BY tag LIMIT 1)
    UNION ALL
    SELECT (SELECT d.tag FROM "LiteLLM_DailyTagSpend" d WHERE d.tag > seen.tag ORDER BY d.tag LIMIT 1)
    FROM seen WHERE seen.tag IS NOT NULL
), named AS (
    SELECT tag FROM seen WHERE tag IS NOT NULL
        AND (SELECT t.tag_name FROM "LiteLLM_TagTable" t WHERE t.tag_name = seen.tag) IS NULL
        AND ($3::text IS NULL OR (SELECT d.tag FROM "LiteLLM_DailyTagSpend" d
            WHERE d.tag = seen.tag AND d.date >= $3 AND d.date <= $4 LIMIT 1) IS NOT NULL)
    LIMIT $2
)
SELECT named.tag, FALSE AS is_made, first.created_at, last.updated_at FROM named
CROSS JOIN LATERAL (SELECT d.created_at FROM "LiteLLM_DailyTagSpend" d
    WHERE d.tag = named.tag ORDER BY d.date LIMIT 1) first
CROSS JOIN LATERAL (SELECT d.updated_at FROM "LiteLLM_DailyTagSpend" d
    WHERE d.tag = named.tag ORDER BY d.date DESC LIMIT 1) last
UNION ALL
(SELECT tag_name, TRUE, created_at, updated_at FROM "LiteLLM_TagTable"
    WHERE tag_name > $1 ORDER BY tag_name LIMIT $2)
ORDER BY tag LIMIT $2
"""
_OF_USER = """
SELECT d.tag, EXISTS (SELECT FROM "LiteLLM_TagTable" t WHERE t.tag_name = d.tag) AS is_made,
    min(d.created_at) AS created_at, max(d.updated_at) AS updated_at
FROM "LiteLLM_VerificationToken" k JOIN "LiteLLM_DailyTagSpend" d ON d.api_key = k.token
WHERE k.user_id = $1 AND d.tag > $2 AND ($4::text IS NULL OR (d.date >= $4 AND d.date <= $5))
GROUP BY d.tag ORDER BY d.tag LIMIT $3
"""


class Days(msgspec.Struct, frozen=True):
    """The first and the last day that count, as `YYYY-MM-DD`."""

    first: str
    last: str


class TagRecords(Rows):
    """Reads and writes tags. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        super().__init__(TagTable)
        self._database = database

    async def list_names(self, after: str, most: int, days: Days | None) -> list[Columns]:
        """Tags that were made, and those that requests have carried (within these days), by name.

        Each as `tag`, `is_made`, `created_at` and `updated_at`; the times, naive UTC, of a tag that nobody
        has made are those of its first and its last day.
        """
        first, last = _bounds(days)
        return [dict(row) for row in await self._database.fetch(_ALL, after, most, first, last)]

    async def list_of_user(self, user_id: str, after: str, most: int, days: Days | None) -> list[Columns]:
        """Tags that requests with keys of a user have carried (within these days), as `list_names`."""
        first, last = _bounds(days)
        rows = await self._database.fetch(_OF_USER, user_id, after, most, first, last)
        return [dict(row) for row in rows]


def _bounds(days: Days | None) -> tuple[str | None, str | None]:
    return (None, None) if days is None else (days.first, days.last)
