"""MCP servers tried out before they are stored."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.db.engine import Database
from gateway.db.rows import Columns
from gateway.db.sealing import Seal
from gateway.db.vouchers import Vouchers
from gateway.domain import McpFindings, McpServerRecord, Principal
from gateway.ids import new_id
from gateway.inventory.mcp.answers import show_configured
from gateway.inventory.mcp.secrets import merge_secrets, open_secrets
from gateway.inventory.mcp.service import McpServerService, build, refuse_unserved
from gateway.inventory.mcp.store import McpServerRecords
from gateway.inventory.mcp.surroundings import McpSurroundings

__all__ = ["McpTrialService"]

_PURPOSE, _SECONDS = "mcp-trial-server", 300.0


class McpTrialService:
    """Asks servers that are not served; of one that is stored already masked secrets are the stored ones."""

    def __init__(self, database: Database, seal: Seal, servers: McpServerService) -> None:
        self._seal = seal
        self._rules = servers
        self._servers = McpServerRecords(database, seal)

    async def try_out(
        self, caller: Principal, sent: Mapping[str, Any], around: McpSurroundings
    ) -> McpFindings:
        """What a server says that has these members.

        Raises BadRequest for one that cannot be served, and DatabaseUnavailable.
        """
        found = await around.try_out(await self.build(caller, sent, around))
        if found is None:
            raise refuse_unserved()
        return found

    async def begin(
        self, caller: Principal, sent: Mapping[str, Any], around: McpSurroundings, vouchers: Vouchers
    ) -> Columns:
        """Put a server down for a while, so that somebody may log in at it; its id is a secret.

        Raises BadRequest for one that cannot be served, and DatabaseUnavailable.
        """
        record = await self.build(caller, sent, around)
        if await around.check(record) is None:
            raise refuse_unserved()
        text = msgspec.json.encode(record).decode()
        identifier = await vouchers.issue(_PURPOSE, text, _SECONDS)
        shown = show_configured(record.name, record.settings)
        return {**shown, "server_id": identifier, "is_config": False}

    async def find(self, caller: Principal, identifier: str, vouchers: Vouchers) -> McpServerRecord | None:
        """A server that was put down, for those who may put some down."""
        if not caller.is_admin:
            return None
        text = await vouchers.find(_PURPOSE, identifier)
        return None if text is None else msgspec.json.decode(text, type=McpServerRecord)

    async def build(
        self, caller: Principal, sent: Mapping[str, Any], around: McpSurroundings
    ) -> McpServerRecord:
        """A server that has these members, and is stored nowhere. Raises BadRequest, DatabaseUnavailable."""
        identifier = sent.get("server_id")
        row = None if identifier is None else await self._servers.find(identifier)
        given = dict(sent) if row is None else merge_secrets(open_secrets(row, self._seal), sent)
        # Nothing that is known of a stored server of this id is mixed up with what this one says.
        return build({**self._rules.complete(caller, given), "server_id": new_id()}, around)
