"""Telling every worker, in the transaction of a change, that models or credentials have changed."""

from gateway.catalog.added_source import MODELS_CHANGED
from gateway.db.engine import Database
from gateway.db.notify import notify
from gateway.identity.invalidation import CHANNEL

__all__ = ["announce_models"]


async def announce_models(database: Database) -> None:
    """Have every worker read the models anew once the transaction commits. Raises DatabaseUnavailable."""
    async with database.acquire() as connection:
        await notify(connection, CHANNEL, MODELS_CHANGED)
