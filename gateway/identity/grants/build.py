"""The services of the authorization server, built together."""

from collections.abc import Mapping

import msgspec

from gateway.cache.documents import Documents
from gateway.db.engine import Database
from gateway.db.sealing import Seal
from gateway.db.vouchers import Vouchers
from gateway.identity.grants.authorizing import Authorizing
from gateway.identity.grants.clients import Clients
from gateway.identity.grants.granting import Granting
from gateway.identity.grants.store import GrantStore
from gateway.identity.login.terminal_store import TerminalStore
from gateway.identity.records import Records

__all__ = ["Grants", "build_grants"]


class Grants(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, what people say to it, and what comes of it."""

    clients: Clients
    authorizing: Authorizing
    granting: Granting


def build_grants(
    database: Database,
    records: Records,
    seal: Seal,
    vouchers: Vouchers,
    documents: Documents[Mapping[str, object]],
) -> Grants:
    """Build the services; `documents` reads what clients publish. Close the clients at the end."""
    people = TerminalStore(database)
    return Grants(
        clients=Clients(seal, documents),
        authorizing=Authorizing(vouchers, people),
        granting=Granting(records, GrantStore(database), vouchers, people),
    )
