"""The queries of customers."""

from collections.abc import Sequence

from gateway.db.engine import Database
from gateway.db.rows import Rows
from gateway.db.tables.users import EndUserTable

__all__ = ["CustomerRecords"]

_BLOCK = """
INSERT INTO "LiteLLM_EndUserTable" AS t (user_id, blocked)
SELECT id, TRUE FROM unnest($1::text[]) AS w (id) ORDER BY id COLLATE "C"
ON CONFLICT (user_id) DO UPDATE SET blocked = TRUE
RETURNING t.user_id, xmax = 0 AS is_new
"""
_UNBLOCK = 'UPDATE "LiteLLM_EndUserTable" SET blocked = FALSE WHERE user_id = ANY ($1)'


class CustomerRecords(Rows):
    """Reads and writes customers. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        super().__init__(EndUserTable)
        self._database = database

    async def block(self, user_ids: Sequence[str]) -> list[str]:
        """Block customers, those whom nobody has heard of too; returns the ids of the latter."""
        rows = await self._database.fetch(_BLOCK, list(user_ids))
        return [row["user_id"] for row in rows if row["is_new"]]

    async def unblock(self, user_ids: Sequence[str]) -> None:
        """Unblock customers that are locked."""
        await self._database.execute(_UNBLOCK, list(user_ids))
