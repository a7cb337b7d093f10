"""Deleting the keys of teams and users: their rows move to the archive, however many there are."""

from collections.abc import Sequence

from gateway.db.archive import archive_sql
from gateway.db.engine import Database
from gateway.db.rows import Columns, Rows
from gateway.db.tables.keys import DeletedVerificationToken, VerificationToken
from gateway.identity.deletions import DELETION_COLUMNS, Deletion

__all__ = ["KeyArchive"]

# In the order in which the drain locks keys, and before users and teams, so that nobody waits in a circle.
_LOCK = """
SELECT token FROM "LiteLLM_VerificationToken" WHERE {where} ORDER BY token COLLATE "C" FOR UPDATE
"""
_OF_TEAMS = _LOCK.format(where="team_id = ANY ($1::text[])")
_OF_USERS = _LOCK.format(where="user_id = ANY ($1::text[])")
_OF_MEMBERS = _LOCK.format(where="user_id = ANY ($1::text[]) AND team_id = $2")
_OF_NAMES = _LOCK.format(where="token = ANY ($1::text[]) OR key_alias = ANY ($2::text[])")
_ARCHIVE = archive_sql(VerificationToken, DeletedVerificationToken, "token", DELETION_COLUMNS)
_LEAVE_GROUPS = """
WITH held AS (
    SELECT access_group_id FROM "LiteLLM_AccessGroupTable" WHERE assigned_key_ids && $1::text[]
    ORDER BY access_group_id FOR UPDATE
)
UPDATE "LiteLLM_AccessGroupTable" g SET assigned_key_ids = ARRAY(
    SELECT token FROM unnest(g.assigned_key_ids) AS token WHERE token <> ALL ($1::text[]))
FROM held WHERE g.access_group_id = held.access_group_id
"""
_DROP_OLD_SECRETS = """
DELETE FROM "LiteLLM_DeprecatedVerificationToken" WHERE active_token_id = ANY ($1::text[])
"""
_DROP_MAPPINGS = 'DELETE FROM "LiteLLM_JWTKeyMapping" WHERE token = ANY ($1::text[])'
_DROP = 'DELETE FROM "LiteLLM_VerificationToken" WHERE token = ANY ($1::text[])'


class KeyArchive:
    """Used inside the transaction of a deletion. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keys = Rows(VerificationToken)

    async def lock(self, tokens: Sequence[str], aliases: Sequence[str]) -> list[str]:
        """The hashes of the keys with these hashes or aliases, held until the transaction ends."""
        return await self._tokens(_OF_NAMES, list(tokens), list(aliases))

    async def lock_of_teams(self, team_ids: Sequence[str]) -> list[str]:
        """The hashes of all keys of these teams, held until the transaction ends."""
        return await self._tokens(_OF_TEAMS, list(team_ids))

    async def lock_of_users(self, user_ids: Sequence[str]) -> list[str]:
        """The hashes of all keys of these users, those of teams included, held as above."""
        return await self._tokens(_OF_USERS, list(user_ids))

    async def lock_of_members(self, user_ids: Sequence[str], team_id: str) -> list[str]:
        """The hashes of the keys that these users have in one team, held as above."""
        return await self._tokens(_OF_MEMBERS, list(user_ids), team_id)

    async def archive(self, tokens: Sequence[str], deletion: Deletion) -> list[Columns]:
        """Move keys to the archive; mappings of JWTs and secrets in their grace end with them.

        Returns their rows.
        """
        listed = list(tokens)
        if not listed:
            return []
        rows = await self._keys.find_any(listed)
        await self._database.execute(_ARCHIVE, listed, *deletion.columns)
        for sql in (_LEAVE_GROUPS, _DROP_OLD_SECRETS, _DROP_MAPPINGS, _DROP):
            await self._database.execute(sql, listed)
        return rows

    async def _tokens(self, sql: str, *args: object) -> list[str]:
        return [row["token"] for row in await self._database.fetch(sql, *args)]
