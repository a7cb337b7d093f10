"""Compares a live catalog with the wanted one and orders the statements that add what is missing."""

from collections.abc import Iterator
from enum import StrEnum

import msgspec

from gateway.db.schema import ddl
from gateway.db.schema.catalog import Catalog, Column, TableShape
from gateway.db.schema.columns import find_column_conflicts, find_column_warnings, find_unknown_objects
from gateway.db.schema.indexes import find_index_conflicts, find_index_warnings, plan_indexes
from gateway.db.schema.rules import FORMER_FOREIGN_KEYS
from gateway.db.schema.steps import Step, StepKind
from gateway.db.schema.views import plan_views

__all__ = ["Plan", "SchemaState", "plan_upgrade"]


class SchemaState(StrEnum):
    """What a database is, compared with this release."""

    EMPTY = "empty"
    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"
    UNKNOWN = "unknown"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What separates a database from the wanted schema.

    `steps` add what is missing, in an order that works. `conflicts` are sentences about differences that no
    added object can mend; with one the state is unknown. `warnings` are sentences about harmless ones.
    `unknown_objects` are tables and columns of later LiteLLM releases.
    """

    state: SchemaState
    steps: tuple[Step, ...] = ()
    conflicts: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    unknown_objects: tuple[str, ...] = ()

    @property
    def can_serve(self) -> bool:
        """Whether every object that a query of the gateway needs is there, whatever else is not."""
        return not self.conflicts and not any(step.is_needed for step in self.steps)


def plan_upgrade(live: Catalog, wanted: Catalog) -> Plan:
    """The ordered steps from `live` to `wanted`; pure, and empty for a database that lacks nothing."""
    steps = (
        *_plan_enums(live, wanted),
        *_plan_tables(live, wanted),
        *_plan_columns(live, wanted),
        *plan_indexes(live, wanted),
        *_plan_foreign_keys(live, wanted),
        *plan_views(live),
    )
    conflicts = (*find_column_conflicts(live, wanted), *find_index_conflicts(live, wanted))
    warnings = (*find_column_warnings(live, wanted), *find_index_warnings(live, wanted), *_key_warnings(live))
    unknown = tuple(find_unknown_objects(live, wanted))
    state = _judge(live, steps, has_conflicts=bool(conflicts), is_newer=bool(unknown))
    return Plan(state=state, steps=steps, conflicts=conflicts, warnings=warnings, unknown_objects=unknown)


def _judge(live: Catalog, steps: tuple[Step, ...], *, has_conflicts: bool, is_newer: bool) -> SchemaState:
    if has_conflicts:
        return SchemaState.UNKNOWN
    if not live.tables:
        return SchemaState.EMPTY
    if is_newer and not any(step.is_needed for step in steps):
        return SchemaState.NEWER
    return SchemaState.OLDER if steps else SchemaState.CURRENT


def _plan_enums(live: Catalog, wanted: Catalog) -> Iterator[Step]:
    present = {name for name, _ in live.enums}
    for name, labels in wanted.enums:
        if name not in present:
            yield Step(sql=ddl.create_enum(name, labels), reason=f"enum {name} is missing")


def _plan_tables(live: Catalog, wanted: Catalog) -> Iterator[Step]:
    present = live.by_name()
    for table in wanted.tables:
        if table.name not in present:
            yield Step(sql=ddl.create_table(table), reason=f"table {table.name} is missing")


def _pairs(live: Catalog, wanted: Catalog) -> Iterator[tuple[TableShape, TableShape]]:
    present = live.by_name()
    for table in wanted.tables:
        if table.name in present:
            yield present[table.name], table


def _plan_columns(live: Catalog, wanted: Catalog) -> Iterator[Step]:
    for have, want in _pairs(live, wanted):
        missing = [column for column in want.columns if have.find_column(column.name) is None]
        if missing:
            names = ", ".join(column.name for column in missing)
            yield Step(sql=ddl.add_columns(want.name, missing), reason=f"{want.name} lacks {names}")
        strict = [
            column.name for column in want.columns if _is_too_strict(have.find_column(column.name), column)
        ]
        if strict:
            reason = f"{want.name}: {', '.join(strict)} may be NULL in this schema"
            yield Step(sql=ddl.drop_not_null(want.name, strict), reason=reason)


def _is_too_strict(have: Column | None, want: Column) -> bool:
    return have is not None and want.nullable and not have.nullable


def _plan_foreign_keys(live: Catalog, wanted: Catalog) -> Iterator[Step]:
    present = live.by_name()
    for table in wanted.tables:
        have = present.get(table.name)
        for key in table.foreign_keys:
            if have is None:
                sql = ddl.add_foreign_key(table.name, key, is_checked=True)
                yield Step(sql=sql, reason=f"foreign key {key.name} is missing", is_needed=False)
                continue
            old = have.find_foreign_key(key.name)
            if old is None:
                sql = ddl.add_foreign_key(table.name, key, is_checked=False)
                yield Step(sql=sql, reason=f"foreign key {key.name} is missing", is_needed=False)
            elif FORMER_FOREIGN_KEYS.get(key.name) == old.definition:
                sql = ddl.replace_foreign_key(table.name, key)
                yield Step(sql=sql, reason=f"foreign key {key.name} has its former rule", is_needed=False)
            else:
                continue
            sql = ddl.validate_foreign_key(table.name, key)
            yield Step(
                sql=sql, reason=f"check the rows under {key.name}", kind=StepKind.ATTEMPT, is_needed=False
            )


def _key_warnings(live: Catalog) -> Iterator[str]:
    for table in live.tables:
        for key in table.foreign_keys:
            if not key.is_validated:
                yield (
                    f"{table.name} has rows without a parent under {key.name}; mend them, then run: "
                    f"{ddl.validate_foreign_key(table.name, key)}"
                )
