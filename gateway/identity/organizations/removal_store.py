"""The queries of deleting organizations with everything below them."""

from collections.abc import Sequence

import msgspec

from gateway.db.engine import Database
from gateway.db.rows import Columns

__all__ = ["Below", "OrganizationRemovals"]

# Everything is locked in the order in which every writer locks: keys, users, teams, their members,
# organizations, their members, projects.
_TEAMS = 'SELECT team_id FROM "LiteLLM_TeamTable" WHERE organization_id = ANY ($1::text[]) ORDER BY team_id'
_PROJECTS = """
SELECT project_id FROM "LiteLLM_ProjectTable" WHERE team_id = ANY ($1::text[]) ORDER BY project_id
"""
_LOCK_KEYS = """
SELECT token FROM "LiteLLM_VerificationToken"
WHERE organization_id = ANY ($1::text[]) OR team_id = ANY ($2::text[]) OR project_id = ANY ($3::text[])
ORDER BY token COLLATE "C" FOR UPDATE
"""
_USERS = 'SELECT user_id FROM "LiteLLM_UserTable" WHERE organization_id = ANY ($1::text[])'
_LOCK_TEAM_MEMBERS = """
SELECT budget_id FROM "LiteLLM_TeamMembership" WHERE team_id = ANY ($1::text[])
ORDER BY user_id COLLATE "C", team_id COLLATE "C" FOR UPDATE
"""
_LOCK_MEMBERS = """
SELECT user_id, organization_id, user_role, spend, budget_id, created_at, updated_at
FROM "LiteLLM_OrganizationMembership" WHERE organization_id = ANY ($1::text[])
ORDER BY user_id COLLATE "C", organization_id COLLATE "C" FOR UPDATE
"""
_DROP_MEMBERS = 'DELETE FROM "LiteLLM_OrganizationMembership" WHERE organization_id = ANY ($1::text[])'


class Below(msgspec.Struct, frozen=True, kw_only=True):
    """The ids of what belongs to organizations; `users` are those who are in any of it."""

    teams: list[str]
    projects: list[str]
    tokens: list[str]
    users: list[str]


class OrganizationRemovals:
    """Used inside the transaction of a deletion. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lock_keys(self, organization_ids: Sequence[str]) -> Below:
        """The teams, projects, users and keys of organizations; the keys are held."""
        listed = list(organization_ids)
        teams = await self._ids(_TEAMS, listed)
        projects = await self._ids(_PROJECTS, teams)
        tokens = await self._ids(_LOCK_KEYS, listed, teams, projects)
        return Below(teams=teams, projects=projects, tokens=tokens, users=await self._ids(_USERS, listed))

    async def lock_team_members(self, team_ids: Sequence[str]) -> list[str]:
        """Hold the members of teams; returns the ids of their budget rows."""
        return [budget for budget in await self._ids(_LOCK_TEAM_MEMBERS, list(team_ids)) if budget]

    async def lock_members(self, organization_ids: Sequence[str]) -> list[Columns]:
        """The memberships of organizations, held."""
        return [dict(row) for row in await self._database.fetch(_LOCK_MEMBERS, list(organization_ids))]

    async def drop_members(self, organization_ids: Sequence[str]) -> None:
        """End all memberships of organizations."""
        await self._database.execute(_DROP_MEMBERS, list(organization_ids))

    async def _ids(self, sql: str, *args: object) -> list[str]:
        return [row[0] for row in await self._database.fetch(sql, *args)]
