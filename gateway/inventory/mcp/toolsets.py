"""The rules of making, changing, showing and deleting toolsets."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.audit.changes import Audited, created, deleted, updated
from gateway.db.engine import Database
from gateway.db.rows import Columns
from gateway.domain import Principal
from gateway.errors import BadRequest, Conflict, NotFound
from gateway.identity.faults import Faults
from gateway.identity.records import Records
from gateway.identity.rights import actor_of
from gateway.identity.values import check_text
from gateway.ids import new_id
from gateway.inventory.mcp.request import ToolsetTool
from gateway.inventory.mcp.sight import sees_all
from gateway.inventory.mcp.surroundings import McpSurroundings, configured_names
from gateway.inventory.mcp.toolset_store import ToolsetRecords
from gateway.inventory.notices import announce_models

__all__ = ["ToolsetService"]

_MOST = 1_000


class ToolsetService:
    """Named sets of tools of MCP servers; a change is one transaction, which is announced.

    All methods raise DatabaseUnavailable, BadRequest for a tool of a server that is not there, Conflict for a
    name that is taken, NotFound for what is not there or not the caller's to see.
    """

    def __init__(self, database: Database, records: Records) -> None:
        self._database = database
        self._records = records
        self._toolsets = ToolsetRecords(database)

    async def create(self, caller: Principal, sent: Mapping[str, Any], around: McpSurroundings) -> Columns:
        """Store a toolset; keys that have it can use it as soon as the workers have heard of it."""
        identifier, actor = new_id(), actor_of(caller)
        values = {"toolset_id": identifier, "created_by": actor, "updated_by": actor, **_written(sent)}
        async with self._records.transaction():
            await self._check(identifier, sent, around)
            made = _show(await self._toolsets.insert(values) or values)
            await self._records.audit.record(caller, created(Audited.MCP_TOOLSET, identifier, made))
            await announce_models(self._database)
        return made

    async def update(self, caller: Principal, sent: Mapping[str, Any], around: McpSurroundings) -> Columns:
        """Change what was sent."""
        identifier: str = sent["toolset_id"]
        changes = {name: value for name, value in sent.items() if name == "description" or value is not None}
        async with self._records.transaction():
            row = await self._toolsets.lock(identifier)
            if row is None:
                raise _unknown(identifier)
            await self._check(identifier, changes, around)
            values = {**_written(changes), "updated_by": actor_of(caller)}
            changed = _show(await self._toolsets.update(identifier, values))
            change = updated(Audited.MCP_TOOLSET, identifier, _show(row), changed)
            await self._records.audit.record(caller, change)
            await announce_models(self._database)
        return changed

    async def delete(self, caller: Principal, identifier: str) -> None:
        """Remove a toolset: keys that have it get nothing by it any more."""
        async with self._records.transaction():
            row = await self._toolsets.lock(identifier)
            if row is None:
                raise _unknown(identifier)
            await self._toolsets.delete(identifier)
            await self._records.audit.record(caller, deleted(Audited.MCP_TOOLSET, identifier, _show(row)))
            await announce_models(self._database)

    async def list_visible(self, caller: Principal) -> list[Columns]:
        """The toolsets that the caller was given; administrators see all."""
        rows = await self._toolsets.list_first(_MOST)
        return [_show(row) for row in rows if _is_visible(caller, row)]

    async def find_visible(self, caller: Principal, identifier: str) -> Columns:
        """One toolset."""
        row = await self._toolsets.find(identifier)
        if row is None or not _is_visible(caller, row):
            raise _unknown(identifier)
        return _show(row)

    async def _check(self, identifier: str, sent: Mapping[str, Any], around: McpSurroundings) -> None:
        name = sent.get("toolset_name")
        if name is not None:
            faults = Faults()
            check_text(faults, "toolset_name", name)
            faults.refuse()
            if not name or "/" in name:
                message = "The name of a toolset is part of a path: it is not empty and has no '/'."
                raise BadRequest(message, param="toolset_name")
            if await self._toolsets.is_taken(identifier, name):
                raise Conflict(f"There is a toolset '{name[:200]}' already.", param="toolset_name")
        await self._check_tools(sent.get("tools") or (), around)

    async def _check_tools(self, tools: Sequence[ToolsetTool], around: McpSurroundings) -> None:
        named = {one.server_id for one in tools} - configured_names(around.configured)
        missing = await self._toolsets.list_missing(sorted(named)) if named else []
        for index, one in enumerate(tools):
            if one.server_id in missing:
                message = f"There is no MCP server with the id '{one.server_id[:200]}'."
                raise BadRequest(message, param=f"tools[{index}].server_id")


def _written(sent: Mapping[str, Any]) -> Columns:
    values = {name: sent[name] for name in ("toolset_name", "description") if name in sent}
    if "tools" in sent:
        values["tools"] = [{"server_id": one.server_id, "tool_name": one.tool_name} for one in sent["tools"]]
    return values


def _show(row: Columns) -> Columns:
    return {**row, "tools": row.get("tools") or []}


def _is_visible(caller: Principal, row: Columns) -> bool:
    if sees_all(caller):
        return True
    names = {row["toolset_id"], row["toolset_name"]}
    return any(one.is_readable and not names.isdisjoint(one.mcp_toolsets) for one in caller.permissions)


def _unknown(identifier: str) -> NotFound:
    return NotFound(f"There is no toolset with the id '{identifier[:200]}'.", param="toolset_id")
