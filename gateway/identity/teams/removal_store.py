"""The queries of deleting teams and of members who leave."""

from collections.abc import Sequence

from gateway.db.archive import archive_sql
from gateway.db.engine import Database
from gateway.db.tables.teams import DeletedTeamTable, TeamTable
from gateway.identity.deletions import DELETION_COLUMNS, Deletion

__all__ = ["TeamRemovals"]

# Keys and users are locked before, memberships after: the order in which every writer locks.
_LOCK = """
SELECT team_id FROM "LiteLLM_TeamTable" WHERE team_id = ANY ($1::text[])
ORDER BY team_id COLLATE "C" FOR UPDATE
"""
_MEMBERS = """
SELECT DISTINCT user_id FROM (
    SELECT member ->> 'user_id' AS user_id FROM "LiteLLM_TeamTable" t, jsonb_array_elements(
        CASE jsonb_typeof(t.members_with_roles) WHEN 'array' THEN t.members_with_roles ELSE '[]' END) member
    WHERE t.team_id = ANY ($1::text[])
    UNION ALL SELECT user_id FROM "LiteLLM_TeamMembership" WHERE team_id = ANY ($1::text[])
) everybody WHERE user_id IS NOT NULL
"""
_OF_USERS = """
SELECT DISTINCT team_id FROM (
    SELECT team_id FROM "LiteLLM_TeamMembership" WHERE user_id = ANY ($1::text[])
    UNION ALL SELECT unnest(teams) FROM "LiteLLM_UserTable" WHERE user_id = ANY ($1::text[])
) entered ORDER BY team_id
"""
_ARCHIVE = archive_sql(TeamTable, DeletedTeamTable, "team_id", DELETION_COLUMNS)
_LEAVE_GROUPS = """
WITH held AS (
    SELECT access_group_id FROM "LiteLLM_AccessGroupTable" WHERE assigned_team_ids && $1::text[]
    ORDER BY access_group_id FOR UPDATE
)
UPDATE "LiteLLM_AccessGroupTable" g SET assigned_team_ids = ARRAY(
    SELECT team_id FROM unnest(g.assigned_team_ids) AS team_id WHERE team_id <> ALL ($1::text[]))
FROM held WHERE g.access_group_id = held.access_group_id
"""
_DROP_MEMBERSHIPS = 'DELETE FROM "LiteLLM_TeamMembership" WHERE team_id = ANY ($1::text[])'
_DROP = 'DELETE FROM "LiteLLM_TeamTable" WHERE team_id = ANY ($1::text[])'
_FORGET_TEAMS = """
UPDATE "LiteLLM_UserTable" SET teams = ARRAY(
    SELECT team_id FROM unnest(teams) AS team_id WHERE team_id <> ALL ($2::text[]))
WHERE user_id = ANY ($1::text[]) AND teams && $2::text[]
"""
_FORGET_MEMBERS = """
UPDATE "LiteLLM_TeamTable" SET
    members_with_roles = CASE jsonb_typeof(members_with_roles) WHEN 'array' THEN (
        SELECT COALESCE(jsonb_agg(member ORDER BY place), '[]'::jsonb)
        FROM jsonb_array_elements(members_with_roles) WITH ORDINALITY AS m (member, place)
        WHERE NOT COALESCE(member ->> 'user_id' = ANY ($2::text[]), FALSE)
    ) ELSE members_with_roles END,
    members = ARRAY(SELECT id FROM unnest(members) AS id WHERE id <> ALL ($2::text[])),
    admins = ARRAY(SELECT id FROM unnest(admins) AS id WHERE id <> ALL ($2::text[])),
    updated_at = now() AT TIME ZONE 'UTC'
WHERE team_id = ANY ($1::text[])
"""
_END_MEMBERSHIPS = """
DELETE FROM "LiteLLM_TeamMembership" WHERE user_id = ANY ($1::text[]) AND team_id = ANY ($2::text[])
"""


class TeamRemovals:
    """Used inside the transaction of a deletion. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_members(self, team_ids: Sequence[str]) -> list[str]:
        """The users who are in any of these teams."""
        rows = await self._database.fetch(_MEMBERS, list(team_ids))
        return [row["user_id"] for row in rows]

    async def list_teams(self, user_ids: Sequence[str]) -> list[str]:
        """The teams that any of these users is in."""
        rows = await self._database.fetch(_OF_USERS, list(user_ids))
        return [row["team_id"] for row in rows]

    async def lock(self, team_ids: Sequence[str]) -> None:
        """Hold these teams until the transaction ends."""
        await self._database.fetch(_LOCK, list(team_ids))

    async def remove(self, team_ids: Sequence[str], members: Sequence[str], deletion: Deletion) -> None:
        """Move teams to the archive, and take them from their members and access groups."""
        listed = list(team_ids)
        await self._database.execute(_ARCHIVE, listed, *deletion.columns)
        await self._database.execute(_FORGET_TEAMS, list(members), listed)
        for sql in (_DROP_MEMBERSHIPS, _LEAVE_GROUPS, _DROP):
            await self._database.execute(sql, listed)

    async def leave(self, user_ids: Sequence[str], team_ids: Sequence[str]) -> None:
        """Take users out of teams: both sides of the list, and what they have spent there."""
        users, teams = list(user_ids), list(team_ids)
        await self._database.execute(_FORGET_TEAMS, users, teams)
        await self._database.execute(_FORGET_MEMBERS, teams, users)
        await self._database.execute(_END_MEMBERSHIPS, users, teams)
