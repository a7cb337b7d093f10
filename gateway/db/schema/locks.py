"""The locks and time limits under which an upgrade runs."""

import msgspec

from gateway.db.schema.connection import SchemaConnection
from gateway.db.schema.ddl import quote
from gateway.db.schema.reader import read_schema_name

__all__ = ["UPGRADE_LOCK", "UpgradeLimits", "lift_session_limits", "take_upgrade_lock"]

# "gatewrig" in ASCII; any number that others do not use would do.
UPGRADE_LOCK = 0x6761746577726967

# Prisma's migration engine holds this one while it migrates, so that LiteLLM and we never do so at once.
_PRISMA_LOCK = 72707369

_SET_LOCAL = "SELECT set_config($1, $2, true)"
_SET_SESSION = "SELECT set_config($1, $2, false)"
_LOCK = "SELECT pg_advisory_xact_lock($1)"


class UpgradeLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How long an upgrade waits.

    `turn_seconds`: for another upgrade to end. `lock_seconds`: for one table, because everything else that
    wants the table queues behind us meanwhile. `attempts` and `first_pause_seconds`: how often it starts
    again after it did not get a table, the pause doubling each time.
    """

    turn_seconds: float = 60.0
    lock_seconds: float = 5.0
    attempts: int = 5
    first_pause_seconds: float = 1.0


async def take_upgrade_lock(connection: SchemaConnection, limits: UpgradeLimits) -> None:
    """Waits for our turn, until the end of the transaction; raises asyncpg.LockNotAvailableError after it."""
    await _lift_limits(connection, _SET_LOCAL)
    await connection.fetchval(_SET_LOCAL, "lock_timeout", _milliseconds(limits.turn_seconds))
    for number in (UPGRADE_LOCK, _PRISMA_LOCK):
        await connection.fetchval(_LOCK, number)
    await connection.fetchval(_SET_LOCAL, "lock_timeout", _milliseconds(limits.lock_seconds))


async def lift_session_limits(connection: SchemaConnection) -> None:
    """Lets the statements of a connection of its own run as long as they need, in the contract's schema."""
    await _lift_limits(connection, _SET_SESSION)
    await connection.fetchval(_SET_SESSION, "lock_timeout", "0")


async def _lift_limits(connection: SchemaConnection, set_one: str) -> None:
    schema = await read_schema_name(connection)
    await connection.fetchval(set_one, "statement_timeout", "0")
    await connection.fetchval(set_one, "idle_in_transaction_session_timeout", "0")
    # Unqualified names must mean the contract's schema, also for a role whose name is that of our own.
    await connection.fetchval(set_one, "search_path", quote(schema))


def _milliseconds(seconds: float) -> str:
    return str(max(1, round(seconds * 1000)))
