"""The rules of reading the audit trail."""

import math
from typing import Any

from gateway.audit.query import SORT_COLUMNS, AuditQuery
from gateway.audit.store import AuditRecords
from gateway.db.cursors import Cursor
from gateway.db.engine import Database
from gateway.domain import Principal, Role
from gateway.errors import NotFound, PermissionDenied

__all__ = ["AuditReading"]

_SEE_ALL = frozenset({Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER})


class AuditReading:
    """Shows entries: all to proxy admins and viewers, to who administers organizations those about them.

    Raises DatabaseUnavailable, and PermissionDenied for everybody else.
    """

    def __init__(self, database: Database) -> None:
        self._records = AuditRecords(database)

    async def list_entries(self, caller: Principal, query: AuditQuery) -> dict[str, Any]:
        """One page of entries; raises BadRequest for dates, columns and cursors that cannot be."""
        period, column = query.period(), query.sort_column()
        query.after()
        organizations = await self._organizations_of(caller)
        total = await self._records.count(query, period, organizations)
        entries = await self._records.list_page(query, period, organizations, column)
        return {
            "audit_logs": entries,
            "total": total,
            "page": query.page,
            "page_size": query.page_size,
            "total_pages": math.ceil(total / query.page_size),
            "next_cursor": _cursor_behind(entries, query, column),
        }

    async def get_entry(self, caller: Principal, entry_id: str) -> dict[str, Any]:
        """One entry; raises NotFound, also for one that the caller may not see."""
        organizations = await self._organizations_of(caller)
        entry = await self._records.find(entry_id, organizations)
        if entry is None:
            raise NotFound(f"Audit log with ID {entry_id[:100]} not found.", param="id")
        return entry

    async def _organizations_of(self, caller: Principal) -> list[str] | None:
        """The organizations whose entries the caller sees; None means all entries."""
        if caller.role in _SEE_ALL:
            return None
        found = await self._records.list_administered(caller.user_id) if caller.user_id else []
        if not found:
            raise PermissionDenied("Only administrators can read the audit trail.")
        return found


def _cursor_behind(entries: list[dict[str, Any]], query: AuditQuery, column: str) -> str | None:
    """Where the list goes on behind a full page; an order by another column has no such place."""
    if column != SORT_COLUMNS[0] or len(entries) < query.page_size:
        return None
    return Cursor(entries[-1]["updated_at"], entries[-1]["id"]).text
