"""Tells what a database is, what it lacks and whether the gateway can serve it."""

import msgspec

from gateway.db.schema.catalog import load_wanted_catalog
from gateway.db.schema.connection import ConnectTarget, SchemaConnection, open_connection
from gateway.db.schema.own import plan_own_tables, read_own_tables
from gateway.db.schema.plan import Plan, SchemaState, plan_upgrade
from gateway.db.schema.reader import read_catalog
from gateway.db.schema.records import list_migration_ids, read_recorded_ids
from gateway.db.schema.steps import Step

__all__ = ["SchemaStatus", "Survey", "read_status", "survey"]

_COMMAND = "Run `gatewright db upgrade` (with --dry-run it only lists the statements)."


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """One look at a database: plans for the contract's tables and for our own, migrations to record."""

    plan: Plan
    own_steps: tuple[Step, ...]
    pending_migrations: tuple[str, ...]

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every statement that an upgrade would send, in order."""
        return (*self.own_steps, *self.plan.steps)


class SchemaStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What a person or the start-up code wants to know about a database.

    `missing` are the reasons of the pending statements, `sentences` say the same and what to do in words.
    `can_serve` is True when everything that the gateway's queries need is there: plain indexes, foreign keys
    and views may be missing, and later releases of LiteLLM may have added what they like.
    """

    state: SchemaState
    can_serve: bool
    missing: tuple[str, ...]
    pending_statements: int
    pending_migrations: tuple[str, ...]
    sentences: tuple[str, ...]


async def survey(connection: SchemaConnection) -> Survey:
    """Looks at the database behind the connection; reads only."""
    return Survey(
        plan=plan_upgrade(await read_catalog(connection), load_wanted_catalog()),
        own_steps=tuple(plan_own_tables(await read_own_tables(connection))),
        pending_migrations=_pending(await read_recorded_ids(connection)),
    )


async def read_status(target: ConnectTarget) -> SchemaStatus:
    """The status of a database; changes nothing. Raises OSError and asyncpg.PostgresError when it is away."""
    async with open_connection(target) as connection:
        return build_status(await survey(connection))


def build_status(found: Survey) -> SchemaStatus:
    """The status that a survey amounts to; pure."""
    plan = found.plan
    state = plan.state
    if found.own_steps and state is SchemaState.CURRENT:
        state = SchemaState.OLDER
    return SchemaStatus(
        state=state,
        can_serve=plan.can_serve and not found.own_steps,
        missing=tuple(step.reason for step in found.steps),
        pending_statements=len(found.steps),
        pending_migrations=found.pending_migrations,
        sentences=tuple(_say(state, found)),
    )


def _pending(recorded: frozenset[str]) -> tuple[str, ...]:
    return tuple(name for name in list_migration_ids() if name not in recorded)


def _say(state: SchemaState, found: Survey) -> list[str]:
    plan = found.plan
    count = len(found.steps)
    opening = {
        SchemaState.EMPTY: f"The database has no tables yet; {count} statements make them. {_COMMAND}",
        SchemaState.OLDER: f"The database lacks something; {count} statements add it. {_COMMAND}",
        SchemaState.CURRENT: "The database has everything that this release needs.",
        SchemaState.NEWER: (
            f"A later release made the database; {len(plan.unknown_objects)} tables and columns are unknown "
            f"here and left alone. {f'{count} statements add what it lacks. {_COMMAND}' if count else ''}"
        ),
        SchemaState.UNKNOWN: "The database differs in a way that no upgrade of this release can mend.",
    }
    return [opening[state].strip(), *plan.conflicts, *plan.warnings]
