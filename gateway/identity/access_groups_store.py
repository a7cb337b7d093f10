"""Which teams and keys an access group is given to: both sides of the link are stored."""

from collections.abc import Sequence
from enum import StrEnum

from gateway.db.engine import Database

__all__ = ["AccessGroupLinks", "Assigned"]

_UNKNOWN = """
SELECT asked.id FROM unnest($1::text[]) AS asked(id)
WHERE NOT EXISTS (SELECT 1 FROM "LiteLLM_AccessGroupTable" g WHERE g.access_group_id = asked.id)
"""
_OPENED = """
SELECT ARRAY(SELECT DISTINCT unnest(access_model_names) FROM "LiteLLM_AccessGroupTable"
             WHERE access_group_id = ANY ($1::text[]) ORDER BY 1) AS models,
    ARRAY(SELECT DISTINCT unnest(access_mcp_server_ids) FROM "LiteLLM_AccessGroupTable"
          WHERE access_group_id = ANY ($1::text[]) ORDER BY 1) AS mcp_server_ids,
    ARRAY(SELECT DISTINCT unnest(access_agent_ids) FROM "LiteLLM_AccessGroupTable"
          WHERE access_group_id = ANY ($1::text[]) ORDER BY 1) AS agent_ids
"""
# In the order of their ids, so that two requests cannot wait for each other.
_ASSIGN = """
WITH held AS (
    SELECT access_group_id FROM "LiteLLM_AccessGroupTable"
    WHERE access_group_id = ANY ($2::text[]) OR $1 = ANY ({column}) ORDER BY access_group_id FOR UPDATE
)
UPDATE "LiteLLM_AccessGroupTable" g
SET {column} = CASE WHEN g.access_group_id = ANY ($2::text[])
    THEN array_append(array_remove(g.{column}, $1), $1) ELSE array_remove(g.{column}, $1) END
FROM held WHERE g.access_group_id = held.access_group_id
"""


class Assigned(StrEnum):
    """What a group is given to, by the group's column."""

    TEAMS = "assigned_team_ids"
    KEYS = "assigned_key_ids"


class AccessGroupLinks:
    """Keeps the groups' side of `access_group_ids`. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_unknown(self, group_ids: Sequence[str]) -> list[str]:
        """Those of the ids that no access group has."""
        rows = await self._database.fetch(_UNKNOWN, list(group_ids))
        return [row["id"] for row in rows]

    async def find_opened(self, group_ids: Sequence[str]) -> dict[str, list[str]]:
        """What these groups open together: `models`, `mcp_server_ids` and `agent_ids`, sorted."""
        row = await self._database.fetch_row(_OPENED, list(group_ids)) if group_ids else None
        names = ("models", "mcp_server_ids", "agent_ids")
        return {name: [] if row is None else list(row[name]) for name in names}

    async def assign(self, owners: Assigned, owner_id: str, group_ids: Sequence[str]) -> None:
        """Make the owner's groups exactly these."""
        await self._database.execute(_ASSIGN.format(column=owners.value), owner_id, list(group_ids))
