"""What a person corrects in what was spent: resets by hand, refunds; each an adjustment."""

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from gateway.audit.changes import Audited, Change, updated
from gateway.audit.trail import AuditTrail
from gateway.db.connection import Connection
from gateway.db.engine import Database
from gateway.db.entities import ENTITIES, Entity, entity_of, scopes_of
from gateway.domain import Principal, ScopeKind
from gateway.errors import BadRequest, NotFound
from gateway.ids import new_id
from gateway.jobs.correction_store import AdjustmentRow, CorrectionStore
from gateway.jobs.reset_store import ResetStore
from gateway.money import nanos_from_usd, usd_from_nanos
from gateway.spend.books.store import Adjustment, SpendRow, adjust, lock_rows

__all__ = ["Corrections", "Refund"]

_MANUAL_RESET = "manual_reset"
_ROWS = 500
_HIGHEST_USD = 1e9
_LONGEST_REASON = 500
_KINDS = tuple(entity.kind.value for entity in ENTITIES)


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """By how much the spend of something changes: USD, negative for a refund.

    `owner_id` is the team or the organization of a membership, whose `entity_id` is the user.
    """

    entity_type: str
    entity_id: str
    amount: float
    reason: str
    owner_id: str = ""


class Corrections:
    """Sets what was spent, in one transaction with the adjustment and the notice to all workers.

    Raises DatabaseUnavailable throughout. What is not drained yet is added afterwards.
    """

    def __init__(self, database: Database, audit: AuditTrail) -> None:
        self._database = database
        self._audit = audit
        self._resets = ResetStore(database)
        self._store = CorrectionStore(database)

    async def reset_key(self, token: str, reset_to: float, caller: Principal) -> dict[str, object]:
        """Set the spend of a key down to an amount in USD; raises NotFound, BadRequest."""
        async with self._database.transaction() as connection:
            row = await self._lock(connection, entity_of(ScopeKind.KEY), token, "", "key")
            limits = await self._store.read_key_limits(token)
            _check_reset(reset_to, row, limits["max_budget"])
            await self._set(connection, entity_of(ScopeKind.KEY), [row], nanos_from_usd(reset_to), caller)
        spend = {"spend": reset_to, "previous_spend": usd_from_nanos(row.nanos)}
        return {"key_hash": token, **spend, **limits}

    async def reset_member(
        self, team_id: str, user_id: str, reset_to: float, caller: Principal
    ) -> dict[str, object]:
        """Set the spend of a member of a team down to an amount in USD; raises NotFound, BadRequest."""
        entity = entity_of(ScopeKind.TEAM_MEMBER)
        async with self._database.transaction() as connection:
            row = await self._lock(connection, entity, user_id, team_id, "user_id")
            max_budget = await self._store.read_member_budget(team_id, user_id)
            _check_reset(reset_to, row, max_budget)
            await self._set(connection, entity, [row], nanos_from_usd(reset_to), caller)
        spend = {"spend": reset_to, "previous_spend": usd_from_nanos(row.nanos)}
        return {"team_id": team_id, "user_id": user_id, **spend, "max_budget": max_budget}

    async def reset_everything(self, caller: Principal) -> None:
        """Set the spend of all keys and all teams to 0, some hundred rows at a time."""
        for kind in (ScopeKind.KEY, ScopeKind.TEAM):
            entity, after, found = entity_of(kind), "", _ROWS
            while found == _ROWS:
                async with self._database.transaction() as connection:
                    ids = await self._store.list_spent(connection, entity, after, _ROWS)
                    rows = await lock_rows(connection, entity, [(one, "") for one in ids])
                    await self._set(connection, entity, rows, 0, caller)
                found = len(ids)
                after = ids[-1] if ids else after

    async def refund(self, refund: Refund, caller: Principal) -> dict[str, object]:
        """Change what something has spent; raises NotFound, BadRequest for what makes no sense."""
        entity = _entity_of(refund)
        nanos = nanos_from_usd(refund.amount)
        async with self._database.transaction() as connection:
            row = await self._lock(connection, entity, refund.entity_id, refund.owner_id, "entity_id")
            if row.nanos + nanos < 0:
                spent = usd_from_nanos(row.nanos)
                raise _refuse("amount", f"Only {spent} USD were spent in the present period.")
            change = Adjustment(row=row, id=new_id(), to_nanos=row.nanos + nanos)
            await self._apply(connection, entity, [change], refund.reason, caller)
        return {
            "id": change.id,
            "entity_type": refund.entity_type,
            "entity_id": row.entity_id,
            "amount": usd_from_nanos(nanos),
            "spend": usd_from_nanos(change.to_nanos),
            "previous_spend": usd_from_nanos(row.nanos),
        }

    async def list_adjustments(
        self, entity_type: str | None, entity_id: str | None, limit: int
    ) -> list[AdjustmentRow]:
        """The newest adjustments, of everything or of one kind or thing."""
        return await self._store.list_adjustments(entity_type, entity_id, max(1, min(limit, 1_000)))

    async def _lock(
        self, connection: Connection, entity: Entity, one: str, owner: str, param: str
    ) -> SpendRow:
        rows = await lock_rows(connection, entity, [(one, owner)])
        if not rows:
            raise NotFound(f"There is no {entity.kind.value} '{one[:100]}'.", param=param)
        return rows[0]

    async def _set(
        self, connection: Connection, entity: Entity, rows: Sequence[SpendRow], nanos: int, caller: Principal
    ) -> None:
        changes = [Adjustment(row=row, id=new_id(), to_nanos=nanos) for row in rows]
        await self._apply(connection, entity, changes, _MANUAL_RESET, caller)
        scopes = [scope for row in rows for scope in scopes_of(entity, row.entity_id)]
        if nanos == 0:
            await self._resets.clear_meters(connection, scopes)

    async def _apply(
        self,
        connection: Connection,
        entity: Entity,
        changes: Sequence[Adjustment],
        reason: str,
        caller: Principal,
    ) -> None:
        await adjust(connection, entity, changes, reason=reason, actor=caller.user_id or caller.token_hash)
        scopes = [scope for change in changes for scope in scopes_of(entity, change.row.entity_id)]
        await self._resets.tell(connection, scopes)
        table = Audited(entity.table)
        await self._audit.record(caller, *(_audited(table, change) for change in changes))


