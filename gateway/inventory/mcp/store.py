"""The queries of MCP servers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from gateway.catalog.stored_mcp import members_of
from gateway.db.connection import Record
from gateway.db.engine import Database
from gateway.db.rows import Columns, Rows
from gateway.db.sealing import Seal
from gateway.db.tables.mcp import MCPServerTable
from gateway.domain import MCP_VARIABLES
from gateway.inventory.mcp.secrets import split_secrets

__all__ = ["McpServerRecords"]

# Two that take the same name at once wait for each other, whatever they are called.
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('gatewright.mcp_server_names'))"
_IS_TAKEN = """
SELECT EXISTS (
    SELECT 1 FROM "LiteLLM_MCPServerTable" WHERE server_id <> $1
    AND ARRAY[server_id, replace(server_name, ' ', '_'), replace(alias, ' ', '_')] && $2::text[]
    AND COALESCE(approval_status, 'active') = ANY ($3::text[])
)
"""
_LIST = """
SELECT server_id FROM "LiteLLM_MCPServerTable" WHERE COALESCE(approval_status, 'active') = 'active'
ORDER BY created_at DESC, server_id LIMIT $1
"""
_NOTE_HEALTH = """
UPDATE "LiteLLM_MCPServerTable" s SET status = n.status, health_check_error = n.error, last_health_check = $4
FROM unnest($1::text[], $2::text[], $3::text[]) AS n (id, status, error) WHERE s.server_id = n.id
"""
_OBJECTS = ("mcp_info", "credentials", "tool_name_to_description", "tool_name_to_display_name")
_WAITING = """
SELECT count(*) FROM "LiteLLM_MCPServerTable" WHERE submitted_by = $1 AND approval_status = 'pending_review'
"""
_SUBMITTED = """
SELECT server_id FROM "LiteLLM_MCPServerTable"
WHERE submitted_at IS NOT NULL AND ($1::text IS NULL OR submitted_by = $1)
ORDER BY submitted_at DESC, server_id LIMIT $2
"""
_FORGET = 'DELETE FROM "LiteLLM_MCPUserCredentials" WHERE server_id = ANY ($1::text[])'


class McpServerRecords(Rows):
    """Reads and writes MCP servers. Raises DatabaseUnavailable."""

    def __init__(self, database: Database, seal: Seal) -> None:
        super().__init__(MCPServerTable)
        self._database = database
        self._seal = seal

    async def hold_names(self) -> None:
        """Let nobody else take names before the transaction ends."""
        await self._database.execute(_LOCK)

    async def is_taken(self, identifier: str, names: Sequence[str], statuses: Sequence[str]) -> bool:
        """Whether another server, whose `approval_status` is among these, has one of these names."""
        return bool(await self._database.fetch_value(_IS_TAKEN, identifier, list(names), list(statuses)))

    async def list_active(self, most: int) -> list[Columns]:
        """The servers that are no submissions, the newest first."""
        return await self._find_in_order(await self._database.fetch(_LIST, most))

    async def list_submitted(self, user_id: str | None, most: int) -> list[Columns]:
        """The servers that a user has submitted, or anybody has, the newest first."""
        return await self._find_in_order(await self._database.fetch(_SUBMITTED, user_id, most))

    async def count_waiting(self, user_id: str) -> int:
        """How many submissions of a user wait for review."""
        return await self._database.fetch_value(_WAITING, user_id) or 0

    async def _find_in_order(self, found: Sequence[Record]) -> list[Columns]:
        places = {row["server_id"]: place for place, row in enumerate(found)}
        return sorted(await self.find_any(list(places)), key=lambda row: places[row["server_id"]])

    def _read(self, row: dict[str, Any]) -> Columns:
        read = split_secrets(super()._read(row), self._seal)
        return {**read, **{name: members_of(read[name]) for name in _OBJECTS if name in read}}

    async def note_health(self, findings: Sequence[tuple[str, str, str | None]], now: datetime) -> None:
        """Write status and error of servers by their ids; `now` is naive UTC."""
        columns = [list(column) for column in zip(*findings, strict=True)]
        if columns:
            await self._database.execute(_NOTE_HEALTH, *columns, now)

    async def forget_credentials(self, identifier: str) -> None:
        """Delete what users have given for a server: another one of this id must not get it."""
        await self._database.execute(_FORGET, [identifier, identifier + MCP_VARIABLES])
