"""Reads the list of MCP servers that desktop clients keep, and stores what is in it."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.db.rows import Columns
from gateway.domain import Principal
from gateway.errors import BadRequest, Conflict
from gateway.inventory.mcp.request import ImportedServer
from gateway.inventory.mcp.service import McpServerService
from gateway.inventory.mcp.surroundings import McpSurroundings

__all__ = ["import_servers", "named_servers"]

_MOST = 200
_TRANSPORTS = {"streamable-http": "http", "streamable_http": "http", "streamableHttp": "http"}


async def import_servers(
    caller: Principal,
    servers: Mapping[str, ImportedServer],
    service: McpServerService,
    around: McpSurroundings,
) -> Columns:
    """Store every server that can be; each stands by itself.

    Raises BadRequest for too many. A name that is taken is skipped, what cannot be served is told.
    """
    if len(servers) > _MOST:
        raise BadRequest(f"At most {_MOST} servers are imported at once.", param="mcp_servers")
    imported: list[Columns] = []
    skipped: list[str] = []
    errors: list[dict[str, str]] = []
    for name, server in servers.items():
        try:
            imported.append(await service.create(caller, _members(name, server), around))
        except Conflict:
            skipped.append(name)
        except BadRequest as error:
            errors.append({"server_name": name, "error": error.message})
    return {"imported": imported, "skipped": skipped, "errors": errors}


def named_servers(sent: Mapping[str, ImportedServer] | Sequence[ImportedServer]) -> dict[str, ImportedServer]:
    """The servers by their names. Raises BadRequest for one of a list that has none, or another's."""
    if isinstance(sent, Mapping):
        return dict(sent)
    found: dict[str, ImportedServer] = {}
    for index, server in enumerate(sent):
        name = server.name or server.server_name
        if not name or name in found:
            message = "Each server of the list has a 'name' of its own."
            raise BadRequest(message, param=f"mcp_servers[{index}].name", type="bad_request_error")
        found[name] = server
    return found


def _members(name: str, server: ImportedServer) -> dict[str, Any]:
    """The members of `POST /v1/mcp/server`; a hyphen, which no name has, becomes an underscore."""
    stated = server.transport or server.type or ("stdio" if server.command else "http")
    return {
        "server_name": name.replace("-", "_"),
        "transport": _TRANSPORTS.get(stated, stated),
        "description": server.description,
        "url": server.url,
        "static_headers": server.headers,
        "command": server.command,
        "args": server.args,
        "env": server.env,
    }
