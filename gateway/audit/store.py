"""The queries of the audit trail."""

from collections.abc import Sequence
from datetime import UTC
from typing import Any

import msgspec

from gateway.audit.query import AuditQuery, Period
from gateway.db.connection import Record
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

_ADMINISTERED = """
SELECT organization_id FROM "LiteLLM_OrganizationMembership"
WHERE user_id = $1 AND user_role = 'org_admin' ORDER BY organization_id
"""
# An entry is an organization's when its row was in it before and after; one that says nothing is nobody's.
_IN_ORGANIZATIONS = """
($1::text[] IS NULL OR (table_name = 'LiteLLM_OrganizationTable' AND object_id = ANY ($1)) OR (
    COALESCE(before_value ->> 'organization_id', updated_values ->> 'organization_id') = ANY ($1)
    AND COALESCE(updated_values ->> 'organization_id', before_value ->> 'organization_id') = ANY ($1)))
"""
_COLUMNS = """
id, updated_at, changed_by, changed_by_api_key, action, table_name, object_id, before_value, updated_values
"""
_FIND = f'SELECT {_COLUMNS} FROM "LiteLLM_AuditLog" WHERE {_IN_ORGANIZATIONS} AND id = $2'  # noqa: S608  only constants are put in
_CHOSEN = f"""
FROM "LiteLLM_AuditLog" WHERE {_IN_ORGANIZATIONS}
    AND ($2::text IS NULL OR changed_by = $2)
    AND ($3::text IS NULL OR changed_by_api_key = $3)
    AND ($4::text IS NULL OR action = $4)
    AND ($5::text IS NULL OR table_name = $5)
    AND ($6::text IS NULL OR object_id = $6)
    AND ($7::timestamp IS NULL OR updated_at >= $7)
    AND ($8::timestamp IS NULL OR updated_at <= $8)
    AND ($9::text IS NULL OR (table_name = 'LiteLLM_TeamTable' AND object_id = $9)
        OR COALESCE(updated_values, before_value) ->> 'team_id' = $9)
    AND ($10::text IS NULL OR (table_name = 'LiteLLM_VerificationToken' AND object_id = $10))
    AND ($11::text IS NULL
        OR strpos(lower(concat_ws(chr(10), changed_by, action, table_name, object_id)), lower($11)) > 0)
"""
_COUNT = f"SELECT count(*) {_CHOSEN}"


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

    async def list_administered(self, user_id: str) -> list[str]:
        """The organizations that a user administers."""
        return [row["organization_id"] for row in await self._database.fetch(_ADMINISTERED, user_id)]

    async def find(self, entry_id: str, organizations: Sequence[str] | None) -> dict[str, Any] | None:
        """One entry, if it is about these organizations; None stands for all."""
        row = await self._database.fetch_row(_FIND, organizations, entry_id)
        return None if row is None else _shown(row)

    async def count(self, query: AuditQuery, period: Period, organizations: Sequence[str] | None) -> int:
        """How many entries the query chooses."""
        return await self._database.fetch_value(_COUNT, *_arguments(query, period, organizations))

    async def list_page(
        self, query: AuditQuery, period: Period, organizations: Sequence[str] | None, column: str
    ) -> list[dict[str, Any]]:
        """The page's entries; `column`, one of `SORT_COLUMNS`, comes first in their order, then their ids."""
        order = "ASC" if query.sort_order == "asc" else "DESC"
        sql = f"SELECT {_COLUMNS} {_CHOSEN} ORDER BY {column} {order}, id {order} LIMIT $12 OFFSET $13"
        arguments = _arguments(query, period, organizations)
        offset = (query.page - 1) * query.page_size
        return [_shown(row) for row in await self._database.fetch(sql, *arguments, query.page_size, offset)]


def _arguments(query: AuditQuery, period: Period, organizations: Sequence[str] | None) -> list[object]:
    texts = (query.changed_by, query.changed_by_api_key, query.action, query.table_name, query.object_id)
    others = (query.object_team_id, query.object_key_hash, query.search)
    return [
        organizations,
        *(text or None for text in texts),
        period.start,
        period.end,
        *(text or None for text in others),
    ]


def _shown(row: Record) -> dict[str, Any]:
    shown = dict(row)
    for name in ("before_value", "updated_values"):
        text: str | None = shown[name]
        shown[name] = None if text is None else msgspec.Raw(text.encode())
    return {**shown, "updated_at": row["updated_at"].replace(tzinfo=UTC)}
