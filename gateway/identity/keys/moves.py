"""Moving a key's row to the hash of another secret, with everything that is kept under the hash."""

from datetime import datetime

from gateway.audit.changes import Action, Audited, Change
from gateway.audit.trail import Actor
from gateway.db.engine import Database
from gateway.db.rows import Columns, Rows
from gateway.db.tables.keys import VerificationToken
from gateway.domain import Principal, Scope, ScopeKind
from gateway.errors import BadRequest
from gateway.identity.credentials import abbreviate
from gateway.identity.durations import add_duration
from gateway.identity.keys.record import naive
from gateway.identity.keys.rotation_store import RotationRecords
from gateway.identity.keys.values import read_duration
from gateway.identity.records import Records
from gateway.ids import hash_token

__all__ = ["KeyMoves"]


class KeyMoves:
    """Works inside the caller's transaction. Raises DatabaseUnavailable."""

    def __init__(self, database: Database, records: Records) -> None:
        self._records = records
        self._rows = Rows(VerificationToken)
        self._store = RotationRecords(database)

    async def lock(self, token: str) -> Columns | None:
        """The row of a key, held until the transaction ends, as are the charges of the key."""
        await self._store.settle(token)
        return await self._rows.lock(token)

    async def set_type(self, row: Columns, key_type: str) -> Columns:
        """Write down which type the routes of a locked key stand for; returns its row."""
        return await self._rows.update(row["token"], {"key_type": key_type})

    async def move(self, actor: Principal | Actor, row: Columns, secret: str, revoke_at: datetime) -> Columns:
        """Give a locked row another secret, and return it; the old one stays good until `revoke_at`.

        Raises BadRequest for a secret that some key has or had.
        """
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
        }
        moved = await self._rows.update(old, columns)
        await self._store.deprecate(old, new, naive(revoke_at))
        await self._store.move_meters(old, new)
        await self._store.move_groups(old, new, row["access_group_ids"] or [])
        await self._records.entries.open_balance(Scope(ScopeKind.KEY, new), moved["spend"])
        await self._records.notices.announce([Scope(ScopeKind.KEY, old), Scope(ScopeKind.KEY, new)])
        await self._records.audit.record(actor, Change(Action.ROTATED, Audited.KEY, new, row, moved))
        return moved
