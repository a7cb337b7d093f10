"""The queries of logins and sessions."""

from collections.abc import Mapping
from typing import Any

from gateway.db.engine import Database
from gateway.db.rows import Columns, Rows
from gateway.db.tables.keys import VerificationToken
from gateway.identity.keys.rules import DASHBOARD_TEAM

__all__ = ["LoginStore"]

_USERS = """
SELECT user_id, user_email, user_role, models, password, metadata->>'scim_active' AS scim_active
FROM "LiteLLM_UserTable" WHERE user_id = $1
UNION ALL
SELECT user_id, user_email, user_role, models, password, metadata->>'scim_active' AS scim_active
FROM "LiteLLM_UserTable" WHERE lower(user_email) = lower($1) AND user_id <> $1
LIMIT 3
"""
_SET_HASH = 'UPDATE "LiteLLM_UserTable" SET password = $2 WHERE user_id = $1'
_REPLACE_HASH = 'UPDATE "LiteLLM_UserTable" SET password = $3 WHERE user_id = $1 AND password = $2'
_SET_ROLE = (
    'UPDATE "LiteLLM_UserTable" SET user_role = $2 WHERE user_id = $1 AND user_role IS DISTINCT FROM $2'
)
_CLOSE = """
DELETE FROM "LiteLLM_VerificationToken"
WHERE user_id = $2 AND (team_id = $1 OR metadata->>'login_method' IN ('cli', 'mcp'))
    AND token IS DISTINCT FROM $3
RETURNING token
"""
_DROP_EXPIRED = """
DELETE FROM "LiteLLM_VerificationToken"
WHERE user_id = $2 AND (team_id = $1 OR metadata->>'login_method' = 'cli')
    AND expires < (now() AT TIME ZONE 'UTC')
"""
_CLOSE_ONE = """
DELETE FROM "LiteLLM_VerificationToken"
WHERE token = $2 AND (team_id = $1 OR metadata->>'login_method' = 'cli') RETURNING token
"""


class LoginStore:
    """Reads users as they log in, and writes sessions. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keys = Rows(VerificationToken)

    async def list_users(self, name: str) -> list[Columns]:
        """The user with this id, and those with this address, with their password hashes; at most three."""
        return [dict(row) for row in await self._database.fetch(_USERS, name)]

    async def set_password(self, user_id: str, password_hash: str) -> None:
        """Store a password hash."""
        await self._database.execute(_SET_HASH, user_id, password_hash)

    async def replace_hash(self, user_id: str, former: str, password_hash: str) -> None:
        """Store another hash of the same password, unless the password has changed meanwhile."""
        await self._database.execute(_REPLACE_HASH, user_id, former, password_hash)

    async def set_role(self, user_id: str, role: str) -> None:
        """Give a user a role."""
        await self._database.execute(_SET_ROLE, user_id, role)

    async def open_session(self, values: Mapping[str, Any]) -> Columns:
        """Store the key of a session."""
        return await self._keys.insert({**values, "team_id": DASHBOARD_TEAM}) or {}

    async def open_terminal(self, values: Mapping[str, Any]) -> Columns:
        """Store the key of a command-line client."""
        return await self._keys.insert(values) or {}

    async def drop_expired(self, user_id: str) -> None:
        """Remove the sessions of a user whose time is over."""
        await self._database.execute(_DROP_EXPIRED, DASHBOARD_TEAM, user_id)

    async def close_session(self, token_hash: str) -> list[str]:
        """Remove one session, if the key is one; returns its hash."""
        rows = await self._database.fetch(_CLOSE_ONE, DASHBOARD_TEAM, token_hash)
        return [row["token"] for row in rows]

    async def close_sessions(self, user_id: str, besides: str | None) -> list[str]:
        """Remove all sessions of a user, but for one; returns their hashes."""
        rows = await self._database.fetch(_CLOSE, DASHBOARD_TEAM, user_id, besides)
        return [row["token"] for row in rows]
