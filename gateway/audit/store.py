"""The queries of the audit trail."""

from collections.abc import Sequence

import msgspec

from gateway.db.engine import Database

__all__ = ["AuditRecords", "Entry"]

_INSERT = """
INSERT INTO "LiteLLM_AuditLog"
    (id, updated_at, changed_by, changed_by_api_key, action, table_name, object_id, before_value,
    updated_values)
SELECT e.id, clock_timestamp() AT TIME ZONE 'UTC', $1, $2, e.action, e.table_name, e.object_id,
    e.before_value::jsonb, e.updated_values::jsonb
FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
    AS e (id, action, table_name, object_id, before_value, updated_values)
"""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One row to write; `before` and `after` are JSON."""

    id: str
    action: str
    table: str
    object_id: str
    before: str | None
    after: str | None


class AuditRecords:
    """Writes and reads the rows of the trail. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, changed_by: str, api_key: str, entries: Sequence[Entry]) -> None:
        """Store entries of one actor."""
        await self._database.execute(
            _INSERT,
            changed_by,
            api_key,
            [entry.id for entry in entries],
            [entry.action for entry in entries],
            [entry.table for entry in entries],
            [entry.object_id for entry in entries],
            [entry.before for entry in entries],
            [entry.after for entry in entries],
        )
