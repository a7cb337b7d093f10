"""The queries of the rotation job."""

from datetime import datetime

import msgspec

from gateway.db.engine import Database

__all__ = ["DueKey", "RotationStore"]

_IS_DUE = """
k.auto_rotate AND k.rotation_interval IS NOT NULL AND k.blocked IS NOT TRUE
AND (k.expires IS NULL OR k.expires > $1)"""
_DUE = f"""
SELECT k.token, k.key_name, k.key_alias, k.user_id, k.team_id, k.rotation_interval, u.user_email
FROM "LiteLLM_VerificationToken" k LEFT JOIN "LiteLLM_UserTable" u ON u.user_id = k.user_id
WHERE {_IS_DUE} AND (k.key_rotation_at IS NULL OR k.key_rotation_at <= $1) AND k.token COLLATE "C" > $2
ORDER BY k.token COLLATE "C" LIMIT $3
"""  # noqa: S608  constants of this module
_NEXT = f"""
SELECT min(k.key_rotation_at) FROM "LiteLLM_VerificationToken" k
WHERE {_IS_DUE} AND k.key_rotation_at > $1
"""  # noqa: S608  the same
_FORGET = """
DELETE FROM "LiteLLM_DeprecatedVerificationToken" WHERE id IN (
    SELECT id FROM "LiteLLM_DeprecatedVerificationToken" WHERE revoke_at < $1 ORDER BY revoke_at LIMIT $2)
"""


class DueKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that is to get another secret, and who works with it."""

    token: str
    key_name: str | None
    key_alias: str | None
    user_id: str | None
    team_id: str | None
    rotation_interval: str
    user_email: str | None


class RotationStore:
    """Finds keys that are due; times are naive UTC. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_due(self, now: datetime, after: str, limit: int) -> list[DueKey]:
        """Keys behind a hash whose time has come: working ones that rotate by themselves."""
        rows = await self._database.fetch(_DUE, now, after, limit)
        return [DueKey(**dict(row.items())) for row in rows]

    async def find_next(self, now: datetime) -> datetime | None:
        """When the next key is due."""
        return await self._database.fetch_value(_NEXT, now)

    async def forget_revoked(self, before: datetime, limit: int) -> int:
        """Delete some secrets whose time was over before a time; returns how many there were."""
        status = await self._database.execute(_FORGET, before, limit)
        return int(status.rpartition(" ")[2])
