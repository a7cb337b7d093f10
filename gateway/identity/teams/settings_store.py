"""The queries of the settings that many teams get at once."""

from collections.abc import Sequence

from gateway.db.engine import Database
from gateway.db.rows import Columns

__all__ = ["TeamSettingRecords"]

_LOCK = """
SELECT team_id FROM "LiteLLM_TeamTable"
WHERE ($1::text[] IS NULL OR team_id = ANY ($1)) AND ($2::text[] IS NULL OR organization_id = ANY ($2))
    AND NOT $3::text[] <@ COALESCE(team_member_permissions, '{}')
ORDER BY team_id COLLATE "C" FOR NO KEY UPDATE
"""
_APPEND = """
WITH before AS (
    SELECT team_id, COALESCE(team_member_permissions, '{}') AS permissions FROM "LiteLLM_TeamTable"
    WHERE team_id = ANY ($1::text[])
)
UPDATE "LiteLLM_TeamTable" t SET updated_at = now() AT TIME ZONE 'UTC', team_member_permissions =
    before.permissions || ARRAY(SELECT name FROM unnest($2::text[]) AS name
                                WHERE name <> ALL (before.permissions))
FROM before WHERE t.team_id = before.team_id
RETURNING t.team_id, before.permissions AS before, t.team_member_permissions AS after
"""


class TeamSettingRecords:
    """Used inside a transaction. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append_permissions(
        self, team_ids: Sequence[str] | None, organizations: Sequence[str] | None, permissions: Sequence[str]
    ) -> list[Columns]:
        """Give permissions to the members of teams: the named or all, of some organizations or any.

        Returns the teams that did not have all of them, with their permissions `before` and `after`.
        """
        args = [None if names is None else list(names) for names in (team_ids, organizations)]
        wanted = list(permissions)
        held = [row["team_id"] for row in await self._database.fetch(_LOCK, *args, wanted)]
        rows = await self._database.fetch(_APPEND, held, wanted) if held else []
        return [dict(row) for row in rows]
