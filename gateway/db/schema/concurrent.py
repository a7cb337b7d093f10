"""Builds the indexes of large tables concurrently: outside a transaction, one at a time, resumable."""

import asyncio

import asyncpg

from gateway.db.schema.catalog import load_wanted_catalog
from gateway.db.schema.connection import ConnectTarget, SchemaConnection, open_connection
from gateway.db.schema.execute import run_step
from gateway.db.schema.locks import UpgradeLimits, lift_session_limits
from gateway.db.schema.plan import plan_upgrade
from gateway.db.schema.reader import read_catalog
from gateway.db.schema.steps import Step, StepKind
from gateway.errors import SchemaError

__all__ = ["build_large_indexes"]

# Next to the upgrade's own lock. Waiting inside pg_advisory_lock() would hold a snapshot for which the
# builder waits in turn, so the others poll.
_BUILD_LOCK = 0x6761746577726968
_TRY = "SELECT pg_try_advisory_lock($1)"
_POLL_SECONDS = 0.5
_DEFAULT_LIMITS = UpgradeLimits()


async def build_large_indexes(
    target: ConnectTarget, limits: UpgradeLimits = _DEFAULT_LIMITS
) -> tuple[Step, ...]:
    """Builds what is missing or unfinished and returns the steps taken; safe to interrupt and repeat.

    Raises SchemaError when another builder does not end within `limits.turn_seconds` or a build fails.
    """
    async with open_connection(target) as connection:
        await lift_session_limits(connection)
        await _wait_for_turn(connection, limits)
        plan = plan_upgrade(await read_catalog(connection), load_wanted_catalog())
        steps = tuple(step for step in plan.steps if step.kind is StepKind.CONCURRENT)
        for step in steps:
            await _build(connection, step)
        return steps


async def _wait_for_turn(connection: SchemaConnection, limits: UpgradeLimits) -> None:
    # The lock belongs to the session and ends with the connection.
    rounds = max(1, round(limits.turn_seconds / _POLL_SECONDS))
    for _ in range(rounds):
        if await connection.fetchval(_TRY, _BUILD_LOCK):
            return
        await asyncio.sleep(_POLL_SECONDS)
    raise SchemaError("Another process is building indexes still; run `gatewright db upgrade` again later.")


async def _build(connection: SchemaConnection, step: Step) -> None:
    try:
        await run_step(connection, step)
    except asyncpg.PostgresError as error:
        raise SchemaError(
            f"An index could not be built ({step.reason}): {error}. What is there stays; "
            "`gatewright db upgrade` starts over with it."
        ) from error
