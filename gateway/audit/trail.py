"""The audit trail as services see it: one line beside the change."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.audit.changes import Change
from gateway.audit.masking import mask
from gateway.audit.store import AuditRecords, Entry
from gateway.db.engine import Database
from gateway.domain import Principal
from gateway.ids import new_charge_id

__all__ = ["Actor", "AuditTrail"]

_encode = msgspec.json.Encoder().encode


class Actor(msgspec.Struct, frozen=True):
    """Who changes something without a call of the management API: a job, a directory, a login."""

    name: str
    api_key: str = ""


class AuditTrail:
    """Notes changes in the transaction that is open in this task, so that neither is there without the other.

    Raises DatabaseUnavailable. Switched off by `store_audit_logs: false`.
    """

    def __init__(self, database: Database) -> None:
        self.is_on = True
        self._records = AuditRecords(database)

    def configure(self, *, is_on: bool) -> None:
        """Switch the trail on or off, when the settings are loaded."""
        self.is_on = is_on

    async def record(self, actor: Principal | Actor, *changes: Change) -> None:
        """Note what an actor changed: any number of changes in one statement."""
        if not self.is_on or not changes:
            return
        name, api_key = _signature(actor)
        await self._records.insert(name, api_key, [_entry(change) for change in changes])


def _signature(actor: Principal | Actor) -> tuple[str, str]:
    """Whom an entry names, and the hash of the key that was really used.

    The name is the one that the caller gave in `litellm-changed-by`, which nobody has verified, else the
    caller's own.
    """
    if isinstance(actor, Actor):
        return actor.name, actor.api_key
    return actor.changed_by or actor.user_id or actor.token_hash, actor.token_hash


def _entry(change: Change) -> Entry:
    return Entry(
        id=new_charge_id(),
        action=change.action.value,
        table=change.table.value,
        object_id=change.object_id,
        before=_masked_json(change.before),
        after=_masked_json(change.after),
    )


def _masked_json(row: Mapping[str, Any] | None) -> str | None:
    return None if row is None else _encode(mask(row)).decode()
