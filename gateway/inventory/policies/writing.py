"""What every change of policies has in common: the rules that hold afterwards, its entries, its notice."""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from gateway.audit.changes import Change
from gateway.db.engine import Database
from gateway.db.rows import Columns
from gateway.domain import Principal
from gateway.errors import BadRequest, Conflict, NotFound
from gateway.guardrails.policies.book import Policy
from gateway.identity.records import Records
from gateway.inventory.notices import announce_models
from gateway.inventory.policies.rules import read_entry, resolve
from gateway.inventory.policies.store import AttachmentRecords, PolicyRecords
from gateway.settings.policies import PolicyEntry

__all__ = ["Surroundings", "Writing", "not_found"]


class Surroundings(msgspec.Struct, frozen=True):
    """What the configuration has: its policies, and the names of all guardrails that are set up."""

    policies: tuple[PolicyEntry, ...] = ()
    guardrails: Collection[str] = ()

    @property
    def names(self) -> frozenset[str]:
        """The names of its policies."""
        return frozenset(entry.name for entry in self.policies)


class Writing:
    """Holds policies for change, checks what they would be, and says that they changed.

    Use it inside a transaction. Raises DatabaseUnavailable.
    """

    def __init__(self, database: Database, records: Records) -> None:
        self._database = database
        self._records = records
        self.policies = PolicyRecords(database)
        self.attachments = AttachmentRecords(database)

    async def get(self, identifier: str) -> Columns:
        """A version. Raises NotFound."""
        row = await self.policies.find(identifier)
        if row is None:
            raise not_found("policy_id", identifier)
        return row

    async def check(self, name: str, columns: Mapping[str, Any], around: Surroundings) -> Policy:
        """The policy that these columns would make in production.

        Raises BadRequest if it could not be followed.
        """
        entry = read_entry(name, columns)
        ancestors = [] if entry.inherit is None else await self.policies.find_ancestors(entry.inherit)
        policy = resolve(entry, ancestors, around.policies)
        if policy.fault:
            raise BadRequest(f"The policy could not be followed: {policy.fault}", param="inherit")
        unknown = [guardrail for guardrail in policy.guardrails if guardrail not in around.guardrails]
        missing = set(unknown) - (await self.policies.find_set_up(unknown) if unknown else set())
        if missing:
            raise BadRequest(
                f"There is no guardrail '{min(missing)[:100]}'. GET /guardrails/list names those there are.",
                param="guardrails_add",
            )
        return policy

    async def refuse_orphans(self, name: str, around: Surroundings) -> None:
        """Raise Conflict while another policy in production inherits from this one."""
        child = await self.policies.find_child(name)
        child = child or next((one.name for one in around.policies if one.inherit == name), None)
        if child is not None:
            raise Conflict(
                f"The policy '{child[:100]}' inherits from this one, and could not be followed without it.",
                param="policy_id",
            )

    async def note(self, caller: Principal, *changes: Change) -> None:
        """Write the entries of the audit trail, and tell all workers."""
        await self._records.audit.record(caller, *changes)
        await announce_models(self._database)


def not_found(param: str, identifier: str) -> NotFound:
    """The refusal of an id or a name that nothing has."""
    return NotFound(f"There is no policy with the {param} '{identifier[:200]}'.", param=param)
