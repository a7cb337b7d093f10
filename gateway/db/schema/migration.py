"""The Piccolo migration that adds what the wanted catalog has and the live one lacks."""

from contextvars import ContextVar

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from gateway.db.schema.catalog import load_wanted_catalog
from gateway.db.schema.connection import SchemaConnection
from gateway.db.schema.execute import run_steps
from gateway.db.schema.plan import plan_upgrade
from gateway.db.schema.reader import read_catalog
from gateway.errors import SchemaError

__all__ = ["ACTIVE_UPGRADE", "ActiveUpgrade", "GuardedMigration"]


class ActiveUpgrade:
    """The transaction that migrations run in, and the warnings that they leave."""

    def __init__(self, connection: SchemaConnection) -> None:
        self.connection = connection
        self.warnings: list[str] = []


# Piccolo calls a migration's run() without arguments; this hands it the transaction of `upgrade`.
ACTIVE_UPGRADE: ContextVar[ActiveUpgrade] = ContextVar("gatewright_active_upgrade")


class GuardedMigration(MigrationManager):
    """Reads the live catalog and sends only what is missing, in the transaction of `gatewright db upgrade`.

    Piccolo's command line does not take the advisory lock and the time limits, so that run from there it
    raises SchemaError; so does going backwards.
    """

    async def run(self, backwards: bool = False) -> None:  # noqa: FBT001, FBT002 - Piccolo's signature
        """Adds what is missing; Piccolo calls it."""
        if backwards:
            raise SchemaError(
                "Migrations of Gatewright only go forward; nothing that they add is in the way."
            )
        active = ACTIVE_UPGRADE.get(None)
        if active is None:
            raise SchemaError("Run `gatewright db upgrade`; this migration needs its lock and its limits.")
        plan = plan_upgrade(await read_catalog(active.connection), load_wanted_catalog())
        active.warnings.extend(await run_steps(active.connection, plan.steps))
