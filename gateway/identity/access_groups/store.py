"""The queries of access groups: the groups, whom they are given to, and what is in them."""

from collections.abc import Sequence

import msgspec

from gateway.db.engine import Database
from gateway.db.rows import Columns, Rows
from gateway.db.tables.permissions import AccessGroupTable
from gateway.domain import Scope, ScopeKind

__all__ = ["AccessGroupRecords", "Owners"]

_BY_NAME = 'SELECT access_group_id FROM "LiteLLM_AccessGroupTable" WHERE access_group_name = $1'
# Held until the transaction ends, so that two requests cannot both find a name free.
_LOCK_NAME = "SELECT pg_advisory_xact_lock(hashtextextended('access_group_name:' || $1, 0))"
_LOCK = (
    'SELECT {key} FROM "{table}" WHERE {key} = ANY ($1::text[]) ORDER BY {key} COLLATE "C" FOR NO KEY UPDATE'
)
# The owners' side: exactly the named ones have the group, of those that are held.
_LINK = """
UPDATE "{table}" SET access_group_ids = CASE WHEN {key} = ANY ($2::text[])
    THEN array_append(array_remove(COALESCE(access_group_ids, '{{}}'), $1), $1)
    ELSE array_remove(access_group_ids, $1) END
WHERE {key} = ANY ($3::text[])
    AND ($1 = ANY (COALESCE(access_group_ids, '{{}}'))) <> ({key} = ANY ($2::text[]))
"""
_OWNERS = """
SELECT 'key' AS kind, token AS id FROM "LiteLLM_VerificationToken" WHERE access_group_ids @> ARRAY[$1]
UNION ALL SELECT 'team', team_id FROM "LiteLLM_TeamTable" WHERE access_group_ids @> ARRAY[$1]
LIMIT $2
"""
_NAMES = """
SELECT 'key' AS kind, token AS id, COALESCE(key_alias, key_name) AS name
    FROM "LiteLLM_VerificationToken" WHERE token = ANY ($1::text[])
UNION ALL SELECT 'team', team_id, team_alias FROM "LiteLLM_TeamTable" WHERE team_id = ANY ($2::text[])
UNION ALL SELECT 'server', server_id, COALESCE(alias, server_name)
    FROM "LiteLLM_MCPServerTable" WHERE server_id = ANY ($3::text[])
UNION ALL SELECT 'agent', agent_id, agent_name FROM "LiteLLM_AgentsTable" WHERE agent_id = ANY ($4::text[])
"""
_KEYS = {"table": "LiteLLM_VerificationToken", "key": "token"}
_TEAMS = {"table": "LiteLLM_TeamTable", "key": "team_id"}


class Owners(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a group is given to: hashes of keys, and ids of teams."""

    keys: list[str] = []
    teams: list[str] = []

    @property
    def scopes(self) -> list[Scope]:
        """All of them as scopes."""
        keys = [Scope(ScopeKind.KEY, token) for token in self.keys]
        return [*keys, *(Scope(ScopeKind.TEAM, team_id) for team_id in self.teams)]

    def __or__(self, other: "Owners") -> "Owners":
        keys = sorted({*self.keys, *other.keys})
        return Owners(keys=keys, teams=sorted({*self.teams, *other.teams}))


class AccessGroupRecords(Rows):
    """Reads and writes access groups. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        super().__init__(AccessGroupTable)
        self._database = database

    async def find_owner_of_name(self, name: str) -> str | None:
        """The id of the group that has this name; until the transaction ends, nobody else takes it."""
        await self._database.fetch_value(_LOCK_NAME, name)
        return await self._database.fetch_value(_BY_NAME, name)

    async def lock_owners(self, owners: Owners) -> Owners:
        """Hold keys and teams, in the order in which every writer locks them; returns those there are."""
        keys = await self._database.fetch(_LOCK.format(**_KEYS), owners.keys)
        teams = await self._database.fetch(_LOCK.format(**_TEAMS), owners.teams)
        return Owners(keys=[row[0] for row in keys], teams=[row[0] for row in teams])

    async def link(self, group_id: str, given: Owners, held: Owners) -> None:
        """Give the group to these keys and teams, and take it from all others that are held."""
        if held.keys:
            await self._database.execute(_LINK.format(**_KEYS), group_id, given.keys, held.keys)
        if held.teams:
            await self._database.execute(_LINK.format(**_TEAMS), group_id, given.teams, held.teams)

    async def list_owners(self, group_id: str, most: int | None = None) -> Owners:
        """The keys and teams that have the group, at most so many of them."""
        rows = await self._database.fetch(_OWNERS, group_id, most)
        keys = [row["id"] for row in rows if row["kind"] == "key"]
        return Owners(keys=keys, teams=[row["id"] for row in rows if row["kind"] == "team"])

    async def list_names(
        self,
        tokens: Sequence[str],
        team_ids: Sequence[str],
        server_ids: Sequence[str],
        agent_ids: Sequence[str],
    ) -> list[Columns]:
        """What these are called, as `kind`, `id` and `name`; those that are not there are left out."""
        ids = (list(tokens), list(team_ids), list(server_ids), list(agent_ids))
        return [dict(row) for row in await self._database.fetch(_NAMES, *ids)]
