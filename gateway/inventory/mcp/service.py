"""The rules of making, changing, showing and deleting MCP servers."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from gateway.audit.changes import Audited, created, deleted, updated
from gateway.catalog.stored_mcp import OWN, OWN_MEMBERS, PINS, build_record, own_settings
from gateway.db.engine import Database
from gateway.db.rows import Columns
from gateway.db.sealing import Seal
from gateway.domain import McpServerRecord, Principal
from gateway.errors import BadRequest, ConfigError, Conflict, NotFound, UpstreamError
from gateway.identity.faults import Faults
from gateway.identity.records import Records
from gateway.identity.rights import actor_of
from gateway.identity.values import check_text
from gateway.ids import new_id
from gateway.inventory.mcp.answers import show_configured, show_row, show_to_others, without_own
from gateway.inventory.mcp.names import check_names, list_names
from gateway.inventory.mcp.notices import announce_credentials
from gateway.inventory.mcp.secrets import close_secrets, merge_secrets, open_secrets
from gateway.inventory.mcp.sight import Sight, sees_all
from gateway.inventory.mcp.store import McpServerRecords
from gateway.inventory.mcp.surroundings import McpSurroundings, configured_names
from gateway.inventory.mcp.variables import move_values
from gateway.inventory.notices import announce_models

__all__ = ["McpServerService", "build", "refuse_unserved"]

_MOST = 1_000
_ACTIVE = "active"
_DEFAULT_TRANSPORT = "http"
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class McpServerService:
    """MCP servers of the database; a change is one transaction, which is announced.

    All methods raise DatabaseUnavailable, BadRequest for what cannot be served, Conflict for a name that is
    taken, NotFound for what is not there or not the caller's to see. Secrets are encrypted in the database,
    and masked in what is returned.
    """

    def __init__(self, database: Database, records: Records, seal: Seal) -> None:
        self._database = database
        self._records = records
        self._seal = seal
        self._servers = McpServerRecords(database, seal)

    async def create(self, caller: Principal, sent: Mapping[str, Any], around: McpSurroundings) -> Columns:
        """Store a server; it is served as soon as the workers have heard of it."""
        values = self.complete(caller, sent)
        await self.check(values, around)
        async with self._records.transaction():
            await self.take_names(values)
            shown = await self.insert(values)
            await self._records.audit.record(caller, created(Audited.MCP_SERVER, shown["server_id"], shown))
            await announce_models(self._database)
        return shown

    def complete(self, caller: Principal, sent: Mapping[str, Any]) -> Columns:
        """The columns of a new server."""
        actor, sent = actor_of(caller), move_values(sent, {})
        return {
            "transport": _DEFAULT_TRANSPORT,
            "available_on_public_internet": True,
            **_pack({}, {"mcp_info": {}, **{name: sent[name] for name in sent if sent[name] is not None}}),
            "server_id": sent.get("server_id") or new_id(),
            "created_by": actor,
            "updated_by": actor,
            "approval_status": _ACTIVE,
        }

    async def insert(self, values: Columns) -> Columns:
        """Store a checked server, and return it as it is shown."""
        made = await self._servers.insert(close_secrets(values, self._seal))
        if made is None:
            raise _taken(values["server_id"])
        return show_row(made)

    async def update(self, caller: Principal, sent: Mapping[str, Any], around: McpSurroundings) -> Columns:
        """Change what was sent."""
        identifier: str = sent["server_id"]
        async with self._records.transaction():
            row = await self._lock(identifier)
            stored = open_secrets(row, self._seal)
            given = move_values({name: sent[name] for name in sent if name != "server_id"}, stored)
            merged = merge_secrets(stored, given)
            changes = _pack(stored["mcp_info"] or {}, merged)
            if changes.get("transport", "") is None:
                del changes["transport"]
            await self.check({**stored, **changes}, around, stored)
            await self.take_names({**stored, **changes})
            values = {**close_secrets(changes, self._seal), "updated_by": actor_of(caller)}
            shown = show_row(await self._servers.update(identifier, values))
            change = updated(Audited.MCP_SERVER, identifier, show_row(row), shown)
            await self._records.audit.record(caller, change)
            await announce_models(self._database)
        return shown

    async def pin(self, caller: Principal, identifier: str, around: McpSurroundings) -> Columns:
        """Approve of a server's tools as they are now; raises UpstreamError where it does not tell them."""
        found = await around.ask(identifier)
        if found is None:
            raise _unknown(identifier)
        if found.error:
            raise UpstreamError(f"The MCP server did not say which tools it has: {found.error}")
        pins = {
            str(tool.get("name")): {
                "description": tool.get("description"),
                "input_schema": tool.get("inputSchema"),
            }
            for tool in found.tools
        }
        await self._set_pins(caller, identifier, pins)
        return pins

    async def unpin(self, caller: Principal, identifier: str) -> Columns:
        """Let a server's tools be whatever they are."""
        await self._set_pins(caller, identifier, None)
        return {"server_id": identifier, "status": "unpinned"}

    async def _set_pins(self, caller: Principal, identifier: str, pins: Columns | None) -> None:
        async with self._records.transaction():
            row = await self._lock(identifier)
            held: Columns = row["mcp_info"] or {}
            info = {**held, PINS: pins}
            values = {"mcp_info": info, "updated_by": actor_of(caller)}
            shown = show_row(await self._servers.update(identifier, values))
            change = updated(Audited.MCP_SERVER, identifier, show_row(row), shown)
            await self._records.audit.record(caller, change)
            await announce_models(self._database)

    async def delete(self, caller: Principal, identifier: str) -> None:
        """Remove a server, and what users have given for it."""
        async with self._records.transaction():
            row = await self._servers.lock(identifier)
            if row is None:
                raise _unknown(identifier)
            await self._servers.delete(identifier)
            await self._servers.forget_credentials(identifier)
            await announce_credentials(self._database)
            await self._records.audit.record(caller, deleted(Audited.MCP_SERVER, identifier, show_row(row)))
            await announce_models(self._database)

    async def list_visible(self, caller: Principal, around: McpSurroundings) -> list[Columns]:
        """The servers that the caller may reach; administrators see all, and how they are reached."""
        rows = [show_row(row) for row in await self._servers.list_active(_MOST)]
        configured = [show_configured(name, one) for name, one in around.configured.items()]
        found = _sight(caller, (*configured, *rows), around).list_visible()
        return found if sees_all(caller) else [show_to_others(one) for one in found]

    async def list_named(self, identifiers: list[str], around: McpSurroundings) -> list[Columns]:
        """The servers of these ids, as everybody may see them who may know of them."""
        rows = await self._servers.find_any(identifiers)
        active = [show_row(row) for row in rows if row["approval_status"] in (None, _ACTIVE)]
        configured = [show_configured(name, one) for name, one in around.configured.items()]
        found = {one["server_id"]: show_to_others(one) for one in (*active, *configured)}
        return [found[one] for one in identifiers if one in found]

    async def find_visible(self, caller: Principal, identifier: str, around: McpSurroundings) -> Columns:
        """One server by its id."""
        row = await self._servers.find(identifier)
        if row is not None and row["approval_status"] not in (None, _ACTIVE) and not sees_all(caller):
            raise _unknown(identifier)
        rows = [] if row is None else [show_row(row)]
        configured = [show_configured(name, one) for name, one in around.configured.items()]
        found = _sight(caller, (*configured, *rows), around).list_visible()
        shown = next((one for one in found if one["server_id"] == identifier), None)
        if shown is None:
            raise _unknown(identifier)
        return shown if sees_all(caller) else show_to_others(shown)

    async def find_named(self, caller: Principal, name: str, around: McpSurroundings) -> Columns:
        """The server of an id, a name or an alias that the caller may reach. Raises NotFound."""
        for server in await self.list_visible(caller, around):
            known = (server["server_id"], server["server_name"], server["alias"])
            if name in [str(one).replace(" ", "_") for one in known if one]:
                return server
        raise NotFound(f"There is no MCP server '{name[:200]}'.", param="server_id")

    async def _lock(self, identifier: str) -> Columns:
        row = await self._servers.lock(identifier)
        if row is None:
            raise _unknown(identifier)
        return row

    async def check(
        self, columns: Mapping[str, Any], around: McpSurroundings, held: Mapping[str, Any] = _NOTHING
    ) -> None:
        """Raise BadRequest for a server that cannot be served; names that it has `held` so far stay."""
        if not around.are_read:
            raise _refuse_unread()
        faults = Faults()
        for name in ("server_id", "server_name", "alias"):
            if columns.get(name) is not None:
                check_text(faults, name, columns[name])
        faults.refuse()
        check_names(columns, held, around.own)
        _refuse_configured(columns, around)
        if await around.check(build(columns, around)) is None:
            raise refuse_unserved()

    async def take_names(self, columns: Mapping[str, Any], *waiting: str) -> None:
        """Raise Conflict for a name that another server of the database has.

        What waits for review has no name yet, but for those with these statuses.
        """
        names = list_names(columns)
        await self._servers.hold_names()
        if await self._servers.is_taken(columns["server_id"], names, (_ACTIVE, *waiting)):
            raise _taken(names[-1])


