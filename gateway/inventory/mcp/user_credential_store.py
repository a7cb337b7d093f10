"""The queries of what users have given for MCP servers."""

from gateway.db.engine import Database
from gateway.db.rows import Columns
from gateway.ids import new_id

__all__ = ["UserCredentialRecords"]

_SAVE = """
INSERT INTO "LiteLLM_MCPUserCredentials" (id, user_id, server_id, credential_b64, updated_at)
VALUES ($1, $2, $3, $4, now() AT TIME ZONE 'UTC')
ON CONFLICT (user_id, server_id) DO UPDATE SET credential_b64 = EXCLUDED.credential_b64,
    updated_at = EXCLUDED.updated_at
"""
_DELETE = 'DELETE FROM "LiteLLM_MCPUserCredentials" WHERE user_id = $1 AND server_id = $2'
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('mcp_user_credential:' || $1 || ':' || $2, 0))"
_FIND = """
SELECT credential_b64 FROM "LiteLLM_MCPUserCredentials" WHERE user_id = $1 AND server_id = $2
"""
_FIND_ANY = """
SELECT server_id, credential_b64 FROM "LiteLLM_MCPUserCredentials"
WHERE user_id = $1 AND server_id = ANY ($2::text[])
"""
_OF_USER = """
SELECT server_id, created_at AT TIME ZONE 'UTC' AS created_at FROM "LiteLLM_MCPUserCredentials"
WHERE user_id = $1 ORDER BY server_id LIMIT $2
"""
_OF_SERVER = """
SELECT user_id, created_at AT TIME ZONE 'UTC' AS created_at, updated_at AT TIME ZONE 'UTC' AS updated_at
FROM "LiteLLM_MCPUserCredentials" WHERE server_id = $1 ORDER BY user_id LIMIT $2
"""


class UserCredentialRecords:
    """Reads and writes credentials of users, encrypted by whoever calls. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lock(self, user_id: str, server_id: str) -> str | None:
        """What is stored, if anything is; nobody else changes it until the transaction ends."""
        await self._database.execute(_LOCK, user_id, server_id)
        return await self._database.fetch_value(_FIND, user_id, server_id)

    async def save(self, user_id: str, server_id: str, sealed: str) -> None:
        """Store what a user has given for a server, in the place of what there was."""
        await self._database.execute(_SAVE, new_id(), user_id, server_id, sealed)

    async def delete(self, user_id: str, server_id: str) -> bool:
        """Remove it; whether there was any."""
        return (await self._database.execute(_DELETE, user_id, server_id)).endswith(" 1")

    async def find_any(self, user_id: str, server_ids: list[str]) -> dict[str, str]:
        """What a user has given for these servers, as it is stored."""
        rows = await self._database.fetch(_FIND_ANY, user_id, server_ids)
        return {row["server_id"]: row["credential_b64"] for row in rows}

    async def list_of_user(self, user_id: str, most: int) -> list[Columns]:
        """The servers for which a user has given something."""
        return [dict(row) for row in await self._database.fetch(_OF_USER, user_id, most)]

    async def list_of_server(self, server_id: str, most: int) -> list[Columns]:
        """The users who have given something for a server."""
        return [dict(row) for row in await self._database.fetch(_OF_SERVER, server_id, most)]
