"""Moving rows to the table that keeps their last state, in one statement."""

from collections.abc import Sequence

from piccolo.table import Table

__all__ = ["archive_sql"]


def archive_sql(live: type[Table], archive: type[Table], key: str, marks: Sequence[str]) -> str:
    """The INSERT that copies the rows whose `key` is in $1, with $2, $3, ... in the columns `marks`.

    Copied is every column that both tables have; the archive's `id` is new.
    """
    shared = sorted((_columns(live) & _columns(archive)) - {"id", *marks})
    kept = ", ".join(f'"{name}"' for name in shared)
    given = ", ".join(f"${number}" for number in range(2, len(marks) + 2))
    return (
        f'INSERT INTO "{_name(archive)}" (id, {kept}, {", ".join(marks)}) '  # noqa: S608  names are those of tables
        f'SELECT gen_random_uuid()::text, {kept}, {given} FROM "{_name(live)}" WHERE {key} = ANY ($1::text[])'
    )


def _columns(table: type[Table]) -> set[str]:
    columns = table._meta.columns  # noqa: SLF001  Piccolo's documented name  # pyright: ignore[reportPrivateUsage]  the same
    return {column._meta.name for column in columns}  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  the same


def _name(table: type[Table]) -> str:
    return table._meta.tablename  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  the same
