"""The queries of logins of command-line clients under way."""

from gateway.db.connection import Record
from gateway.db.engine import Database

__all__ = ["TerminalStore"]

_SWEEP = "DELETE FROM gatewright.terminal_login WHERE expires_at <= $1"
_BEGIN = """
INSERT INTO gatewright.terminal_login (id, secret_hash, user_code, expires_at)
VALUES ($1, $2, $3, $4::timestamptz)
"""
_FIND = """
SELECT id, secret_hash, user_code, user_id, attempts FROM gatewright.terminal_login
WHERE id = $1 AND expires_at > $2
"""
_NOTE_ATTEMPT = """
UPDATE gatewright.terminal_login SET attempts = attempts + 1
WHERE id = $1 AND expires_at > $2 AND user_id IS NULL AND attempts < $3 RETURNING user_code
"""
_CONFIRM = "UPDATE gatewright.terminal_login SET user_id = $2 WHERE id = $1 AND user_id IS NULL RETURNING id"
_TAKE = "DELETE FROM gatewright.terminal_login WHERE id = $1 AND user_id IS NOT NULL RETURNING user_id"
_USER = 'SELECT user_id, user_email, user_role, models FROM "LiteLLM_UserTable" WHERE user_id = $1'
_TEAMS = """
SELECT team_id, team_alias FROM "LiteLLM_TeamTable"
WHERE members_with_roles @> jsonb_build_array(jsonb_build_object('user_id', $1::text))
ORDER BY team_id LIMIT 256
"""


class TerminalStore:
    """Reads and writes logins under way; `now` is an aware time. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(
        self, identifier: str, secret_hash: str, user_code: str, times: tuple[object, object]
    ) -> None:
        """Note a login, `times` being now and when it ends; those whose time is over are removed."""
        await self._database.execute(_SWEEP, times[0])
        await self._database.execute(_BEGIN, identifier, secret_hash, user_code, times[1])

    async def find(self, identifier: str, now: object) -> Record | None:
        """A login under way."""
        return await self._database.fetch_row(_FIND, identifier, now)

    async def note_attempt(self, identifier: str, now: object, most: int) -> str | None:
        """Count an attempt to confirm; returns the code to compare with, None when there were too many."""
        return await self._database.fetch_value(_NOTE_ATTEMPT, identifier, now, most)

    async def confirm(self, identifier: str, user_id: str) -> bool:
        """Note for whom a login is; whether it was for nobody yet."""
        return await self._database.fetch_value(_CONFIRM, identifier, user_id) is not None

    async def take(self, identifier: str) -> str | None:
        """End a login that was confirmed, once; returns its user."""
        return await self._database.fetch_value(_TAKE, identifier)

    async def find_user(self, user_id: str) -> Record | None:
        """A user."""
        return await self._database.fetch_row(_USER, user_id)

    async def list_teams(self, user_id: str) -> list[dict[str, str | None]]:
        """The teams that a user is a member of, at most 256."""
        return [dict(row) for row in await self._database.fetch(_TEAMS, user_id)]
