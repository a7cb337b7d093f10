"""The services of models and credentials, built together."""

import msgspec

from gateway.db.engine import Database
from gateway.db.sealing import Seal
from gateway.identity.records import Records
from gateway.inventory.models.service import ModelService
from gateway.upstream.address_guard import AddressGuard, Networks

__all__ = ["Inventory", "build_inventory"]


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """One service per resource."""

    models: ModelService


def build_inventory(database: Database, records: Records, seal: Seal, networks: Networks) -> Inventory:
    """Build every service; `networks` are those beyond the public ones to which tenants may lead."""
    return Inventory(models=ModelService(database, records, seal, AddressGuard(networks)))
