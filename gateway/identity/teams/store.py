"""The queries of teams and their members."""

from collections.abc import Mapping, Sequence

import msgspec

from gateway.db.engine import Database
from gateway.db.rows import Columns, Rows
from gateway.db.tables.keys import VerificationToken
from gateway.db.tables.teams import TeamTable

__all__ = ["TeamRecords"]

_encode = msgspec.json.Encoder().encode

_SET_ALIASES = """
UPDATE "LiteLLM_ModelTable" SET aliases = $2::jsonb, updated_by = $3, updated_at = now() AT TIME ZONE 'UTC'
WHERE id = $1
"""
_ADD_ALIASES = """
INSERT INTO "LiteLLM_ModelTable" (aliases, created_by, updated_by, updated_at)
VALUES ($1::jsonb, $2, $2, now() AT TIME ZONE 'UTC') RETURNING id
"""
_ALIASES = 'SELECT id, aliases FROM "LiteLLM_ModelTable" WHERE id = ANY ($1::int[])'
_ENTER = """
INSERT INTO "LiteLLM_TeamMembership" (user_id, team_id, budget_id)
SELECT user_id, $2, budget_id FROM unnest($1::text[], $3::text[]) AS entering (user_id, budget_id)
ORDER BY user_id COLLATE "C"
ON CONFLICT (user_id, team_id) DO UPDATE
SET budget_id = COALESCE(excluded.budget_id, "LiteLLM_TeamMembership".budget_id)
RETURNING user_id, xmax = 0 AS is_new
"""
_ENTER_ALL = """
INSERT INTO "LiteLLM_TeamMembership" (user_id, team_id, budget_id)
SELECT $1, team_id, budget_id FROM unnest($2::text[], $3::text[]) AS entering (team_id, budget_id)
ORDER BY team_id COLLATE "C"
ON CONFLICT (user_id, team_id) DO UPDATE
SET budget_id = COALESCE(excluded.budget_id, "LiteLLM_TeamMembership".budget_id)
RETURNING team_id, xmax = 0 AS is_new
"""
_SET_MEMBERS = """
UPDATE "LiteLLM_TeamTable" t SET members_with_roles = new.members, updated_at = now() AT TIME ZONE 'UTC'
FROM unnest($1::text[], $2::jsonb[]) AS new (team_id, members) WHERE t.team_id = new.team_id RETURNING t.*
"""
# Locked in the order in which the drain locks them.
_LINK_MEMBERS = """
WITH held AS (
    SELECT user_id FROM "LiteLLM_TeamMembership" WHERE team_id = $1 AND budget_id IS NULL
    ORDER BY user_id COLLATE "C" FOR NO KEY UPDATE
)
UPDATE "LiteLLM_TeamMembership" m SET budget_id = $2 FROM held
WHERE m.team_id = $1 AND m.user_id = held.user_id
"""
_MEMBERSHIPS = """
SELECT user_id, team_id, spend, total_spend, budget_id FROM "LiteLLM_TeamMembership"
WHERE team_id = ANY ($1::text[]) AND ($2::text[] IS NULL OR user_id = ANY ($2)) ORDER BY team_id, user_id
"""
_KEYS = 'SELECT token FROM "LiteLLM_VerificationToken" WHERE team_id = $1 AND token = ANY ($2::text[])'
_OF_USER = """
SELECT team_id FROM "LiteLLM_TeamTable"
WHERE members_with_roles @> jsonb_build_array(jsonb_build_object('user_id', $1::text))
ORDER BY team_id LIMIT $2
"""
_ADMINISTERS = """
SELECT EXISTS (
    SELECT FROM "LiteLLM_UserTable" u JOIN "LiteLLM_TeamTable" t ON t.team_id = ANY (u.teams)
    WHERE u.user_id = $1
        AND t.members_with_roles
            @> jsonb_build_array(jsonb_build_object('user_id', $1::text, 'role', 'admin'))
)
"""


class TeamRecords(Rows):
    """Reads and writes teams. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        super().__init__(TeamTable)
        self._database = database
        self._keys = Rows(VerificationToken)

    async def save_aliases(self, model_id: int | None, aliases: str, actor: str) -> int:
        """Store model aliases, as JSON, in the row that a team links, or in a new one; returns its id."""
        if model_id is None:
            return await self._database.fetch_value(_ADD_ALIASES, aliases, actor)
        await self._database.execute(_SET_ALIASES, model_id, aliases, actor)
        return model_id

    async def find_aliases(self, model_ids: Sequence[int | None]) -> dict[int, str]:
        """The model aliases in these rows, as JSON, by the id of the row."""
        wanted = [model_id for model_id in model_ids if model_id is not None]
        if not wanted:
            return {}
        return {row["id"]: row["aliases"] or "{}" for row in await self._database.fetch(_ALIASES, wanted)}

    async def enter(self, team_id: str, budgets: Mapping[str, str | None]) -> list[str]:
        """Make memberships, in which the members' spend is counted, with the budgets that limit them.

        `budgets` are by user. Returns the users who had none; their accounts are to be opened.
        """
        rows = await self._database.fetch(_ENTER, list(budgets), team_id, list(budgets.values()))
        return [row["user_id"] for row in rows if row["is_new"]]

    async def enter_all(self, user_id: str, budgets: Mapping[str, str | None]) -> list[str]:
        """Make memberships of one user, with the budgets by team; returns the teams where there was none."""
        rows = await self._database.fetch(_ENTER_ALL, user_id, list(budgets), list(budgets.values()))
        return [row["team_id"] for row in rows if row["is_new"]]

    async def set_members(self, members: Mapping[str, Sequence[object]]) -> list[Columns]:
        """Say who is in teams that are held for change; returns the teams."""
        lists = [_encode(one).decode() for one in members.values()]
        return [
            self.read(dict(row)) for row in await self._database.fetch(_SET_MEMBERS, list(members), lists)
        ]

    async def link_members(self, team_id: str, budget_id: str) -> None:
        """Give a budget to the members who have none."""
        await self._database.execute(_LINK_MEMBERS, team_id, budget_id)

    async def list_memberships(
        self, teams: Sequence[str], users: Sequence[str] | None = None
    ) -> list[Columns]:
        """The memberships of teams, of all members or of some."""
        rows = await self._database.fetch(_MEMBERSHIPS, list(teams), None if users is None else list(users))
        return [dict(row) for row in rows]

    async def list_keys(self, team_id: str, most: int) -> list[Columns]:
        """At most so many keys of a team."""
        return await self._keys.find_all("team_id", team_id, most)

    async def find_keys(self, team_id: str, tokens: Sequence[str]) -> list[str]:
        """Those of the keys, by hash, that belong to a team."""
        rows = await self._database.fetch(_KEYS, team_id, list(tokens))
        return [row["token"] for row in rows]

    async def is_any_admin(self, user_id: str) -> bool:
        """Whether the user is the admin of one of its teams."""
        return await self._database.fetch_value(_ADMINISTERS, user_id)

    async def list_of_user(self, user_id: str, most: int) -> list[str]:
        """At most so many ids of the teams that a user is a member of."""
        return [row["team_id"] for row in await self._database.fetch(_OF_USER, user_id, most)]
