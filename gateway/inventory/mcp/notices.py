"""Telling every worker, in the transaction of a change, that credentials of users have changed."""

import msgspec

from gateway.catalog.mcp_stock import MCP_CREDENTIAL_PREFIX
from gateway.db.engine import Database
from gateway.db.notify import notify
from gateway.identity.invalidation import CHANNEL

__all__ = ["announce_credential", "announce_credentials"]


async def announce_credential(database: Database, user_id: str, server_id: str) -> None:
    """Have every worker forget a credential once the transaction commits. Raises DatabaseUnavailable."""
    await _announce(database, msgspec.json.encode((user_id, server_id)).decode())


async def announce_credentials(database: Database) -> None:
    """Have every worker forget all of them, likewise."""
    await _announce(database, "")


async def _announce(database: Database, which: str) -> None:
    async with database.acquire() as connection:
        await notify(connection, CHANNEL, MCP_CREDENTIAL_PREFIX + which)
