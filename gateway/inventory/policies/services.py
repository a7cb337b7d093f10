"""The services of policies, built together."""

import msgspec

from gateway.db.engine import Database
from gateway.identity.records import Records
from gateway.inventory.policies.attachments import AttachmentService
from gateway.inventory.policies.impact_store import ImpactStore
from gateway.inventory.policies.service import PolicyService
from gateway.inventory.policies.versions import VersionService
from gateway.inventory.policies.writing import Writing

__all__ = ["Policies", "build_policies"]


class Policies(msgspec.Struct, frozen=True, kw_only=True):
    """One service per part."""

    policies: PolicyService
    versions: VersionService
    attachments: AttachmentService


def build_policies(database: Database, records: Records) -> Policies:
    """Build every service."""
    writing = Writing(database, records)
    policies = PolicyService(records, writing)
    return Policies(
        policies=policies,
        versions=VersionService(records, writing, policies),
        attachments=AttachmentService(records, writing, ImpactStore(database)),
    )
