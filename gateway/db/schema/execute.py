"""Runs the steps of a plan in the transaction of the caller."""

from collections.abc import Iterable

import asyncpg

from gateway.db.schema.connection import SchemaConnection
from gateway.db.schema.steps import Step, StepKind

__all__ = ["run_step", "run_steps"]


async def run_steps(connection: SchemaConnection, steps: Iterable[Step]) -> tuple[str, ...]:
    """Runs every step but the concurrent ones and returns a warning for each attempt that failed.

    Raises asyncpg.PostgresError with a note that names the step; the caller's transaction is then lost.
    """
    warnings: list[str] = []
    for step in steps:
        if step.kind is StepKind.ATTEMPT:
            warnings.extend(await _attempt(connection, step))
        elif step.kind is StepKind.IN_TRANSACTION:
            await run_step(connection, step)
    return tuple(warnings)


async def run_step(connection: SchemaConnection, step: Step) -> None:
    """Runs one step; an asyncpg.PostgresError gets a note with the step's reason and statement."""
    try:
        await connection.execute(step.sql)
    except asyncpg.PostgresError as error:
        error.add_note(f"while this step ran ({step.reason}): {step.sql}")
        raise


async def _attempt(connection: SchemaConnection, step: Step) -> tuple[str, ...]:
    try:
        async with connection.transaction():
            await run_step(connection, step)
    except asyncpg.IntegrityConstraintViolationError as error:
        return (f"Not done ({step.reason}): {error}. Later: {step.sql}",)
    return ()
