"""MCP servers tried out before they are stored."""

from collections.abc import Mapping
from typing import Any

from gateway.db.engine import Database
from gateway.db.sealing import Seal
from gateway.domain import McpFindings, Principal
from gateway.ids import new_id
from gateway.inventory.mcp.secrets import merge_secrets, open_secrets
from gateway.inventory.mcp.service import McpServerService, build, refuse_unserved
from gateway.inventory.mcp.store import McpServerRecords
from gateway.inventory.mcp.surroundings import McpSurroundings

__all__ = ["McpTrialService"]


class McpTrialService:
    """Asks servers that are not served; of one that is stored already masked secrets are the stored ones."""

    def __init__(self, database: Database, seal: Seal, servers: McpServerService) -> None:
        self._seal = seal
        self._rules = servers
        self._servers = McpServerRecords(database)

    async def try_out(
        self, caller: Principal, sent: Mapping[str, Any], around: McpSurroundings
    ) -> McpFindings:
        """What a server says that has these members.

        Raises BadRequest for one that cannot be served, and DatabaseUnavailable.
        """
        identifier = sent.get("server_id")
        row = None if identifier is None else await self._servers.find(identifier)
        given = dict(sent) if row is None else merge_secrets(open_secrets(row, self._seal), sent)
        # Nothing that is known of a stored server of this id is mixed up with what this one says.
        columns = {**self._rules.complete(caller, given), "server_id": new_id()}
        found = await around.try_out(build(columns, around))
        if found is None:
            raise refuse_unserved()
        return found
