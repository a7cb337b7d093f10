"""Brings a database to the schema of this release: forward only, guarded, safe to run twice or at once."""

import asyncio
import importlib
from typing import Protocol, cast

import asyncpg
import msgspec
from piccolo.engine.postgres import PostgresEngine

from gateway.db.failures import connecting
from gateway.db.schema.adoption import find_row_warnings
from gateway.db.schema.concurrent import build_large_indexes
from gateway.db.schema.connection import ConnectTarget, SchemaConnection, connect_options, open_connection
from gateway.db.schema.current import record_fingerprint
from gateway.db.schema.execute import run_steps
from gateway.db.schema.locks import UpgradeLimits, take_upgrade_lock
from gateway.db.schema.opening import open_books
from gateway.db.schema.plan import SchemaState
from gateway.db.schema.status import Survey, survey
from gateway.db.schema.steps import Step, StepKind
from gateway.errors import SchemaError

__all__ = ["UpgradeReport", "upgrade"]

_BUSY = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)
_DEFAULT_LIMITS = UpgradeLimits()


class _Runner(Protocol):
    async def run_pending_migrations(
        self, engine: PostgresEngine, connection: SchemaConnection
    ) -> tuple[str, ...]: ...


class UpgradeReport(msgspec.Struct, frozen=True, kw_only=True):
    """What an upgrade did, or a preview says that it would do.

    `before` is the state that it found, `steps` the statements sent in order, `migrations` the ids that it
    recorded, `warnings` sentences about what was left undone and does no harm.
    """

    before: SchemaState
    steps: tuple[Step, ...]
    migrations: tuple[str, ...]
    warnings: tuple[str, ...]


class _UnprobedEngine(PostgresEngine):
    """Piccolo's engine without its first connection, whose failure would be printed as a warning."""

    async def check_version(self) -> None:
        """Leave it to the upgrade, which says more."""


async def upgrade(
    target: ConnectTarget, *, dry_run: bool = False, limits: UpgradeLimits = _DEFAULT_LIMITS
) -> UpgradeReport:
    """Adds what the database lacks, all in one transaction, then large indexes concurrently.

    Nothing is dropped, renamed or retyped, except that a grown index takes its predecessor's place. Raises
    SchemaError with a sentence on what to do when the database is not one that this release knows, when
    locks could not be had within `limits`, or when a statement fails; nothing is changed then. Raises
    DatabaseUnavailable when the server is away.
    """
    if dry_run:
        async with open_connection(target) as connection:
            return await _preview(connection)
    report = await _upgrade_patiently(target, limits)
    if any(step.kind is StepKind.CONCURRENT for step in report.steps):
        await build_large_indexes(target, limits)
    return report


async def _upgrade_patiently(target: ConnectTarget, limits: UpgradeLimits) -> UpgradeReport:
    for attempt in range(1, limits.attempts + 1):
        try:
            with connecting():
                return await _upgrade_once(target, limits)
        except _BUSY as error:
            if attempt == limits.attempts:
                raise SchemaError(_busy_message(error, limits)) from error
            await asyncio.sleep(limits.first_pause_seconds * 2 ** (attempt - 1))
        except asyncpg.PostgresError as error:
            raise SchemaError(_failure_message(error)) from error
    raise SchemaError("The upgrade was given no attempt.")


async def _upgrade_once(target: ConnectTarget, limits: UpgradeLimits) -> UpgradeReport:
    engine = _UnprobedEngine(config=connect_options(target), extensions=())
    async with engine.transaction() as transaction:
        # The connection is asyncpg's, which ships no type hints.
        connection = cast(SchemaConnection, transaction.connection)  # pyright: ignore[reportUnknownMemberType] untyped
        await take_upgrade_lock(connection, limits)
        found = await survey(connection)
        if found.plan.conflicts:
            raise SchemaError(" ".join(("This database cannot be adopted.", *found.plan.conflicts)))
        return _report(found, await _apply(engine, connection, found))
    # Piccolo's transaction is annotated as if it could swallow an error.
    raise SchemaError("The upgrade's transaction ended early; nothing was changed.")


async def _apply(engine: PostgresEngine, connection: SchemaConnection, found: Survey) -> tuple[str, ...]:
    warnings = list(found.plan.warnings)
    is_adoption = bool(found.pending_migrations)
    warnings += await run_steps(connection, found.own_steps)
    if is_adoption:
        warnings += await _load_runner().run_pending_migrations(engine, connection)
        found = await survey(connection)
    # Whatever a recorded migration made and somebody removed since is added again.
    warnings += await run_steps(connection, found.plan.steps)
    await open_books(connection)
    if is_adoption:
        warnings += await find_row_warnings(connection)
    await record_fingerprint(connection)
    return tuple(dict.fromkeys(warnings))


async def _preview(connection: SchemaConnection) -> UpgradeReport:
    found = await survey(connection)
    warnings = (*found.plan.conflicts, *found.plan.warnings)
    if found.plan.state not in {SchemaState.EMPTY, SchemaState.UNKNOWN} and found.pending_migrations:
        warnings += tuple(await find_row_warnings(connection))
    return _report(found, warnings)


def _load_runner() -> _Runner:
    # Piccolo's runner imports a code formatter: 10 MB and a quarter of a second that only migrating is worth.
    return cast(_Runner, importlib.import_module("gateway.db.schema.runner"))


def _report(found: Survey, warnings: tuple[str, ...]) -> UpgradeReport:
    return UpgradeReport(
        before=found.plan.state,
        steps=found.steps,
        migrations=found.pending_migrations,
        warnings=warnings,
    )


def _busy_message(error: asyncpg.PostgresError, limits: UpgradeLimits) -> str:
    return (
        f"The upgrade did not get its locks in {limits.attempts} attempts ({_first_note(error)}); nothing "
        "was changed. Another session holds a table: end it or wait, then run `gatewright db upgrade` again."
    )


def _failure_message(error: asyncpg.PostgresError) -> str:
    return f"The upgrade failed and nothing was changed: {error} {_first_note(error)}"


def _first_note(error: BaseException) -> str:
    notes: list[str] = getattr(error, "__notes__", [])
    return notes[0] if notes else "while it waited for another upgrade"
