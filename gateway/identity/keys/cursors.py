"""Where a list of keys goes on: behind the last key of a page, however many are before it."""

from gateway.db.cursors import Cursor

__all__ = ["conditions_behind"]


def conditions_behind(
    cursor: Cursor, column: str, *, is_ascending: bool
) -> list[tuple[str, tuple[object, ...]]]:
    """The ranges of an index on `created_at` and `column` that are behind a cursor, in their order.

    Each is a condition on a key `k` in which `{0}` and `{1}` stand for its arguments. A key without a time is
    older than all others.
    """
    sign = ">" if is_ascending else "<"
    if cursor.moment is not None:
        rows = f"(k.created_at, k.{column}) {sign} ({{0}}::timestamp, {{1}}::text)"
        behind: list[tuple[str, tuple[object, ...]]] = [(rows, (cursor.column_value, cursor.key))]
        return behind if is_ascending else [*behind, ("k.created_at IS NULL", ())]
    untimed = f"k.created_at IS NULL AND k.{column} {sign} {{0}}::text"
    behind = [(untimed, (cursor.key,))]
    return [*behind, ("k.created_at IS NOT NULL", ())] if is_ascending else behind
