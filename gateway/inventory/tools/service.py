"""The rules of showing tools, and of saying what holds for them."""

from collections.abc import Mapping
from typing import Any

from gateway.audit.changes import Audited, updated
from gateway.db.engine import Database
from gateway.db.rows import Columns
from gateway.domain import Principal
from gateway.errors import NotFound
from gateway.identity.faults import Faults
from gateway.identity.records import Records
from gateway.identity.values import check_text
from gateway.inventory.notices import announce_models
from gateway.inventory.tools.store import ToolRecords

__all__ = ["ToolService"]

_MOST = 1_000
_JSON = ("assignments",)


class ToolService:
    """Tools on behalf of proxy admins; a change is one transaction, which is announced.

    Raises DatabaseUnavailable, and NotFound for a tool that nobody has seen.
    """

    def __init__(self, database: Database, records: Records) -> None:
        self._database = database
        self._records = records
        self._tools = ToolRecords(database)

    async def list(self, input_policy: str | None) -> dict[str, Any]:
        """The tools that were used last, and how many there are."""
        rows = await self._tools.list_used(input_policy, _MOST)
        return {"tools": list(rows), "total": await self._tools.count(input_policy)}

    async def find(self, name: str) -> Columns:
        """One tool."""
        row = await self._tools.find_named(name)
        if row is None:
            raise NotFound(f"There is no tool '{name[:200]}'.", param="tool_name")
        return row

    async def detail(self, name: str) -> dict[str, Any]:
        """One tool, with the teams and keys that may not bring it."""
        row = await self.find(name)
        overrides = [
            {
                "scope": one["kind"],
                "team_id": one["id"] if one["kind"] == "team" else None,
                "key_hash": one["id"] if one["kind"] == "key" else None,
                "alias": one["alias"],
                "input_policy": "blocked",
            }
            for one in await self._tools.list_overrides(name, _MOST)
        ]
        return {"tool": row, "overrides": overrides}

    async def set_policies(self, caller: Principal, name: str, changes: Mapping[str, str]) -> Columns:
        """Say what holds for a tool everywhere; one that nobody has seen yet is noted. Raises BadRequest."""
        faults = Faults()
        check_text(faults, "tool_name", name)
        faults.refuse()
        async with self._records.transaction():
            row = await self._tools.lock_named(name, caller.user_id)
            values = {**changes, "updated_by": caller.user_id}
            changed = await self._tools.update(row["tool_id"], values)
            await self._records.audit.record(caller, updated(Audited.TOOL, row["tool_id"], row, changed))
            await announce_models(self._database)
        return changed
