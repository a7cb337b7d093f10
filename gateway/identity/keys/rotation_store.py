"""The queries of rotating keys: everything that is kept under the hash of a secret follows to the new one."""

from collections.abc import Sequence
from datetime import datetime

from gateway.db.engine import Database
from gateway.ids import new_id

__all__ = ["RotationRecords"]

# The drain books a key's charges under this lock before it touches the key's row: whoever rotates waits for
# a batch under way, and the next batch finds where the key has gone. Taken before the row, as the drain does.
_SETTLE = """
INSERT INTO gatewright.recorded (entity_type, entity_id, nanos) VALUES ('key', $1, 0)
ON CONFLICT (entity_type, entity_id) DO UPDATE SET nanos = gatewright.recorded.nanos
"""
_IS_USED = 'SELECT EXISTS (SELECT FROM "LiteLLM_DeprecatedVerificationToken" WHERE token = $1)'
# Secrets of earlier rotations follow too, and live no longer than the one that is replaced now.
_FOLLOW = """
UPDATE "LiteLLM_DeprecatedVerificationToken"
SET active_token_id = $2, revoke_at = LEAST(revoke_at, $3) WHERE active_token_id = $1
"""
_DEPRECATE = """
INSERT INTO "LiteLLM_DeprecatedVerificationToken" (id, token, active_token_id, revoke_at)
VALUES ($1, $2, $3, $4)
ON CONFLICT (token) DO UPDATE SET active_token_id = $3, revoke_at = $4
"""
_FORGET_METERS = "DELETE FROM gatewright.meter WHERE kind = 'key' AND id = $1"
_MOVE_METERS = "UPDATE gatewright.meter SET id = $2 WHERE kind = 'key' AND id = $1"
_MOVE_GROUPS = """
UPDATE "LiteLLM_AccessGroupTable" SET assigned_key_ids = array_replace(assigned_key_ids, $1, $2)
WHERE access_group_id = ANY ($3::text[])
"""


class RotationRecords:
    """Moves what is kept beside a key's row, in the caller's transaction. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def settle(self, token: str) -> None:
        """Let no charge of this key be booked until the transaction ends."""
        await self._database.execute(_SETTLE, token)

    async def is_used(self, token: str) -> bool:
        """Whether this is the hash of a secret that some key had before."""
        return await self._database.fetch_value(_IS_USED, token)

    async def deprecate(self, old: str, new: str, revoke_at: datetime) -> None:
        """Let the old secret stand for the key until a time (naive UTC), and its charges for ever."""
        await self._database.execute(_FOLLOW, old, new, revoke_at)
        await self._database.execute(_DEPRECATE, new_id(), old, new, revoke_at)

    async def move_meters(self, old: str, new: str) -> None:
        """Let budgets for models and periods go on counting."""
        await self._database.execute(_FORGET_METERS, new)
        await self._database.execute(_MOVE_METERS, old, new)

    async def move_groups(self, old: str, new: str, group_ids: Sequence[str]) -> None:
        """Name the new hash in the access groups of the key."""
        if group_ids:
            await self._database.execute(_MOVE_GROUPS, old, new, list(group_ids))
