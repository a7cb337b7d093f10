"""The tables of a command's database."""

from typing import cast

from gateway.db.engine import Database
from gateway.db.schema.connection import SchemaConnection
from gateway.db.schema.current import is_current
from gateway.db.schema.upgrade import upgrade
from gateway.errors import SchemaError
from gateway.settings import Settings

__all__ = ["make_current"]


async def make_current(database: Database, settings: Settings) -> None:
    """Make sure that there are tables: a first key may come before the first start of the server.

    Raises SchemaError where the schema is old and may not be upgraded.
    """
    async with database.acquire() as connection:
        if await is_current(cast("SchemaConnection", connection)):  # both describe the same class of asyncpg
            return
    if settings.general.disable_schema_update:
        raise SchemaError("The database is not current. Run 'gatewright db upgrade'.")
    await upgrade(database.options.connect_arguments())
