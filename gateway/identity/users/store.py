"""The queries of internal users."""

from gateway.db.engine import Database
from gateway.db.rows import Rows
from gateway.db.tables.users import UserTable

__all__ = ["UserRecords"]

_BY_EMAIL = """
SELECT user_id FROM "LiteLLM_UserTable" WHERE lower(user_email) = lower($1) ORDER BY user_id LIMIT 2
"""
# Held until the transaction ends, so that two requests cannot both find an address free.
_LOCK_EMAIL = "SELECT pg_advisory_xact_lock(hashtextextended('user_email:' || lower($1), 0))"
_BY_EMAILS = """
SELECT lower(user_email) AS address, user_id FROM "LiteLLM_UserTable"
WHERE lower(user_email) = ANY ($1::text[]) ORDER BY user_id
"""
_LOCK_EMAILS = """
SELECT pg_advisory_xact_lock(turn) FROM (
    SELECT DISTINCT hashtextextended('user_email:' || address, 0) AS turn FROM unnest($1::text[]) AS address
    ORDER BY turn
) turns
"""
_KNOWN = 'SELECT user_id FROM "LiteLLM_UserTable" WHERE user_id = ANY ($1::text[])'
_SSO_ID = 'SELECT user_id FROM "LiteLLM_UserTable" WHERE sso_user_id = $1'
# In the order in which everybody locks users, and before teams, so that nobody waits in a circle.
_LOCK = """
SELECT user_id FROM "LiteLLM_UserTable" WHERE user_id = ANY ($1::text[])
ORDER BY user_id COLLATE "C" FOR NO KEY UPDATE
"""
_ENTER_TEAM = """
UPDATE "LiteLLM_UserTable" SET teams = array_append(COALESCE(teams, '{}'), $2)
WHERE user_id = ANY ($1::text[]) AND NOT $2 = ANY (COALESCE(teams, '{}'))
"""
_ENTER_TEAMS = """
UPDATE "LiteLLM_UserTable" SET teams = COALESCE(teams, '{}') || ARRAY(
    SELECT team_id FROM unnest($2::text[]) WITH ORDINALITY AS entered (team_id, place)
    WHERE NOT team_id = ANY (COALESCE(teams, '{}')) ORDER BY place)
WHERE user_id = $1
"""


class UserRecords(Rows):
    """Reads and writes internal users. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        super().__init__(UserTable)
        self._database = database

    async def list_with_email(self, email: str) -> list[str]:
        """At most two ids of users with this address, in whatever case it is written."""
        await self._database.fetch_value(_LOCK_EMAIL, email)
        return [row["user_id"] for row in await self._database.fetch(_BY_EMAIL, email)]

    async def find_by_email(self, emails: list[str]) -> dict[str, list[str]]:
        """The ids of the users with these addresses, by address in lower case; nobody else takes them now."""
        addresses = sorted({email.strip().lower() for email in emails})
        found: dict[str, list[str]] = {}
        if addresses:
            await self._database.fetch(_LOCK_EMAILS, addresses)
            for row in await self._database.fetch(_BY_EMAILS, addresses):
                found.setdefault(row["address"], []).append(row["user_id"])
        return found

    async def list_known(self, user_ids: list[str]) -> set[str]:
        """Those of the ids that a user has."""
        if not user_ids:
            return set()
        return {row["user_id"] for row in await self._database.fetch(_KNOWN, user_ids)}

    async def find_sso_owner(self, sso_user_id: str) -> str | None:
        """The user with this id at the identity provider."""
        return await self._database.fetch_value(_SSO_ID, sso_user_id)

    async def lock_all(self, user_ids: list[str]) -> None:
        """Hold these users for change until the transaction ends; to be done before a team is held."""
        await self._database.fetch(_LOCK, user_ids)

    async def enter_team(self, user_ids: list[str], team_id: str) -> None:
        """Note a team in the own lists of teams of these users, who are held."""
        await self._database.execute(_ENTER_TEAM, user_ids, team_id)

    async def enter_teams(self, user_id: str, team_ids: list[str]) -> None:
        """Note teams in the own list of a user who is held."""
        await self._database.execute(_ENTER_TEAMS, user_id, team_ids)