def build(columns: Mapping[str, Any], around: McpSurroundings) -> McpServerRecord:
    """A server of its columns. Raises BadRequest."""
    try:
        return build_record(columns, around.environ)
    except ConfigError as error:
        raise BadRequest(str(error), param=error.path, type="bad_request_error") from error


def refuse_unserved() -> BadRequest:
    """The refusal where no plugin serves MCP servers."""
    message = (
        "Nothing serves MCP servers here: the plugin 'mcp' (gatewright-mcp) is not installed, or "
        "'gatewright.plugins' of the configuration does not let it load."
    )
    return BadRequest(message, type="bad_request_error")


def _refuse_unread() -> BadRequest:
    message = "MCP servers are not read from the database: general_settings.store_model_in_db is false."
    return BadRequest(message, type="bad_request_error")


def _sight(caller: Principal, shown: Iterable[Columns], around: McpSurroundings) -> Sight:
    return Sight(caller, shown, around)


def _pack(held: Mapping[str, Any], sent: Mapping[str, Any]) -> Columns:
    """What is sent as columns: `mcp_info` keeps what the gateway has in it, and gets what has no column."""
    own = {name: msgspec.to_builtins(sent[name]) for name in OWN_MEMBERS if name in sent}
    columns = {name: value for name, value in sent.items() if name not in own}
    if not own and "mcp_info" not in sent:
        return columns
    said = without_own(sent.get("mcp_info", held) or {})
    kept = {PINS: held[PINS]} if PINS in held else {}
    settings = own_settings(held) | own
    return {**columns, "mcp_info": {**said, **kept, **({OWN: settings} if settings else {})}}


def _refuse_configured(columns: Mapping[str, Any], around: McpSurroundings) -> None:
    """Raise Conflict for a name that a server of the configuration has."""
    configured = configured_names(around.configured)
    twin = next((name for name in list_names(columns) if name in configured), None)
    if twin is not None:
        raise _taken(twin)


def _taken(name: str) -> Conflict:
    return Conflict(f"There is an MCP server called '{name[:200]}' already.", param="server_name")


def _unknown(identifier: str) -> NotFound:
    return NotFound(f"There is no MCP server with the id '{identifier[:200]}'.", param="server_id")
