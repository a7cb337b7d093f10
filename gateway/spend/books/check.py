"""Checks the books to the nano-dollar, and repairs them by adjustments: nothing is deleted or rewritten."""

import msgspec

from gateway.db.connection import Connection
from gateway.db.engine import Database
from gateway.db.entities import DAILY_TABLES, ENTITIES
from gateway.ids import new_id
from gateway.spend.books.check_store import (
    Difference,
    check_days,
    check_records,
    check_totals,
    count_unopened,
    snapshot,
)
from gateway.spend.books.store import insert_adjustments

__all__ = ["Report", "check_books", "repair_books"]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found; `unopened` counts rows with a spend of which the books know nothing yet."""

    differences: tuple[Difference, ...]
    unopened: int

    @property
    def is_balanced(self) -> bool:
        """Whether everything is equal that should be."""
        return not self.differences


async def check_books(database: Database) -> Report:
    """Compare everything, as of one moment, while the gateway goes on serving. Raises DatabaseUnavailable."""
    async with snapshot(database) as connection:
        return await _check(connection)


async def repair_books(database: Database, *, actor: str) -> Report:
    """Check, and write an adjustment for each difference, so that the next check finds none.

    The adjustments stand in the same snapshot as the check; returns what was found.
    """
    async with snapshot(database) as connection:
        report = await _check(connection)
        changes = [(new_id(), one.adjustment_type, one.entity_id, one.nanos) for one in report.differences]
        await insert_adjustments(connection, changes, reason="repair", actor=actor)
    return report


async def _check(connection: Connection) -> Report:
    found: list[Difference] = []
    unopened = 0
    for entity in ENTITIES:
        found += await check_totals(connection, entity)
        unopened += await count_unopened(connection, entity)
    found += await check_records(connection)
    for table, column in DAILY_TABLES:
        found += await check_days(connection, table, column)
    return Report(differences=tuple(found), unopened=unopened)
