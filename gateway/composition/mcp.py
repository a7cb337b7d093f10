"""What the plugin that serves MCP is lent of the database."""

from functools import partial

from gateway.catalog.added_source import AddedSource
from gateway.catalog.mcp_stock import McpStock
from gateway.clock import Clock
from gateway.db.engine import Database
from gateway.db.vouchers import Vouchers
from gateway.inventory.mcp.notices import announce_credential

__all__ = ["build_mcp_stock"]


def build_mcp_stock(added: AddedSource, database: Database, clock: Clock, vouchers: Vouchers) -> McpStock:
    """Servers, toolsets and credentials; a credential that changes is told to every worker."""
    return McpStock(added, database, clock, vouchers, partial(announce_credential, database))
