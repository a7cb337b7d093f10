"""The rules of credentials that users bring for MCP servers."""

from typing import Any

from gateway.audit.changes import Audited, created, deleted
from gateway.db.engine import Database
from gateway.db.rows import Columns
from gateway.db.sealing import Seal
from gateway.domain import Principal
from gateway.errors import BadRequest, NotFound, PermissionDenied
from gateway.identity.records import Records
from gateway.inventory.mcp.notices import announce_credential
from gateway.inventory.mcp.service import McpServerService
from gateway.inventory.mcp.surroundings import McpSurroundings
from gateway.inventory.mcp.user_credential_store import UserCredentialRecords

__all__ = ["UserCredentialService", "check_sendable", "user_of"]

_MOST = 1_000
_LONGEST = 8_192
_KIND = "byok"


class UserCredentialService:
    """What users have given for servers with `is_byok`; encrypted in the database, never shown.

    All methods raise DatabaseUnavailable, BadRequest for what cannot be sent, NotFound for a server that the
    caller may not reach. Every worker uses a change within a second.
    """

    def __init__(self, database: Database, records: Records, seal: Seal, servers: McpServerService) -> None:
        self._database = database
        self._records = records
        self._seal = seal
        self._servers = servers
        self._credentials = UserCredentialRecords(database)

    async def find_server(self, caller: Principal, name: str, around: McpSurroundings) -> Columns:
        """The server of an id, a name or an alias for which the caller may give something."""
        server = await self._servers.find_named(caller, name, around)
        _check_takes(server, name)
        return server

    async def save(
        self, caller: Principal, server_id: str, credential: str, around: McpSurroundings
    ) -> Columns:
        """Store the caller's own credential for a server, in the place of what there was."""
        user_id = user_of(caller)
        _check_takes(await self._servers.find_visible(caller, server_id, around), server_id)
        check_sendable(credential, "credential", _LONGEST)
        async with self._records.transaction():
            await self._credentials.save(user_id, server_id, self._seal.close(credential))
            change = created(Audited.MCP_USER_CREDENTIAL, f"{user_id}:{server_id}", {"server_id": server_id})
            await self._records.audit.record(caller, change)
            await announce_credential(self._database, user_id, server_id)
        return {"server_id": server_id, "has_credential": True}

    async def delete(self, caller: Principal, server_id: str, user_id: str | None) -> Columns:
        """Remove the caller's credential, or as a proxy admin that of `user_id`. Raises NotFound for none."""
        if user_id is not None and user_id != caller.user_id and not caller.is_admin:
            raise PermissionDenied("Only proxy admins delete credentials of others.", param="user_id")
        owner = user_id or user_of(caller)
        async with self._records.transaction():
            if not await self._credentials.delete(owner, server_id):
                message = f"There is no credential for the MCP server '{server_id[:200]}'."
                raise NotFound(message, param="server_id")
            change = deleted(Audited.MCP_USER_CREDENTIAL, f"{owner}:{server_id}", {"server_id": server_id})
            await self._records.audit.record(caller, change)
            await announce_credential(self._database, owner, server_id)
        return {"server_id": server_id, "has_credential": False}

    async def list_own(self, caller: Principal, around: McpSurroundings) -> list[Columns]:
        """The servers for which the caller has given something, as far as the caller may reach them."""
        rows = await self._credentials.list_of_user(user_of(caller), _MOST)
        found = {one["server_id"]: one for one in rows}
        if not found:
            return []
        servers = await self._servers.list_visible(caller, around)
        return [
            {
                **{name: server[name] for name in ("server_id", "server_name", "alias")},
                "credential_type": server["auth_type"] if server["auth_type"] == "oauth2" else _KIND,
                "has_credential": True,
                "expires_at": None,
                "connected_at": found[server["server_id"]]["created_at"],
            }
            for server in servers
            if server["server_id"] in found
        ]

    async def list_of_server(self, server_id: str) -> list[dict[str, Any]]:
        """The users who have given something for a server."""
        return [
            {
                "user_id": one["user_id"],
                "credential_type": _KIND,
                "expires_at": None,
                "connected_at": one["created_at"],
                "updated_at": one["updated_at"],
            }
            for one in await self._credentials.list_of_server(server_id, _MOST)
        ]

    async def mark(self, caller: Principal, servers: list[Columns]) -> list[Columns]:
        """The same servers; of those that want a credential it says whether the caller has given one."""
        if caller.user_id is None or not any(one["is_byok"] for one in servers):
            return servers
        rows = await self._credentials.list_of_user(caller.user_id, _MOST)
        given = {row["server_id"] for row in rows}
        return [{**one, "has_user_credential": one["server_id"] in given} for one in servers]


def user_of(caller: Principal) -> str:
    """The user whose credentials the caller uses. Raises BadRequest for a key of nobody."""
    if not caller.user_id:
        message = "This key belongs to no user: credentials are a user's."
        raise BadRequest(message, param="user_id", type="bad_request_error")
    return caller.user_id


def _check_takes(server: Columns, name: str) -> None:
    if not server["is_byok"]:
        message = f"The MCP server '{name[:200]}' takes no credentials of users ('is_byok')."
        raise BadRequest(message, param="server_id", type="bad_request_error")


def check_sendable(text: str, name: str, longest: int) -> None:
    """Raise BadRequest for a text that no header can carry."""
    if not 0 < len(text) <= longest or not (text.isascii() and text.isprintable() and text.strip() == text):
        message = f"A credential is a text of 1 to {longest} printable characters of ASCII."
        raise BadRequest(message, param=name, type="bad_request_error")
