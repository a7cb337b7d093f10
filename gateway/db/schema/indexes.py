"""Plans missing, grown and broken indexes, and finds those under a known name that are something else."""

from collections.abc import Iterator

from gateway.db.schema import ddl
from gateway.db.schema.catalog import Catalog, Index, TableShape
from gateway.db.schema.rules import LARGE_TABLE_BYTES, LARGE_TABLE_ROWS, SUPERSEDED_INDEXES
from gateway.db.schema.steps import Step, StepKind

__all__ = ["find_index_conflicts", "find_index_warnings", "plan_indexes"]

_PREDECESSORS = {new: old for old, new in SUPERSEDED_INDEXES}


def plan_indexes(live: Catalog, wanted: Catalog) -> Iterator[Step]:
    """The steps for every index of the wanted catalog that is missing, has grown or was left unfinished."""
    present = live.by_name()
    for table in wanted.tables:
        have = present.get(table.name)
        for index in table.indexes:
            if have is None:
                yield _create(index)
            elif not have.is_partitioned:
                yield from _plan_index(have, index)


def find_index_conflicts(live: Catalog, wanted: Catalog) -> Iterator[str]:
    """Unique indexes under a known name whose columns are not the beginning of ours: upserts would fail."""
    for table, have, want in _same_names(live, wanted):
        if (want.is_unique or have.is_unique) and not _is_same(have, want) and not _has_grown(have, want):
            found = ", ".join(have.columns)
            yield f"{want.name} of {table} covers ({found}); upserts need ({', '.join(want.columns)})."


def find_index_warnings(live: Catalog, wanted: Catalog) -> Iterator[str]:
    """Plain indexes under a known name with another definition: slower at worst."""
    for table, have, want in _same_names(live, wanted):
        if not want.is_unique and not have.is_unique and not _is_same(have, want):
            yield f"{have.name} of {table} is defined otherwise here: {have.definition}"


def _same_names(live: Catalog, wanted: Catalog) -> Iterator[tuple[str, Index, Index]]:
    present = live.by_name()
    for table in wanted.tables:
        have = present.get(table.name)
        for want in table.indexes if have else ():
            index = have.find_index(want.name) if have else None
            if index is not None:
                yield table.name, index, want


def _plan_index(table: TableShape, want: Index) -> Iterator[Step]:
    have = table.find_index(want.name)
    if have is None:
        if not any(_is_equivalent(index, want) for index in table.indexes):
            yield from _plan_missing(table, want)
    elif not have.is_valid:
        yield _finish_drop(want)
        yield _create_concurrently(want, "an earlier build did not finish")
    elif _has_grown(have, want):
        reason = f"{want.name} covers fewer columns than upserts name"
        yield Step(sql=ddl.drop_index(want.name), reason=reason)
        yield Step(sql=ddl.create_index(want), reason=reason)


def _plan_missing(table: TableShape, want: Index) -> Iterator[Step]:
    former = table.find_index(_PREDECESSORS.get(want.name, ""))
    if former is not None:
        yield Step(sql=ddl.drop_index(former.name), reason=f"{want.name} takes the place of {former.name}")
    # A unique index is what upserts rest on, so it comes with the transaction even when that takes longer.
    if _is_large(table) and not want.is_unique:
        yield _create_concurrently(want, f"index {want.name} is missing, {table.name} is large")
    else:
        yield _create(want)


def _create(index: Index) -> Step:
    return Step(
        sql=ddl.create_index(index), reason=f"index {index.name} is missing", is_needed=index.is_unique
    )


def _create_concurrently(index: Index, reason: str) -> Step:
    sql = ddl.create_index(index, concurrently=True)
    return Step(sql=sql, reason=reason, kind=StepKind.CONCURRENT, is_needed=index.is_unique)


def _finish_drop(index: Index) -> Step:
    sql = ddl.drop_index(index.name, concurrently=True)
    reason = f"index {index.name} was left unfinished"
    return Step(sql=sql, reason=reason, kind=StepKind.CONCURRENT, is_needed=index.is_unique)


def _is_large(table: TableShape) -> bool:
    return table.estimated_rows >= LARGE_TABLE_ROWS or table.size_bytes >= LARGE_TABLE_BYTES


def _has_grown(have: Index, want: Index) -> bool:
    return have.is_unique and want.is_unique and set(have.columns) < set(want.columns)


def _is_same(have: Index, want: Index) -> bool:
    return have.definition == want.definition


def _is_equivalent(have: Index, want: Index) -> bool:
    return have.is_valid and have.definition == want.definition.replace(
        ddl.quote(want.name), ddl.quote(have.name), 1
    )
