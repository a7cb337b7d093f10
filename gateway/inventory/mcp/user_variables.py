"""The rules of values that users give for variables of MCP servers."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.audit.changes import Audited, created, deleted
from gateway.catalog.mcp_stock import McpStock
from gateway.db.engine import Database
from gateway.db.rows import Columns
from gateway.db.sealing import Seal, UnsealableError
from gateway.domain import MCP_VARIABLES, Principal
from gateway.errors import BadRequest
from gateway.identity.records import Records
from gateway.inventory.mcp.notices import announce_credential
from gateway.inventory.mcp.service import McpServerService
from gateway.inventory.mcp.surroundings import McpSurroundings
from gateway.inventory.mcp.user_credential_store import UserCredentialRecords
from gateway.inventory.mcp.user_credentials import check_sendable, user_of
from gateway.inventory.mcp.variables import list_of_users

__all__ = ["UserVariableService"]

_LONGEST = 2_048
_decode = msgspec.json.Decoder(dict[str, str]).decode


class UserVariableService:
    """Values of users, one encrypted object for each user and server; told is only which there are.

    All methods raise DatabaseUnavailable, BadRequest for keys of nobody, NotFound for a server that the
    caller may not reach. Every worker uses a change within a second.
    """

    def __init__(self, database: Database, records: Records, seal: Seal, servers: McpServerService) -> None:
        self._database = database
        self._records = records
        self._seal = seal
        self._servers = servers
        self._stored = UserCredentialRecords(database)

    async def show(
        self, caller: Principal, server_id: str, stock: McpStock, around: McpSurroundings
    ) -> Columns:
        """Which values of a server the caller has given, and which are missing."""
        server = await self._servers.find_visible(caller, server_id, around)
        return _tell(server, await self._read(user_of(caller), server_id, stock))

    async def list_wanting(self, caller: Principal, around: McpSurroundings) -> list[Columns]:
        """The same of every server that wants some."""
        user_id = user_of(caller)
        servers = [one for one in await self._servers.list_visible(caller, around) if list_of_users(one)]
        keys = [one["server_id"] + MCP_VARIABLES for one in servers]
        given = await self._stored.find_any(user_id, keys)
        return [_tell(one, self._open(given.get(key))) for one, key in zip(servers, keys, strict=True)]

    async def save(
        self,
        caller: Principal,
        server_id: str,
        values: Mapping[str, str | None],
        around: McpSurroundings,
    ) -> Columns:
        """Store values beside those that there are; raises BadRequest for what no header can carry."""
        user_id, server = user_of(caller), await self._servers.find_visible(caller, server_id, around)
        known = {one["name"] for one in list_of_users(server)}
        for name, value in values.items():
            if name not in known:
                message = f"The MCP server has no variable '{name[:100]}'."
                raise BadRequest(message, param=f"values.{name[:100]}", type="bad_request_error")
            if value is not None:
                check_sendable(value, f"values.{name}", _LONGEST)
        key = server_id + MCP_VARIABLES
        async with self._records.transaction():
            merged = {**self._open(await self._stored.lock(user_id, key)), **values}
            kept = {name: value for name, value in merged.items() if value is not None and name in known}
            await self._stored.save(user_id, key, self._seal.close(msgspec.json.encode(kept).decode()))
            change = created(
                Audited.MCP_USER_CREDENTIAL,
                f"{user_id}:{key}",
                {"server_id": server_id, "names": sorted(values)},
            )
            await self._records.audit.record(caller, change)
            await announce_credential(self._database, user_id, key)
        return _tell(server, kept)

    async def delete(self, caller: Principal, server_id: str, around: McpSurroundings) -> Columns:
        """Remove all values of the caller's for a server; there may be none."""
        user_id, server = user_of(caller), await self._servers.find_visible(caller, server_id, around)
        key = server_id + MCP_VARIABLES
        async with self._records.transaction():
            if await self._stored.delete(user_id, key):
                change = deleted(Audited.MCP_USER_CREDENTIAL, f"{user_id}:{key}", {"server_id": server_id})
                await self._records.audit.record(caller, change)
                await announce_credential(self._database, user_id, key)
        return _tell(server, {})

    async def _read(self, user_id: str, server_id: str, stock: McpStock) -> dict[str, str]:
        return _read(await stock.find_credential(user_id, server_id + MCP_VARIABLES))

    def _open(self, sealed: str | None) -> dict[str, str]:
        try:
            return _read(None if sealed is None else self._seal.open(sealed))
        except UnsealableError:
            return {}


def _read(text: str | None) -> dict[str, str]:
    """Values as they are stored; what was written under another salt key has to be given again."""
    try:
        return _decode(text or "{}")
    except msgspec.DecodeError:
        return {}


def _tell(server: Columns, given: Mapping[str, Any]) -> Columns:
    required = [
        {"name": one["name"], "description": one.get("description"), "is_set": one["name"] in given}
        for one in list_of_users(server)
    ]
    return {
        **{name: server[name] for name in ("server_id", "server_name", "alias")},
        "required": required,
        "missing_count": len([one for one in required if not one["is_set"]]),
        "setup_url": None,
    }
