"""The queries of what users have given for MCP servers, and as what the gateway is registered for them."""

from gateway.db.engine import Database

__all__ = ["McpCredentialStore"]

_FIND = """
SELECT credential_b64 FROM "LiteLLM_MCPUserCredentials" WHERE user_id = $1 AND server_id = $2
"""
_REPLACE = """
UPDATE "LiteLLM_MCPUserCredentials" SET credential_b64 = $3, updated_at = now() AT TIME ZONE 'UTC'
WHERE user_id = $1 AND server_id = $2
"""
_FIND_REGISTRATION = "SELECT content FROM gatewright.mcp_registration WHERE server_id = $1 AND issuer = $2"
_KEEP_REGISTRATION = """
INSERT INTO gatewright.mcp_registration (server_id, issuer, content) VALUES ($1, $2, $3)
ON CONFLICT (server_id, issuer) DO UPDATE SET content = EXCLUDED.content
"""


class McpCredentialStore:
    """Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, user_id: str, server_id: str) -> str | None:
        """A credential as it is stored."""
        return await self._database.fetch_value(_FIND, user_id, server_id)

    async def replace(self, user_id: str, server_id: str, sealed: str) -> None:
        """Put another credential in the place of one that is still there."""
        await self._database.execute(_REPLACE, user_id, server_id, sealed)

    async def find_registration(self, server_id: str, issuer: str) -> str | None:
        """A registration as it is stored."""
        return await self._database.fetch_value(_FIND_REGISTRATION, server_id, issuer)

    async def keep_registration(self, server_id: str, issuer: str, sealed: str) -> None:
        """Store a registration in the place of what there was."""
        await self._database.execute(_KEEP_REGISTRATION, server_id, issuer, sealed)