def _audited(table: Audited, change: Adjustment) -> Change:
    before, after = usd_from_nanos(change.row.nanos), usd_from_nanos(change.to_nanos)
    return updated(table, change.row.entity_id, {"spend": before}, {"spend": after})


def _check_reset(reset_to: float, row: SpendRow, max_budget: Any) -> None:
    if not (math.isfinite(reset_to) and reset_to >= 0):
        raise _refuse("reset_to", "reset_to must be a number of at least 0.")
    if nanos_from_usd(reset_to) > row.nanos:
        spent = usd_from_nanos(row.nanos)
        raise _refuse("reset_to", f"reset_to must not be larger than the current spend ({spent}).")
    if max_budget is not None and reset_to > max_budget:
        raise _refuse("reset_to", f"reset_to must not be larger than max_budget ({max_budget}).")


def _entity_of(refund: Refund) -> Entity:
    if refund.entity_type not in _KINDS:
        raise _refuse("entity_type", f"entity_type is one of {', '.join(_KINDS)}.")
    entity = entity_of(ScopeKind(refund.entity_type))
    if bool(entity.owner_key) != bool(refund.owner_id):
        raise _refuse("owner_id", "owner_id names the team or organization of a membership, and only of one.")
    if not math.isfinite(refund.amount) or not 0 < abs(refund.amount) <= _HIGHEST_USD:
        raise _refuse("amount", "amount is a number of USD: negative for a refund, and not 0.")
    if not 0 < len(refund.reason) <= _LONGEST_REASON:
        raise _refuse("reason", f"reason says why, in at most {_LONGEST_REASON} characters.")
    return entity


def _refuse(param: str, message: str) -> BadRequest:
    return BadRequest(message, param=param, type="bad_request_error")
