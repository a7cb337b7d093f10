"""Giving a key another secret, while the old one stays good for a while."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gateway.db.rows import Columns
from gateway.domain import Principal
from gateway.errors import NotFound, PermissionDenied
from gateway.identity.credentials import hash_of
from gateway.identity.durations import add_duration
from gateway.identity.keys.moves import KeyMoves
from gateway.identity.keys.owners import KeyOwners, not_permitted
from gateway.identity.keys.record import routes_of
from gateway.identity.keys.request import GenerateKeyRequest
from gateway.identity.keys.response import build_generated
from gateway.identity.keys.rules import Covers, check_opens_no_more
from gateway.identity.keys.updates import KeyUpdates
from gateway.identity.keys.values import check_secret, read_duration, refuse
from gateway.identity.master import MASTER_USER_ID
from gateway.identity.records import Records
from gateway.identity.rights import check_is_no_viewer
from gateway.ids import new_key

__all__ = ["KeyRotation"]

_REGENERATE = "/key/regenerate"
_PERMISSIONS = frozenset({_REGENERATE, "/key/{key_id}/regenerate"})
_NO_GRACE = frozenset({None, "", "0", "0s"})
_OWN_MEMBERS = frozenset(
    {"key", "new_key", "new_master_key", "grace_period", "key_type", "send_invite_email"}
)


class KeyRotation:
    """Rotates keys on behalf of a caller; each rotation is one transaction that announces itself.

    The row keeps everything but its hash: spend, limits, meters, access groups and JWT mappings follow. What
    requests under way still charge to the old hash is booked on the key when the drain gets to it. Raises
    DatabaseUnavailable.
    """

    def __init__(
        self, records: Records, moves: KeyMoves, updates: KeyUpdates, owners: KeyOwners, covers: Covers
    ) -> None:
        self._records = records
        self._moves = moves
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
            row = await self._moves.lock(token)
            if row is None:
                raise NotFound("Key not found in the database.", param="key")
            await self._check_may_rotate(caller, row)
            changes = _changes(sent)
            if changes:
                row = await self._updates.change(caller, changes, row)
            kind = sent.get("key_type")
            if kind is not None:
                row = await self._moves.set_type(row, kind)
            moved = await self._moves.move(caller, row, secret, revoke_at)
            budget_id = moved["budget_id"]
            budget = await self._records.budgets.find(budget_id) if budget_id else None
        request = GenerateKeyRequest(
            duration=sent.get("duration"), object_permission=sent.get("object_permission")
        )
        return build_generated(request, moved, secret, budget)

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
            if _PERMISSIONS.isdisjoint(standing.permissions):
                raise not_permitted(_REGENERATE)

    def _end_of_grace(self, grace_period: str | None) -> datetime:
        """Until when the old secret is good; now without a period, or with one of no length."""
        now = self._records.now()
        if grace_period in _NO_GRACE:
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
