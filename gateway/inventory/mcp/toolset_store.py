"""The queries of toolsets."""

from collections.abc import Sequence

from gateway.db.engine import Database
from gateway.db.rows import Rows
from gateway.db.tables.mcp import MCPToolsetTable

__all__ = ["ToolsetRecords"]

# Who takes names waits for whoever takes some at the same time.
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('gatewright.mcp_toolset_names'))"
_IS_TAKEN = """
SELECT EXISTS (
    SELECT 1 FROM "LiteLLM_MCPToolsetTable"
    WHERE toolset_id <> $1 AND (toolset_name = $2 OR toolset_id = $2 OR toolset_name = $1)
)
"""
_MISSING = """
SELECT id FROM unnest($1::text[]) AS asked (id)
WHERE NOT EXISTS (SELECT 1 FROM "LiteLLM_MCPServerTable" WHERE server_id = id) ORDER BY id
"""


class ToolsetRecords(Rows):
    """Reads and writes toolsets. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        super().__init__(MCPToolsetTable)
        self._database = database

    async def is_taken(self, identifier: str, name: str) -> bool:
        """Whether another toolset has a name; nobody else takes one before the transaction ends."""
        await self._database.execute(_LOCK)
        return bool(await self._database.fetch_value(_IS_TAKEN, identifier, name))

    async def list_missing(self, servers: Sequence[str]) -> list[str]:
        """Those of these ids that no server of the database has."""
        return [row["id"] for row in await self._database.fetch(_MISSING, list(servers))]
