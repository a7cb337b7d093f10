"""The queries of the registry of tools."""

from collections.abc import Sequence

from gateway.db.engine import Database
from gateway.db.rows import Columns, Rows
from gateway.db.tables.guardrails import ToolTable
from gateway.ids import new_id

__all__ = ["ToolRecords"]

_FIND = 'SELECT tool_id FROM "LiteLLM_ToolTable" WHERE tool_name = $1'
_ADD = """
INSERT INTO "LiteLLM_ToolTable" (tool_id, tool_name, origin, created_by, updated_at)
VALUES ($1, $2, 'user_defined', $3, now() AT TIME ZONE 'UTC') ON CONFLICT (tool_name) DO NOTHING
"""
_LIST = """
SELECT tool_id FROM "LiteLLM_ToolTable" WHERE ($1::text IS NULL OR input_policy = $1)
ORDER BY last_used_at DESC NULLS LAST, tool_name LIMIT $2
"""
_COUNT = """
SELECT count(*) FROM "LiteLLM_ToolTable" WHERE ($1::text IS NULL OR input_policy = $1)
"""
_OWNERS = """
SELECT 'team' AS kind, t.team_id AS id, t.team_alias AS alias FROM "LiteLLM_ObjectPermissionTable" p
JOIN "LiteLLM_TeamTable" t USING (object_permission_id) WHERE p.blocked_tools @> ARRAY[$1::text]
UNION ALL SELECT 'key', k.token, k.key_alias FROM "LiteLLM_ObjectPermissionTable" p
JOIN "LiteLLM_VerificationToken" k USING (object_permission_id) WHERE p.blocked_tools @> ARRAY[$1::text]
ORDER BY kind, id LIMIT $2
"""


class ToolRecords(Rows):
    """Reads and writes tools. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        super().__init__(ToolTable)
        self._database = database

    async def find_named(self, name: str) -> Columns | None:
        """The tool with a name."""
        identifier = await self._database.fetch_value(_FIND, name)
        return None if identifier is None else await self.find(identifier)

    async def lock_named(self, name: str, actor: str | None) -> Columns:
        """The tool with a name, made if nobody has seen it yet, until the transaction ends."""
        await self._database.execute(_ADD, new_id(), name, actor)
        row = await self.lock(await self._database.fetch_value(_FIND, name))
        if row is None:
            raise LookupError(name)
        return row

    async def list_used(self, input_policy: str | None, most: int) -> Sequence[Columns]:
        """The tools that were used last, of one policy or of all."""
        found = await self._database.fetch(_LIST, input_policy, most)
        places = {row["tool_id"]: place for place, row in enumerate(found)}
        rows = await self.find_any(list(places))
        return sorted(rows, key=lambda row: places[row["tool_id"]])

    async def count(self, input_policy: str | None) -> int:
        """How many tools there are."""
        return await self._database.fetch_value(_COUNT, input_policy) or 0

    async def list_overrides(self, name: str, most: int) -> list[Columns]:
        """The teams and keys that may not bring a tool."""
        return [dict(row) for row in await self._database.fetch(_OWNERS, name, most)]
