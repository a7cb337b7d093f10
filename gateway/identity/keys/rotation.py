"""Giving a key another secret, while the old one stays good for a while."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gateway.audit.changes import Action, Audited, Change
from gateway.db.engine import Database
from gateway.db.rows import Columns, Rows
from gateway.db.tables.keys import VerificationToken
from gateway.domain import Principal, Scope, ScopeKind
from gateway.errors import BadRequest, NotFound, PermissionDenied
from gateway.identity.credentials import abbreviate, hash_of
from gateway.identity.durations import add_duration
from gateway.identity.keys.owners import KeyOwners, not_permitted
from gateway.identity.keys.record import naive, routes_of
from gateway.identity.keys.request import GenerateKeyRequest
from gateway.identity.keys.response import build_generated
from gateway.identity.keys.rotation_store import RotationRecords
from gateway.identity.keys.rules import Covers, check_opens_no_more
from gateway.identity.keys.updates import KeyUpdates
from gateway.identity.keys.values import check_secret, read_duration, refuse
from gateway.identity.master import MASTER_USER_ID
from gateway.identity.records import Records
from gateway.identity.rights import check_is_no_viewer
from gateway.ids import hash_token, new_key

__all__ = ["KeyRotation"]

_REGENERATE = "/key/regenerate"
_OWN_MEMBERS = frozenset({"key", "new_key", "new_master_key", "grace_period", "key_type"})


class KeyRotation:
    """Rotates keys on behalf of a caller; each rotation is one transaction that announces itself.

    The row keeps everything but its hash: spend, limits, meters, access groups and JWT mappings follow. What
    requests under way still charge to the old hash is booked on the key when the drain gets to it. Raises
    DatabaseUnavailable.
    """

    def __init__(
        self, database: Database, records: Records, updates: KeyUpdates, owners: KeyOwners, covers: Covers
    ) -> None:
        self._records = records
        self._rows = Rows(VerificationToken)
        self._store = RotationRecords(database)
        self._updates = updates
        self._owners = owners
        self._covers = covers

    async def regenerate(
        self, caller: Principal, named: str | None, sent: Mapping[str, Any]
    ) -> dict[str, object]:
        """Give a key (the caller's own without a name) a new secret, and change what else was sent.

        The answer is the only place where the secret is shown. Raises NotFound, BadRequest for a secret or a
        grace period that cannot be, PermissionDenied or AuthenticationFailed for a key that is not the
        caller's to rotate, or for members that are not the caller's to set.
        """
        check_is_no_viewer(caller)
        token = hash_of(named) if named else caller.token_hash
        _check_is_no_master(caller, token)
        secret = sent.get("new_key") or new_key()
        check_secret("new_key", secret)
        revoke_at = self._end_of_grace(sent.get("grace_period"))
        async with self._records.transaction():
            await self._store.settle(token)
            row = await self._rows.lock(token)
            if row is None:
                raise NotFound("Key not found in the database.", param="key")
            await self._check_may_rotate(caller, row)
            changes = _changes(sent)
            if changes:
                row = await self._updates.change(caller, changes, row)
            marks = {"updated_by": caller.user_id}
            if sent.get("key_type") is not None:
                marks["key_type"] = sent["key_type"]
            moved = await self._move(caller, row, secret, revoke_at, marks)
            budget_id = moved["budget_id"]
            budget = await self._records.budgets.find(budget_id) if budget_id else None
        request = GenerateKeyRequest(
            duration=sent.get("duration"), object_permission=sent.get("object_permission")
        )
        return build_generated(request, moved, secret, budget)

    async def _move(
        self, actor: Principal, row: Columns, secret: str, revoke_at: datetime, marks: Columns
    ) -> Columns:
        """Give a locked row the hash of another secret, and take along everything that is kept under it."""
        old, new, now = row["token"], hash_token(secret), self._records.now()
        if old == new or await self._store.is_used(new) or await self._rows.find(new) is not None:
            raise BadRequest(
                "new_key: A key has or had this value. Choose another one.",
                param="new_key",
                type="bad_request_error",
            )
        interval = read_duration("rotation_interval", row["rotation_interval"])
        columns = {
            "token": new,
            "key_name": abbreviate(secret),
            "rotation_count": (row["rotation_count"] or 0) + 1,
            "last_rotation_at": now,
            "key_rotation_at": add_duration(now, interval) if interval and row["auto_rotate"] else None,
            "updated_at": now,
            **marks,
        }
        moved = await self._rows.update(old, columns)
        await self._store.deprecate(old, new, naive(revoke_at))
        await self._store.move_meters(old, new)
        await self._store.move_groups(old, new, row["access_group_ids"] or [])
        await self._records.entries.open_balance(Scope(ScopeKind.KEY, new), moved["spend"])
        await self._records.notices.announce([Scope(ScopeKind.KEY, old), Scope(ScopeKind.KEY, new)])
        await self._records.audit.record(actor, Change(Action.ROTATED, Audited.KEY, new, row, moved))
        return moved

    async def _check_may_rotate(self, caller: Principal, row: Columns) -> None:
        """The key's user may, in a team if the team lets it, and who administers the team or organization."""
        if caller.is_admin:
            return
        if row["token"] != caller.token_hash:
            check_opens_no_more(caller, row, self._covers)
        if await self._owners.administers(caller, row):
            await self._owners.check_may_act_for(caller, row["user_id"])
            return
        if caller.user_id is None or caller.user_id != row["user_id"]:
            raise PermissionDenied("You are not allowed to regenerate this key.", param="key")
        if row["team_id"] is not None:
            standing = await self._owners.standing_in(row["team_id"], caller)
            if _REGENERATE not in standing.permissions:
                raise not_permitted(_REGENERATE)

    def _end_of_grace(self, grace_period: str | None) -> datetime:
        """Until when the old secret is good; now without a period, or with one of no length."""
        now = self._records.now()
        if not grace_period or grace_period.strip("smhdwo") == "0":
            return now
        duration = read_duration("grace_period", grace_period)
        return now if duration is None else add_duration(now, duration)


def _changes(sent: Mapping[str, Any]) -> dict[str, Any]:
    """The members that change the row beside its secret, as `/key/update` has them."""
    changes = {name: value for name, value in sent.items() if name not in _OWN_MEMBERS}
    if sent.get("key_type") is not None and not sent.get("allowed_routes"):
        changes["allowed_routes"] = routes_of(GenerateKeyRequest(key_type=sent["key_type"]))
    return changes


def _check_is_no_master(caller: Principal, token: str) -> None:
    if caller.user_id == MASTER_USER_ID and caller.token_hash == token and caller.key_name is None:
        raise refuse(
            "key", "The master key is set where the gateway is started (GATEWAY_MASTER_KEY). Name a key."
        )
