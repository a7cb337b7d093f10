"""The query that reads what a user has given for an MCP server."""

from gateway.db.engine import Database

__all__ = ["McpCredentialStore"]

_FIND = """
SELECT credential_b64 FROM "LiteLLM_MCPUserCredentials" WHERE user_id = $1 AND server_id = $2
"""


class McpCredentialStore:
    """Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, user_id: str, server_id: str) -> str | None:
        """A credential as it is stored."""
        return await self._database.fetch_value(_FIND, user_id, server_id)
