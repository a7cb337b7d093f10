"""What belongs to MCP: what its plugin is lent of the database, and who grants tokens for it."""

from collections.abc import Mapping
from functools import partial
from importlib import import_module
from typing import Any, cast

from gateway.cache.documents import Documents
from gateway.catalog.added_source import AddedSource
from gateway.catalog.mcp_stock import McpStock
from gateway.clock import Clock
from gateway.db.engine import Database
from gateway.db.sealing import Seal
from gateway.db.vouchers import Vouchers
from gateway.errors import ServiceUnavailable
from gateway.identity.grants.build import Grants, build_grants
from gateway.identity.identity_checks import IdentityCheck, IdentityChecks
from gateway.identity.records import Records
from gateway.identity.tokens.store import TokenStore
from gateway.inventory.mcp.notices import announce_credential
from gateway.upstream.clients import UpstreamClients
from gateway.upstream.published import Published

__all__ = ["build_mcp_grants", "build_mcp_identities", "build_mcp_stock"]


def build_mcp_stock(added: AddedSource, database: Database, clock: Clock, vouchers: Vouchers) -> McpStock:
    """Servers, toolsets and credentials; a credential that changes is told to every worker."""
    return McpStock(added, database, clock, vouchers, partial(announce_credential, database))


def build_mcp_grants(
    database: Database, records: Records, seal: Seal, vouchers: Vouchers, clients: UpstreamClients
) -> Grants:
    """The authorization server; what its clients publish is read on public networks only."""
    read = Published(clients.guarded).read_object
    documents = Documents(read, records.clock, absent_on=ServiceUnavailable)
    return build_grants(database, records, seal, vouchers, documents)


def build_mcp_identities(
    database: Database, records: Records, documents: Documents[Mapping[str, object]]
) -> IdentityChecks:
    """Who logs in at servers; the keys of their issuers are read where the operator says."""

    def build() -> IdentityCheck:
        # The library of signatures costs 0.1 s to import: only a gateway that compares people pays for it.
        module: Any = import_module("gateway.identity.tokens.bindings")
        made = module.McpIdentities(records, TokenStore(database), documents)
        return cast("IdentityCheck", made)  # an attribute of a module is Any

    return IdentityChecks(build)
