"""The queries of what people have granted to clients."""

from datetime import datetime

import msgspec

from gateway.db.engine import Database
from gateway.db.rows import Columns, Rows
from gateway.db.tables.keys import VerificationToken

__all__ = ["Grant", "GrantStore"]

_SWEEP = "DELETE FROM gatewright.mcp_grant WHERE expires_at <= $1::timestamptz"
_INSERT = """
INSERT INTO gatewright.mcp_grant (id, client_hash, refresh_hash, token, expires_at)
VALUES ($1, $2, $3, $4, $5::timestamptz) ON CONFLICT (id) DO NOTHING RETURNING id
"""
_LOCK = """
SELECT id, client_hash, refresh_hash, token FROM gatewright.mcp_grant
WHERE id = $1 AND expires_at > $2::timestamptz FOR UPDATE
"""
_TURN = """
UPDATE gatewright.mcp_grant SET refresh_hash = $2, token = $3, expires_at = $4::timestamptz WHERE id = $1
"""
_DELETE = "DELETE FROM gatewright.mcp_grant WHERE id = $1"
_FIND_OF_KEY = "SELECT id FROM gatewright.mcp_grant WHERE token = $1"
_DELETE_KEY = 'DELETE FROM "LiteLLM_VerificationToken" WHERE token = $1'


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """A grant as it is stored: of whom, what, and for how long is said by its key."""

    id: str
    client_hash: str
    refresh_hash: str
    token: str


class GrantStore:
    """Reads and writes grants and their keys; times are aware. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keys = Rows(VerificationToken)

    async def begin(self, grant: Grant, now: datetime, expires: datetime) -> bool:
        """Store a grant, unless there is one of this id; those whose time is over are removed."""
        await self._database.execute(_SWEEP, now)
        values = (grant.id, grant.client_hash, grant.refresh_hash, grant.token, expires)
        return await self._database.fetch_value(_INSERT, *values) is not None

    async def lock(self, identifier: str, now: datetime) -> Grant | None:
        """A grant that is not over, held until the transaction ends."""
        row = await self._database.fetch_row(_LOCK, identifier, now)
        return None if row is None else Grant(**dict(row))

    async def turn(self, grant: Grant, expires: datetime) -> None:
        """Store the grant's next secrets."""
        await self._database.execute(_TURN, grant.id, grant.refresh_hash, grant.token, expires)

    async def delete(self, identifier: str) -> None:
        """Remove a grant."""
        await self._database.execute(_DELETE, identifier)

    async def find_of_token(self, token_hash: str) -> str | None:
        """The id of the grant whose key this is."""
        return await self._database.fetch_value(_FIND_OF_KEY, token_hash)

    async def find_key(self, token_hash: str) -> Columns | None:
        """The row of a key."""
        return await self._keys.find(token_hash)

    async def insert_key(self, values: Columns) -> Columns:
        """Store a key, and return its row."""
        return await self._keys.insert(values) or {}

    async def delete_key(self, token_hash: str) -> None:
        """Remove a key."""
        await self._database.execute(_DELETE_KEY, token_hash)
