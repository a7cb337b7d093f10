"""The queries of the audit trail."""

from collections.abc import Sequence
from datetime import UTC
from typing import Any

import msgspec

from gateway.audit.query import AuditQuery, Period
from gateway.db.conditions import Conditions
from gateway.db.connection import Record
from gateway.db.engine import Database

__all__ = ["MOST_COUNTED", "MOST_LOOKED_AT", "AuditRecords", "Entry"]

MOST_COUNTED = 100_000
"""More entries are not counted: the total says this many."""
MOST_LOOKED_AT = 20_000
"""In how many of the newest entries a part of a text is looked for; a whole name or id is found in all."""

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
((table_name = 'LiteLLM_OrganizationTable' AND object_id = ANY ({}::text[])) OR (
    COALESCE(before_value ->> 'organization_id', updated_values ->> 'organization_id') = ANY ({}::text[])
    AND COALESCE(updated_values ->> 'organization_id', before_value ->> 'organization_id')
        = ANY ({}::text[])))
"""
_OF_TEAM = """
((table_name = 'LiteLLM_TeamTable' AND object_id = {})
    OR COALESCE(updated_values, before_value) ->> 'team_id' = {})
"""
_OF_KEY = "(table_name = 'LiteLLM_VerificationToken' AND object_id = {})"
_EQUAL = ("changed_by", "changed_by_api_key", "action", "table_name", "object_id")
_CONTAINS = "strpos(lower(concat_ws(chr(10), changed_by, action, table_name, object_id)), lower({0})) > 0"
_IS = "(changed_by = {0} OR object_id = {0})"
_COLUMNS = """
id, updated_at, changed_by, changed_by_api_key, action, table_name, object_id, before_value, updated_values
"""
_TABLE = '"LiteLLM_AuditLog"'


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One row to write; `before` and `after` are JSON."""

    id: str
    action: str
    table: str
    object_id: str
    before: str | None
    after: str | None


class AuditRecords:
    """Writes and reads the rows of the trail. Raises DatabaseUnavailable.

    It counts at most `most_counted` entries, and looks for parts of texts in the newest `most_looked_at`.
    """

    def __init__(
        self,
        database: Database,
        *,
        most_counted: int = MOST_COUNTED,
        most_looked_at: int = MOST_LOOKED_AT,
    ) -> None:
        self._database = database
        self._most_counted = most_counted
        self._most_looked_at = most_looked_at

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
        conditions = Conditions().add("id = {}", entry_id).add_given(_IN_ORGANIZATIONS, organizations)
        sql = f"SELECT {_COLUMNS} FROM {_TABLE} {conditions.sql}"  # noqa: S608  constants of this module
        row = await self._database.fetch_row(sql, *conditions.args)
        return None if row is None else _shown(row)

    async def count(self, query: AuditQuery, period: Period, organizations: Sequence[str] | None) -> int:
        """How many entries the query chooses, as far as is counted."""
        conditions = _conditions(query, period, organizations)
        found = self._select("id", conditions, query.search)
        sql = f"SELECT count(*) FROM ({found} LIMIT {self._most_counted}) found"  # noqa: S608  the same
        return await self._database.fetch_value(sql, *conditions.args)

    async def list_page(
        self, query: AuditQuery, period: Period, organizations: Sequence[str] | None, column: str
    ) -> list[dict[str, Any]]:
        """The page's entries; `column`, one of `SORT_COLUMNS`, leads their order, then time and id."""
        conditions = _conditions(query, period, organizations)
        after, direction = query.after(), "ASC" if query.sort_order == "asc" else "DESC"
        if after is not None:
            sign, moment = ">" if direction == "ASC" else "<", conditions.put(after.column_value)
            conditions.add(f"(updated_at, id) {sign} ({moment}::timestamp, {{}}::text)", after.key)
        names = list(dict.fromkeys((column, "updated_at", "id"))) if column != "id" else ["id"]
        order = ", ".join(f"{name} {direction}" for name in names)
        found = self._select(", ".join(names), conditions, query.search)
        offset = 0 if after else (query.page - 1) * query.page_size
        sql = f"""
            SELECT {_COLUMNS} FROM {_TABLE} JOIN (
                SELECT id AS chosen FROM ({found}) found
                ORDER BY {order} LIMIT {query.page_size} OFFSET {offset}
            ) page ON id = chosen ORDER BY {order}"""  # noqa: S608  constants of this module, and numbers
        return [_shown(row) for row in await self._database.fetch(sql, *conditions.args)]

    def _select(self, columns: str, conditions: Conditions, search: str | None) -> str:
        """The query of these columns of what is chosen."""
        where = conditions.sql
        if not search:
            return f"SELECT {columns} FROM {_TABLE} {where}"  # noqa: S608  constants of this module
        place = conditions.put(search)
        newest = (
            f"SELECT * FROM {_TABLE} {where} ORDER BY updated_at DESC, id DESC LIMIT {self._most_looked_at}"  # noqa: S608  the same
        )
        return f"""
            SELECT {columns} FROM ({newest}) newest WHERE {_CONTAINS.format(place)} UNION
            SELECT {columns} FROM {_TABLE} {f"{where} AND" if where else "WHERE"} {_IS.format(place)}"""  # noqa: S608  the same


def _conditions(query: AuditQuery, period: Period, organizations: Sequence[str] | None) -> Conditions:
    """Only what is asked for, so that each question has the plan that suits it; without `search`."""
    conditions = Conditions().add_given(_IN_ORGANIZATIONS, organizations)
    for name in _EQUAL:
        conditions.add_given(f"{name} = {{}}", getattr(query, name) or None)
    conditions.add_given("updated_at >= {}", period.start).add_given("updated_at <= {}", period.end)
    conditions.add_given(_OF_TEAM, query.object_team_id or None)
    return conditions.add_given(_OF_KEY, query.object_key_hash or None)


def _shown(row: Record) -> dict[str, Any]:
    shown = dict(row)
    for name in ("before_value", "updated_values"):
        text: str | None = shown[name]
        shown[name] = None if text is None else msgspec.Raw(text.encode())
    return {**shown, "updated_at": row["updated_at"].replace(tzinfo=UTC)}
